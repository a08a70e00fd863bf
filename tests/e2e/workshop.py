"""A project of its own for tests of workers: steps of every kind, a ledger that they write to, and processes that work on it."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any, TypeVar

from tests import serving
from workflow_runtime.worlds.base import Log, RunStatus, World
from workflow_runtime.worlds.urls import open_world_url

T = TypeVar("T")
PATIENCE = 60.0
SECRET = "of the workshop"
FLOWS = dedent(
    '''
    """Steps that take as long as they are told to, each in another way."""

    import asyncio
    import json
    import os
    import time

    from workflow_runtime import sleep, step, step_cancelled, workflow


    def note(what: str, name: str) -> None:
        line = json.dumps({"what": what, "name": name, "pid": os.getpid(), "time": time.time()})
        file = os.open(os.environ["LEDGER"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.write(file, f"{line}\\n".encode())
        os.close(file)


    @step
    async def waits(name: str, seconds: float) -> str:
        note("begin", name)
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            note("cancelled", name)
            raise
        note("end", name)
        return name


    @step
    def threaded(name: str, seconds: float) -> str:
        note("begin", name)
        time.sleep(seconds)
        note("end", name)
        return name


    @step
    def polite(name: str, seconds: float) -> str:
        note("begin", name)
        until = time.monotonic() + seconds
        while time.monotonic() < until and not step_cancelled():
            time.sleep(0.01)
        note("asked" if step_cancelled() else "end", name)
        return name


    @step
    async def blocks(name: str, seconds: float) -> str:
        note("begin", name)
        time.sleep(seconds)
        note("end", name)
        return name


    @step
    async def stubborn(name: str, seconds: float) -> str:
        note("begin", name)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                note("ignored", name)
        note("end", name)
        return name


    @workflow
    async def work(kind: str, name: str, seconds: float, times: int = 1) -> int:
        steps = {"waits": waits, "threaded": threaded, "polite": polite, "blocks": blocks, "stubborn": stubborn}
        for number in range(times):
            await steps[kind](f"{name}{number}", seconds)
        return times


    @workflow
    async def pausing(name: str, seconds: float) -> str:
        await waits(f"{name}0", 0.0)
        await sleep(seconds)
        return await waits(f"{name}1", 0.0)
    '''
)
APP = dedent(
    '''
    """Functions that run only when they are called, as far as this server's process is concerned."""

    import os

    from shop import _workflow
    from shop._workflow.step_registrations import STEPS
    from workflow_runtime.asgi import AsgiMount
    from workflow_runtime.service import Service


    async def nothing(scope, receive, send):
        assert scope["type"] == "lifespan"
        while True:
            event = await receive()
            await send({"type": event["type"] + ".complete"})


    app = AsgiMount(nothing, Service(_workflow.PROJECT, STEPS), pulls=False)
    '''
)
START = """
import asyncio, json, sys
import shop._workflow
from shop import flows
from workflow_runtime import start

async def main():
    for name, *arguments in json.loads(sys.argv[1]):
        print((await start(getattr(flows, name), *arguments)).id)

asyncio.run(main())
"""


def write_project(folder: Path) -> None:
    """The project's sources, compiled."""
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "__init__.py").touch()
    (folder / "shop" / "flows.py").write_text(FLOWS, "utf-8")
    (folder / "shop" / "called.py").write_text(APP, "utf-8")
    (folder / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\n', "utf-8")
    done = serving.build(folder, "--target", "worker")
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger."""

    what: str
    name: str
    pid: int
    time: float


@dataclass
class Workshop:
    """A project with a database of its own, and the processes that were started on it."""

    folder: Path
    data: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    deaths: dict[int, float] = field(default_factory=dict)
    """When each process was killed or had ended, by its id."""
    database: str = ""
    """The URL of a world other than SQLite."""

    @property
    def world(self) -> str:
        """The database, by URL."""
        return self.database or f"sqlite:///{self.data / 'workflow.db'}"

    @property
    def ledger(self) -> list[Entry]:
        """All that the steps have noted."""
        path = self.data / "ledger.jsonl"
        return [Entry(**json.loads(line)) for line in path.read_text("utf-8").splitlines()] if path.exists() else []

    @property
    def noted(self) -> list[str]:
        """The same, as ``begin a0``."""
        return [f"{entry.what} {entry.name}" for entry in self.ledger]

    @property
    def log(self) -> str:
        """What the processes have printed."""
        return (self.data / "workers.log").read_text("utf-8", "replace")

    def environment(self, settings: dict[str, str]) -> dict[str, str]:
        """What processes see."""
        own = {
            "WORKFLOW_WORLD": self.world,
            "WORKFLOW_SECRET": SECRET,
            "LEDGER": str(self.data / "ledger.jsonl"),
            "PYTHONPATH": str(self.folder),
        }
        return serving.environment(own | settings)

    def launch(self, *words: str, **settings: str) -> subprocess.Popen[bytes]:
        """A process of the runtime's command."""
        with (self.data / "workers.log").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "workflow_runtime", *words],
                cwd=self.data,
                env=self.environment(settings),
                stdout=output,
                stderr=output,
            )
        self.processes.append(process)
        return process

    def worker(self, *options: str, **settings: str) -> subprocess.Popen[bytes]:
        """A worker's process."""
        return self.launch("worker", "shop._workflow", *options, **settings)

    def pusher(self, url: str, *options: str, **settings: str) -> subprocess.Popen[bytes]:
        """A worker's process that pushes."""
        return self.launch("worker", "--push", url, *options, **settings)

    def function(self, listener: socket.socket, **settings: str) -> subprocess.Popen[bytes]:
        """A server of functions that run only when they are called, which answers at that address."""
        log = self.data / "workers.log"
        process = serving.launch("shop.called:app", self.data, listener, self.environment(settings), log)
        self.processes.append(process)
        return process

    def told(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """What the runtime's command says when it ends by itself."""
        return self.python("-m", "workflow_runtime", *words, **settings)

    def start(self, *calls: tuple[object, ...]) -> list[str]:
        """Start runs, each given as the workflow's name and its arguments; gives their ids."""
        done = self.python("-c", START, json.dumps(calls))
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    def until(self, happened: Callable[[], T], patience: float = PATIENCE) -> T:
        """What ``happened`` gives once it is true."""
        deadline = time.monotonic() + patience
        while not (found := happened()):
            assert time.monotonic() < deadline, f"it never happened\n{self.noted}\n{self.log[-4000:]}"
            time.sleep(0.01)
        return found

    def until_noted(self, line: str) -> None:
        """Return once the ledger has the line."""
        self.until(lambda: line in self.noted)

    def end_of(self, process: subprocess.Popen[bytes], patience: float = PATIENCE) -> int:
        """Its exit code, once it has ended."""
        code = process.wait(patience)
        self.deaths[process.pid] = time.time()
        return code

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """SIGKILL."""
        self.deaths[process.pid] = time.time()
        serving.kill(process)

    def until_ended(self, *run_ids: str) -> list[Log]:
        """The logs of these runs, once all have ended."""
        return self.until(lambda: self.ask(lambda world: _ended(world, run_ids)))

    def ask(self, question: Callable[[World], Coroutine[Any, Any, T]]) -> T:
        """What the world answers."""

        async def main() -> T:
            world = open_world_url(self.world)
            await world.open()
            try:
                return await question(world)
            finally:
                await world.close()

        return asyncio.run(main())

    def overlaps(self) -> list[tuple[Entry, Entry]]:
        """Pairs of executions of one step where the second began while the first ran and its process lived."""
        open_ones: dict[str, list[Entry]] = {}
        found = []
        for entry in self.ledger:
            before = open_ones.setdefault(entry.name, [])
            if entry.what == "begin":
                found += [(one, entry) for one in before if entry.time < self.deaths.get(one.pid, entry.time + 1)]
                before.append(entry)
            elif entry.what != "ignored":
                before[:] = [one for one in before if one.pid != entry.pid]
        return found

    def close(self) -> None:
        """Kill what still runs."""
        for process in self.processes:
            if process.poll() is None:
                serving.kill(process)

    def python(self, *words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """A process of Python's, and what it said until it ended."""
        return subprocess.run(
            [sys.executable, *words],
            cwd=self.data,
            env=self.environment(settings),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )


async def _ended(world: World, run_ids: tuple[str, ...]) -> list[Log]:
    logs = [await world.load(run_id) for run_id in run_ids]
    return logs if all(log.run.status.ended for log in logs) else []


def attempts(log: Log) -> list[int]:
    """The attempts of a run's steps, in the order in which they were started."""
    return [event.data["attempt"] for event in log.events if event.kind == "step_started"]


def completed(log: Log) -> bool:
    """Whether the run has completed."""
    return log.run.status is RunStatus.COMPLETED
