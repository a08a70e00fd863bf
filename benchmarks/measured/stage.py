"""A world and a worker to measure on: real, in this process, on a file of their own."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measured.flows import BUNDLES
from workflow_runtime.events import Event, EventKind
from workflow_runtime.handler.handler import Handler
from workflow_runtime.handler.options import HandlerOptions
from workflow_runtime.handler.steps import Steps
from workflow_runtime.ids import new_message_id, new_run_id
from workflow_runtime.streams import StreamReader
from workflow_runtime.values import encode_call
from workflow_runtime.worker import CONCURRENCY, Worker
from workflow_runtime.worlds.base import Message, RunStatus
from workflow_runtime.worlds.sqlite import SqliteWorld
from workflow_runtime.worlds.sqlite.connect import open_writer


@dataclass(frozen=True, slots=True)
class Stage:
    """An open world whose messages a worker handles."""

    world: SqliteWorld

    async def start(self, flow: str, *args: object) -> str:
        """Create a run, as ``start`` does; gives its id."""
        run_id, bundle = new_run_id(), BUNDLES[flow]
        data = {"workflow": bundle.workflow, "bundle": bundle.hash, "input": encode_call(args, {}, where=flow)}
        created = Event(EventKind.RUN_CREATED, time.time(), "", data)
        await self.world.create_run(run_id, created, Message(new_message_id(), run_id))
        return run_id

    async def end(self, run_id: str) -> None:
        """Return once the run has completed."""
        run = await self.world.wait_for_end(run_id)
        if run.status is not RunStatus.COMPLETED:
            raise SystemExit(f"a run that was to be measured ended otherwise: {run}")

    async def seconds(self, flow: str, *args: object) -> float:
        """From the start of a run to the news of its end."""
        began = time.perf_counter()
        await self.end(await self.start(flow, *args))
        return time.perf_counter() - began

    def read(self, run_id: str, name: str) -> StreamReader:
        """A stream of a run, from its start."""
        return StreamReader(run_id, name, 0, self.world)


@asynccontextmanager
async def staged(
    steps: Steps, *, concurrency: int = CONCURRENCY, options: HandlerOptions | None = None
) -> AsyncIterator[Stage]:
    """A stage that has run one run already, so that what is loaded once is loaded."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, ThreadPoolExecutor(1) as threads:
        world = SqliteWorld(Path(folder) / "bench.db")
        await world.open()
        try:
            async with Worker(world, Handler(world, steps, threads, options), concurrency=concurrency).running():
                stage = Stage(world)
                await stage.seconds("in_a_row", 1)
                yield stage
        finally:
            await world.close()


@contextmanager
def bare_file() -> Iterator[sqlite3.Connection]:
    """A connection with the world's own settings, on a file of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        closing(open_writer(Path(folder) / "bare.db", 10.0)) as connection,
    ):
        yield connection
