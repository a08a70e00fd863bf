"""Make the shop's runs, take the pictures of docs/web.md of them, and measure the pages: ``python -m tools.screenshots``.

It needs Chromium with its driver; pngquant makes the pictures small where it is installed. ``--measure`` takes no pictures, and prints the table.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome

from tests.web.browser import CHROMIUM, DRIVER, MISSING, browser, logged, nodes, serving, until

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "images"
FIXTURE = ROOT / "fixtures" / "web_shop"
TRIES = 3
AFTER = 4.0
"""Seconds for which bytes are counted once the page is there."""
ROW = "tr[id], .r[id]"
_WATCH = """
const wanted = setInterval(() => {
  const row = document.querySelector(%s);
  if (row && row.getBoundingClientRect().height) { window.shownAt = performance.now(); clearInterval(wanted); }
}, 5);
"""


def built_shop(folder: Path) -> Path:
    """The shop's project, built."""
    project = shutil.copytree(FIXTURE, folder / "shop", ignore=shutil.ignore_patterns("_workflow", "__pycache__"))
    subprocess.run([sys.executable, "-m", "workflow_build"], cwd=project, check=True, stdout=subprocess.DEVNULL)
    return project


@asynccontextmanager
async def working(project: Path) -> AsyncIterator[Any]:
    """The shop's workflows, while a worker in this process runs them; gives their module."""
    sys.path.insert(0, str(project))
    os.environ["WORKFLOW_WORLD"] = f"sqlite:///{project / 'shop.db'}"
    from workflow_runtime.commands.package import load_package
    from workflow_runtime.service import Service

    service = Service(*load_package("shop._workflow"))
    async with service.lifespan():
        yield importlib.import_module("shop.orders")


async def make_runs(shop: Any) -> dict[str, str]:
    """The runs of the pictures, as far as they end; gives their ids."""
    from workflow_runtime import resume_hook, start

    models = importlib.import_module("shop.models")
    items = [models.Item("lamp-01", 1), models.Item("desk-07", 3)]
    for number in range(24):
        named = {"tenant": "acme", "order": f"ord_{1100 + number}"}
        await start.options(attributes=named)(shop.fulfil, named["order"])
    rows = await start(shop.import_rows, 1200, 50)
    await start(shop.nightly_sync, 6)
    refund = await start(shop.refund, "ord_0990")
    contract = await start(shop.wait_for_contract, "ct_9")
    gone = await start(shop.wait_for_contract, "ct_8")
    await start(shop.checkout, models.Order("ord_1002", 4500, "grace@example.com", items[:1]))
    checkout = await start(shop.checkout, models.Order("ord_1001", 12900, "ada@example.com", items))
    await asyncio.sleep(11)
    await gone.cancel("the customer changed their mind")
    await resume_hook("approve:ord_1001", models.Approval("grace@example.com"))
    for run in (checkout, rows):
        await run.result()
    ids = {"checkout": checkout, "rows": rows, "refund": refund, "contract": contract}
    return {name: run.id for name, run in ids.items()}


async def go_on(shop: Any) -> dict[str, str]:
    """Runs that are in the middle of something when the pictures are taken."""
    from workflow_runtime import start

    await start(shop.nightly_sync, 6)
    return {"tell": (await start(shop.tell, "the sea")).id}


def take(page: Chrome, url: str, name: str, ready: str, pause: float = 0.6) -> None:
    """One picture, once ``ready`` is there."""
    page.get("about:blank")
    page.get(url)
    until(page, ready)
    time.sleep(pause)
    path = PICTURES / f"web-{name}.png"
    page.save_screenshot(str(path))
    if quant := shutil.which("pngquant"):
        subprocess.run([quant, "--force", "--skip-if-larger", "--strip", "--output", path, "192", path], check=False)
    print(f"{path.relative_to(ROOT)}  {path.stat().st_size / 1000:.0f} KB, {nodes(page)} nodes")


