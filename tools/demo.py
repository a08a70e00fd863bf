"""The whole, once through: build the shop, place an order, kill the server while a step runs, start it again, see the order finish.

Exits 0 only when the order ended right and no step's outcome stands twice in the log.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from workflow_runtime.events import STEP_ENDS, WAIT_ENDS, Event
from workflow_runtime.worlds.urls import open_world_url

SHOP = Path(__file__).parents[1] / "fixtures" / "fastapi_shop"
PATIENCE = 30.0
VICTIM = "print_label"
BASKET = {
    "customer": "ada@example.org",
    "card": "tok_1",
    "lines": [{"sku": "tea", "quantity": 2, "price": "4.50"}, {"sku": "cup", "quantity": 1, "price": "12.25"}],
}
TOTAL = "21.25"

console = Console(highlight=False)
WIDTH = max(20, min(60, console.width - 52))  # of the pictures; the other columns need the rest


class DemoError(Exception):
    """The demo did not show what it should; the message says what was seen instead."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the demo's shop lives, and where its server answers."""

    app: Path
    data: Path
    port: int

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def world(self) -> str:
        """The database, as ``WORKFLOW_WORLD`` wants it."""
        return f"sqlite:///{self.data / 'workflow.db'}"

    def environment(self) -> dict[str, str]:
        """What the server's process sees."""
        return os.environ | {
            "WORKFLOW_WORLD": self.world,
            "SHOP_LEDGER": str(self.data / "ledger.jsonl"),
            "SHOP_REVIEW_AFTER": "2 seconds",
            "SHOP_STEP_SECONDS": "0.4",
        }


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of the timeline: something that took time. ``end`` is None where the crash took it."""

    name: str
    start: float
    end: float | None
    outcome: str


def say(text: str) -> None:
    """One thing that the demo does."""
    console.print(f"[bold cyan]→[/] {text}")


def build(app: Path) -> None:
    """Copy the shop and compile its workflows."""
    shutil.copytree(SHOP, app, ignore=shutil.ignore_patterns("_workflow", "__pycache__", ".workflow*"))
    say("workflow-build")
    done = subprocess.run(
        [sys.executable, "-m", "workflow_build"],
        cwd=app,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    console.print("".join(f"  {line}\n" for line in done.stdout.splitlines()), end="", markup=False)
    if done.returncode:
        raise DemoError("workflow-build failed")


@contextmanager
def server(place: Place) -> Iterator[subprocess.Popen[bytes]]:
    """A running server that answers; it does not outlive the block."""
    command = [sys.executable, "-m", "uvicorn", "shop.main:app", "--port", str(place.port), "--log-level", "warning"]
    with (place.data / "server.log").open("ab") as log:
        # A session of its own: Ctrl-C is for the demo, which then ends the server itself.
        process = subprocess.Popen(
            command, cwd=place.app, env=place.environment(), stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_until(lambda: answers(place, process), "the server does not answer")
        yield process
    finally:
        process.kill()
        process.wait()


def answers(place: Place, process: subprocess.Popen[bytes]) -> bool:
    """Whether the server is up."""
    if process.poll() is not None:
        raise DemoError(f"the server went away with exit code {process.returncode}")
    try:
        return httpx.get(f"{place.url}/.well-known/workflow/v1/health", timeout=2).is_success
    except httpx.TransportError:
        return False


def wait_until(holds: Any, otherwise: str) -> None:
    """Return once ``holds()`` is true."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise DemoError(otherwise)
        time.sleep(0.02)


def began(place: Place, step: str) -> bool:
    """Whether the ledger says that a step's body has begun."""
    path = place.data / "ledger.jsonl"
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return any((entry["what"], entry["step"]) == ("begin", step) for entry in map(json.loads, lines))


def crash_and_finish(place: Place) -> tuple[str, dict[str, Any], float, float]:
    """The run's id and what the shop says of it in the end, with the times of the crash and of the new start."""
    say(f"uvicorn shop.main:app on {place.url}")
    with server(place) as process:
        run: str = httpx.post(f"{place.url}/orders", json=BASKET, timeout=10).raise_for_status().json()["run"]
        say(f"POST /orders → {run}")
        wait_until(lambda: began(place, VICTIM), f"step {VICTIM} never began")
        time.sleep(0.2)
        process.send_signal(signal.SIGKILL)
        process.wait()
        killed = time.time()
    say(f"kill -9 {process.pid}, while {VICTIM} runs")
    time.sleep(0.3)
    with server(place):
        started = time.time()
        say("the server is back; nobody asks for the order again")
        answer: dict[str, Any] = {}

        def ended() -> bool:
            answer.update(httpx.get(f"{place.url}/orders/{run}", timeout=10).raise_for_status().json())
            return answer["status"] not in ("pending", "running")

        wait_until(ended, f"order {run} does not finish")
        say(f"GET /orders/{run} → {answer['status']}")
    return run, answer, killed, started


