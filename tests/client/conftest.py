"""The office, compiled for real, in this process: its workflows run through the handler on a world of the test's own."""

from __future__ import annotations

import asyncio
import importlib
import shutil
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TypeVar

import pytest

from workflow_runtime import HookDetails, HookNotFoundError, get_hook, process
from workflow_runtime.events import EventKind
from workflow_runtime.handler.handler import Handler
from workflow_runtime.handler.options import HandlerOptions
from workflow_runtime.project import ProcessSteps
from workflow_runtime.worker import Worker
from workflow_runtime.worlds.base import World
from workflow_runtime.worlds.memory import MemoryWorld
from workflow_runtime.worlds.sqlite import SqliteWorld

T = TypeVar("T")
PROJECT = """
[project]
name = "office"
version = "1"
dependencies = ["fastapi"]
"""


@dataclass(frozen=True, slots=True)
class Office:
    """The compiled project's modules, and a world."""

    models: ModuleType
    hooking: ModuleType
    families: ModuleType
    world: World

    @asynccontextmanager
    async def working(self, concurrency: int = 16) -> AsyncIterator[None]:
        """A worker on the world. Live and replay are compared after every event."""
        threads = ThreadPoolExecutor(4)
        handler = Handler(self.world, ProcessSteps(), threads, HandlerOptions(check_replay=True))
        async with Worker(self.world, handler, concurrency=concurrency).running():
            yield
        threads.shutdown()

    async def hook(self, token: str) -> HookDetails:
        """The hook, once it is there."""
        return await eventually(lambda: get_hook(token), HookNotFoundError)

    async def event(self, run_id: str, kind: EventKind, count: int = 1) -> None:
        """Return once so many such events are in the run's log."""

        async def landed() -> bool:
            return (await self.kinds(run_id)).count(kind) >= count

        await eventually(landed)

    async def kinds(self, run_id: str) -> list[EventKind]:
        """What is in a run's log."""
        return [event.kind for event in (await self.world.load(run_id)).events]


async def eventually(look: Callable[[], Awaitable[T]], *errors: type[Exception], patience: float = 20) -> T:
    """What ``look`` gives once it raises none of ``errors`` and gives something true."""
    deadline = time.monotonic() + patience
    while True:
        try:
            if found := await look():
                return found
        except errors:
            pass
        assert time.monotonic() < deadline, "it never came to be"
        await asyncio.sleep(0.01)


@pytest.fixture(scope="session")
def _compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The office's folder, built, on ``sys.path``."""
    folder = tmp_path_factory.mktemp("office")
    shutil.copytree(Path(__file__).parent / "office", folder / "office", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "pyproject.toml").write_text(PROJECT, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "workflow_build"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    sys.path.insert(0, str(folder))
    importlib.import_module("office._workflow.fastapi")
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(params=["memory", "sqlite"])
async def office(
    _compiled: Path, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Office]:
    """The office on an open world of each kind, which is the process's."""
    world: World = MemoryWorld() if request.param == "memory" else SqliteWorld(tmp_path / "runs.db")
    monkeypatch.setattr(process, "_world", world)
    monkeypatch.setattr(process, "_idle_handlers", set())
    monkeypatch.delenv("WORKFLOW_URL", raising=False)
    await world.open()
    models, hooking, families = (
        importlib.import_module(f"office.{name}") for name in ("models", "hooking", "families")
    )
    yield Office(models, hooking, families, world)
    await world.close()
