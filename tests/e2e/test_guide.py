"""The guide, typed in as it stands: every box with a file name, and every command."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest

from workflow_build import config

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "guide.md").read_text("utf-8")
BLOCK = re.compile(r"(?m)^## (?P<section>.+)$|^```(?P<language>\w+)\n(?P<text>(?s:.*?))^```$")
NAME = re.compile(r"# (?P<path>[\w/]+\.(?:py|toml))(?:, (?P<variant>.+))?\n")
PATIENCE = 30.0
RUNS = """
import asyncio, importlib, json, sys
from shop._workflow.fastapi import service
from workflow_runtime import start

async def main(calls):
    async with service.lifespan():
        functions = [getattr(importlib.import_module(f"shop.{module}"), name) for module, name, _ in calls]
        runs = [await start(function, *call[2]) for function, call in zip(functions, calls)]
        for run in runs:
            print("result", json.dumps(await run.result(timeout=30), default=str))

asyncio.run(main(json.loads(sys.argv[1])))
"""

pytestmark = pytest.mark.timeout(180)


@dataclass(frozen=True, slots=True)
class Block:
    """One box of the guide."""

    section: str
    language: str
    text: str

    @property
    def path(self) -> str | None:
        """The file that it is, if its first line says so and it is not a later version of one."""
        name = NAME.match(self.text)
        return name["path"] if name and not name["variant"] else None


@cache
def blocks() -> tuple[Block, ...]:
    """All boxes, in order."""
    found, section = [], ""
    for match in BLOCK.finditer(GUIDE):
        section = match["section"] or section
        if match["language"]:
            found.append(Block(section, match["language"], match["text"]))
    return tuple(found)


def variant(name: str) -> str:
    """The text of the box whose first line is the name of a file and this."""
    (text,) = (block.text for block in blocks() if (found := NAME.match(block.text)) and found["variant"] == name)
    return text


def shell(section: str, start: str = "") -> list[str]:
    """The boxes of a section that are commands and begin like that."""
    found = [block.text for block in blocks() if block.section == section and block.language == "sh"]
    return [text for text in found if text.startswith(start)]


@dataclass(frozen=True, slots=True)
class Project:
    """The guide's shop, written into a folder."""

    folder: Path

    def environment(self, **more: str) -> dict[str, str]:
        """What its processes see: our Python first on the path, and nothing of the tester's own settings."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("WORKFLOW", "COV", "PYTEST"))}
        return own | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])} | more

    def do(self, command: str, **more: str) -> str:
        """What a shell prints for the commands, which must succeed."""
        done = self.attempt(["sh", "-euc", command], **more)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return done.stdout

    def attempt(self, command: Sequence[str], **more: str) -> subprocess.CompletedProcess[str]:
        """The command, whatever comes of it."""
        return subprocess.run(
            command, cwd=self.folder, env=self.environment(**more), capture_output=True, text=True, check=False
        )

    def run(self, *calls: tuple[str, str, list[object]]) -> tuple[list[Any], str]:
        """The results of workflows, run in memory side by side, and all that was printed."""
        done = self.attempt([sys.executable, "-c", RUNS, json.dumps(calls)], WORKFLOW_WORLD="memory://")
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        return [json.loads(line[7:]) for line in lines if line.startswith("result ")], done.stdout

    @contextmanager
    def serving(self, command: str, ready: str, **more: str) -> Iterator[None]:
        """The command in the background: enters once it has printed ``ready``, and interrupts it in the end."""
        log = self.folder / "server.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                shlex.split(command),
                cwd=self.folder,
                env=self.environment(**more),
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            deadline = time.monotonic() + PATIENCE
            while ready not in log.read_text("utf-8"):
                assert process.poll() is None, log.read_text("utf-8")
                assert time.monotonic() < deadline, log.read_text("utf-8")
                time.sleep(0.05)
            yield
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        assert "Traceback" not in log.read_text("utf-8"), log.read_text("utf-8")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The shop with all the guide's files but the refused one, built by the guide's own command."""
    project = Project(tmp_path_factory.mktemp("guide") / "project")
    for block in blocks():
        if block.path and block.path != "shop/refused.py":
            file = project.folder / block.path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(block.text, "utf-8")
    (project.folder / "shop" / "__init__.py").touch()
    project.do(shell("Building")[0])
    return project


@pytest.fixture
def project(built: Project, tmp_path: Path) -> Project:
    """A copy of the built shop that a test may change."""
    shutil.copytree(built.folder, tmp_path / "project")
    return Project(tmp_path / "project")