async def read_events(place: Place, run: str) -> Sequence[Event]:
    """The run's log."""
    world = open_world_url(place.world)
    await world.open()
    try:
        return (await world.load(run)).events
    finally:
        await world.close()


def bars(events: Sequence[Event]) -> list[Bar]:
    """Each execution of a step, and each wait, in order of their start."""
    names = {event.entity: event.data["step"].split("//")[-1] for event in events if event.kind == "step_created"}
    found: list[Bar] = []
    for place, event in enumerate(events):
        if event.kind == "step_started":
            after = [later for later in events[place + 1 :] if later.entity == event.entity]
            name = f"{names[event.entity]} #{event.data['attempt']}"
            if not after or after[0].kind == "step_started":
                found.append(Bar(name, event.time, None, "killed"))
            else:
                outcome = {"step_completed": "done", "step_retrying": "failed, is retried"}.get(after[0].kind, "failed")
                found.append(Bar(name, event.time, after[0].time, outcome))
        elif event.kind == "wait_created":
            end = next(
                (later for later in events[place + 1 :] if later.entity == event.entity and later.kind in WAIT_ENDS),
                None,
            )
            found.append(Bar("sleep", event.time, end.time if end else None, "elapsed" if end else "waits"))
    return sorted(found, key=lambda bar: bar.start)


def timeline(events: Sequence[Event], killed: float, started: float) -> Table:
    """The run as a table: one line for each execution and wait, and one for the time that no server was there."""
    first, last = events[0].time, events[-1].time
    scale = WIDTH / max(last - first, 0.001)
    rows = [*bars(events), Bar("no server", killed, started, "killed, restarted")]
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    for column in ("step #attempt", "", "seconds", "outcome"):
        table.add_column(column, justify="right" if column == "seconds" else "left", no_wrap=True)
    for row in sorted(rows, key=lambda bar: bar.start):
        crash = row.name == "no server"
        end = killed if row.end is None else row.end
        left = min(int((row.start - first) * scale), WIDTH - 1)
        length = max(1, round((end - row.start) * scale))
        colour = "red" if crash or row.end is None else "yellow" if row.outcome != "done" else "green"
        picture = f"{' ' * left}[{colour}]{('x' if crash else '━') * min(length, WIDTH - left)}[/]"
        table.add_row(f"[{colour}]{row.name}[/]", picture, f"{end - row.start:.2f}", row.outcome)
    return table


def check(answer: dict[str, Any], events: Sequence[Event]) -> None:
    """Raise unless the order ended right, each outcome stands once, and the crash did hit a step."""
    result = answer.get("result") or {}
    if (answer["status"], result.get("total"), result.get("items")) != ("completed", TOTAL, 3):
        raise DemoError(f"the order did not end right: {answer}")
    ends = Counter(event.entity for event in events if event.kind in STEP_ENDS)
    twice = [entity for entity, count in ends.items() if count > 1]
    if twice:
        raise DemoError(f"outcomes that were recorded twice: {', '.join(twice)}")
    if not any(bar.outcome == "killed" for bar in bars(events)):
        raise DemoError("the crash hit no step")


def show(place: Place) -> None:
    """The demo itself."""
    build(place.app)
    run, answer, killed, started = crash_and_finish(place)
    events = asyncio.run(read_events(place, run))
    console.print()
    console.print(timeline(events, killed, started))
    console.print()
    check(answer, events)
    steps = sum(event.kind == "step_completed" for event in events)
    console.print(f"[bold green]✓[/] Order completed: {answer['result']['items']} items, {answer['result']['total']}. "
                  f"{steps} steps, each outcome recorded once, one crash survived.")  # fmt: skip


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def main() -> int:
    """Run the demo in a folder that is gone afterwards; 0 if it showed what it should."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as on Ctrl-C, so that the server goes too
    with tempfile.TemporaryDirectory(prefix="workflow-demo-") as folder:
        place = Place(Path(folder) / "app", Path(folder), free_port())
        try:
            show(place)
        except KeyboardInterrupt:
            console.print("interrupted; the server is stopped")
            return 130
        except (DemoError, httpx.HTTPError) as error:
            console.print(f"[bold red]✗[/] {error}", markup=True)
            log = place.data / "server.log"
            console.print(log.read_text("utf-8", "replace")[-4000:] if log.exists() else "", markup=False)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