def take_all(url: str, ids: Mapping[str, str]) -> None:
    """All pictures."""
    runs = {name: f"{url}/runs/{run}" for name, run in ids.items()}
    drawn, picked = (
        "document.querySelector('.virtual .r svg')",
        "document.querySelector('#picked:not([hidden]) .facts')",
    )
    for dark in (False, True):
        mood = "-dark" if dark else ""
        with browser(dark=dark) as page:
            take(page, url, f"list{mood}", "document.querySelector('.live.on')", 1.0)
            take(page, f"{runs['checkout']}#step_000003", f"run{mood}", picked)
            take(page, runs["refund"], f"failed{mood}", drawn)
            if not dark:
                take(page, runs["contract"], "waiting", drawn)
                take(page, runs["rows"], "rows", drawn)
                take(page, f"{runs['checkout']}?view=graph#step_000003", "graph", picked)
                take(page, f"{runs['tell']}?view=streams", "stream", "document.querySelector('.live.on')", 4.0)


def measured(url: str) -> tuple[float, float, int, int]:
    """Seconds until the first row is seen, kilobytes, requests and nodes, with a cold profile."""
    with browser() as page:
        script = {"source": _WATCH % json.dumps(ROW)}
        page.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", script)
        logged(page, "performance")
        page.get(url)
        shown = until(page, "window.shownAt") / 1000
        time.sleep(AFTER)
        log = [json.loads(entry["message"])["message"] for entry in logged(page, "performance")]
        asked = [one for one in log if one["method"] == "Network.requestWillBeSent"]
        asked = [one for one in asked if not one["params"]["request"]["url"].startswith(("data:", "about:", "chrome"))]
        finished = {
            one["params"]["requestId"]: one["params"] for one in log if one["method"] == "Network.loadingFinished"
        }
        parts = [one["params"] for one in log if one["method"] == "Network.dataReceived"]
        size = sum(one["encodedDataLength"] for one in finished.values())
        size += sum(one["encodedDataLength"] for one in parts if one["requestId"] not in finished)
        return shown, size / 1000, len(asked), nodes(page)


def measure_all(url: str, ids: Mapping[str, str], long: str) -> None:
    """Print the table."""
    pages = (
        ("list", url),
        ("run", f"{url}/runs/{ids['checkout']}"),
        ("run that waits", f"{url}/runs/{ids['contract']}"),
        ("1,200 steps", f"{url}/runs/{ids['rows']}"),
        ("10,000 steps", f"{url}/runs/{long}"),
    )
    print("| page | shown, s | KB | requests | DOM nodes |\n| --- | --- | --- | --- | --- |")
    for name, address in pages:
        tries = [measured(address) for _ in range(TRIES)]
        shown = sorted(one[0] for one in tries)
        times = " / ".join(f"{seconds:.2f}" for seconds in (shown[0], statistics.median(shown), shown[-1]))
        _, size, requests, count = tries[-1]
        print(f"| {name} | {times} | {size:.0f} | {requests} | {count:,} |", flush=True)


async def put_long_run(path: Path) -> str:
    """A run of 10,000 steps, written down without being run."""
    from tests.inspect.shop import import_rows
    from workflow_runtime.worlds.sqlite import SqliteWorld

    story = import_rows(10_000, "wrun_01M8199R000000000000010000")
    world = SqliteWorld(path)
    await world.open()
    await story.put(world)
    await world.close()
    return story.run_id


async def main(arguments: Sequence[str]) -> None:
    """Make the runs, then take the pictures or measure."""
    if not (CHROMIUM and DRIVER):
        raise SystemExit(MISSING)
    with tempfile.TemporaryDirectory() as folder:
        project = built_shop(Path(folder))
        async with working(project) as shop:
            ids = await make_runs(shop) | await go_on(shop)
            database = project / "shop.db"
            if "--measure" in arguments:
                long = await put_long_run(database)
                with serving(project, database, "shop._workflow") as url:
                    await asyncio.to_thread(measure_all, url, ids, long)
            else:
                with serving(project, database, "shop._workflow") as url:
                    await asyncio.to_thread(take_all, url, ids)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