@pytest.fixture
def port() -> int:
    """One that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number: int = listener.getsockname()[1]
        return number


def test_each_section_that_can_has_code() -> None:
    shown = {block.section for block in blocks() if block.language in ("python", "sh")}
    sections = set(re.findall(r"(?m)^## (.+)$", GUIDE))

    assert sections - shown == {"Troubleshooting", "Environment variables"}


def test_what_is_to_be_installed_is_what_the_tests_have() -> None:
    (command,) = shell("Install")

    assert command.startswith("pip install ")
    assert all(distribution(name) for name in command.split()[2:])


def test_workflows_compute_and_wait_as_the_guide_says(built: Project) -> None:
    carriers = ["hare", "fox"]
    calls: list[tuple[str, str, list[object]]] = [
        ("raffle", "raffle", [["ada", "bob"]]),
        ("parcels", "compare", [carriers]),
        ("newsletter", "greet", ["Ada"]),
    ]

    (raffle, parcels, greeting), printed = built.run(*calls)

    assert raffle["winner"] in ("ada", "bob")
    assert raffle["seconds"] >= 1
    assert printed.splitlines().count("drawing") == 1
    assert parcels == {
        "all": [40, 30],
        "by name": {"hare": 40, "fox": 30},
        "arrival": [40, 50],
        "first": [30],
        "late": 1,
        "in time": None,
    }
    assert greeting == "Hello Ada"


def test_steps_are_retried_as_the_guide_says(built: Project) -> None:
    calls: list[tuple[str, str, list[object]]] = [
        ("bank", "pay", ["good", 5]),
        ("bank", "pay", ["busy", 5]),
        ("bank", "pay", ["slow", 5]),
        ("bank", "pay_abroad", ["good", 5, "GBP"]),
    ]

    assert built.run(*calls)[0] == ["5 in 1 attempts", "5 in 3 attempts", "5 in 2 attempts", "10 in 1 attempts"]


def test_retries_follow_the_policies_and_steps_that_take_too_long_are_stopped(built: Project) -> None:
    calls: list[tuple[str, str, list[object]]] = [
        ("suppliers", "restock", ["tea"]),
        ("suppliers", "restock", ["cups"]),
        ("suppliers", "restock", ["unknown"]),
        ("catalog", "refresh", [2]),
        ("catalog", "refresh", [10**6]),
    ]

    results, printed = built.run(*calls)

    assert results == [
        "7 of tea left",
        "cups ordered in 3 attempts",
        "nobody sells unknown",
        "2 pages",
        "the rest tomorrow",
    ]
    assert {"all done", "stopped early"} <= set(printed.splitlines())


def test_what_a_workflow_may_not_do_is_refused_line_by_line(project: Project) -> None:
    (text,) = (block.text for block in blocks() if block.path == "shop/refused.py")
    (project.folder / "shop" / "refused.py").write_text(text, "utf-8")
    said = {(n, code) for n, line in enumerate(text.splitlines(), 1) for code in re.findall(r"# (WB\d+):", line)}

    done = project.attempt(["workflow-build", "--format", "json"])

    (explain,) = shell("What a workflow may do")
    found = json.loads(done.stdout)["diagnostics"]
    errors = {(one["location"]["line"], one["code"]) for one in found if one["severity"] == "error"}
    assert done.returncode == 1
    assert said
    assert errors == said
    assert "WB101" in project.do(explain)


def test_values_cross_unchanged(built: Project) -> None:
    script = (
        "import asyncio\n"
        "from pathlib import Path\n"
        "from shop._workflow.fastapi import service\n"
        "from shop.values import Stock, inventory\n"
        "from workflow_runtime import start\n"
        "async def main():\n"
        "    async with service.lifespan():\n"
        "        stock = Stock(Path('tea.png'))\n"
        "        assert await (await start(inventory, stock)).result(timeout=30) == stock\n"
        "asyncio.run(main())\n"
    )

    done = built.attempt([sys.executable, "-c", script], WORKFLOW_WORLD="memory://")

    assert done.returncode == 0, done.stderr


def test_the_script_prints_what_the_guide_shows(built: Project) -> None:
    section = "Starting runs and getting results"
    (shown,) = (block.text for block in blocks() if block.section == section and block.language == "text")

    done = built.attempt([sys.executable, "try_runs.py"], WORKFLOW_WORLD="memory://")

    assert done.stdout == shown, done.stderr
    assert shown.splitlines()[-1] in "".join(block.text for block in blocks() if block.section.startswith("Values"))


def test_the_build_is_checked_and_tells_its_routes(built: Project) -> None:
    (check,) = shell("Building", "workflow-build --check\n")
    (prefixed,) = shell("Building", "workflow-build routes --app")

    assert "/.well-known/workflow/v1/flow" in built.do(check, COLUMNS="120")
    routes = {route["path"] for route in json.loads(built.do(prefixed))["routes"]}
    assert "/internal/.well-known/workflow/v1/flow" in routes


def test_the_table_shows_every_key(project: Project) -> None:
    text = variant("with every key")
    (project.folder / "pyproject.toml").write_text(text, "utf-8")

    loaded = config.load(project.folder)

    assert set(tomllib.loads(text)["tool"]["workflow-build"]) == {
        *config.TEXT_KEYS,
        *config.LIST_KEYS,
        *config.SWITCHES,
    }
    assert loaded.app == "shop.main:app"
    assert loaded.out == project.folder / "shop" / "_workflow"


@pytest.mark.skipif(not shutil.which("curl"), reason="the guide asks the server with curl")
@pytest.mark.parametrize("command", shell("Running", "uvicorn"))
def test_a_server_takes_an_order_to_its_end(project: Project, port: int, command: str) -> None:
    orders, routes = (text.replace(":8000", f":{port}").rstrip() for text in shell("Running", "curl"))
    place, show = orders.rsplit("\n", 1)
    health, push = routes.splitlines()

    with project.serving(command, "startup complete", UVICORN_PORT=str(port)):
        run_id = json.loads(project.do(place))["run"]
        deadline = time.monotonic() + PATIENCE
        while (answer := json.loads(project.do(show.replace("RUN", run_id))))["status"] in ("pending", "running"):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        answers = project.do(health), project.do(push)

    receipt = {"order_id": "o3", "payment": "paid 16.75", "label": "label-o3"}
    assert answer == {"status": "completed", "receipt": receipt}
    assert " 200 " in answers[0].splitlines()[0]
    assert "x-workflow-build: " in answers[0]
    assert " 403 " in answers[1].splitlines()[0]


def test_a_worker_takes_what_a_script_has_placed(project: Project) -> None:
    project.do("python place_order.py")
    assert "workflow//shop.orders//checkout" in project.do("python live_runs.py")

    (worker,) = shell("Running", "python -m workflow_runtime worker")
    with project.serving(worker, "Ctrl-C stops it"):
        deadline = time.monotonic() + PATIENCE
        while project.do("python live_runs.py"):
            assert time.monotonic() < deadline
            time.sleep(0.1)

    project.do("python backup.py")
    (project.folder / "backup.db").replace(project.folder / ".workflow" / "workflow.db")
    assert not project.do("python live_runs.py")


def test_the_database_is_where_the_variable_says(project: Project) -> None:
    (command,) = shell("Running", "WORKFLOW_WORLD=")

    project.do(command)

    assert (project.folder / "data" / "shop.db").is_file()
    assert not (project.folder / ".workflow").exists()


def test_a_run_keeps_its_workflow_and_takes_the_steps_of_today(project: Project) -> None:
    place = (
        "import asyncio, shop._workflow\n"
        "from shop.reminders import remind\n"
        "from workflow_runtime import start\n"
        "print(asyncio.run(start(remind, 'ada')).id)\n"
    )
    finish = (
        "import asyncio, sys\n"
        "from shop._workflow.fastapi import service\n"
        "from workflow_runtime import get_run\n"
        "async def main():\n"
        "    async with service.lifespan():\n"
        "        for run in sys.argv[1:]:\n"
        "            print(await get_run(run).result(timeout=30))\n"
        "asyncio.run(main())\n"
    )
    before = project.do(f'python -c "{place}"').strip()
    (project.folder / "shop" / "reminders.py").write_text(variant("in the next release"), "utf-8")
    told = project.do("workflow-build")
    after = project.do(f'python -c "{place}"').strip()

    done = project.attempt([sys.executable, "-c", finish, before, after])

    results = done.stdout.splitlines()
    assert results == ["mail to ada: your tea is running out", "mail to ada: time for new tea"], done.stderr
    assert all(f"`{result}`" in GUIDE for result in results)
    assert "no workflow uses step send_mail" in told


def test_the_tests_of_the_guide_pass(built: Project) -> None:
    assert "3 passed" in built.do(shell("Testing")[0])
