"""What it is held against: the disk's own price of a durable commit, and the machine without any storage."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.machine_steps import live, replay
from benchmarks.measured.stage import bare_file
from benchmarks.world_commits import bare
from workflow_runtime.handler.drive import load_whole
from workflow_runtime.worlds.base import Message
from workflow_runtime.worlds.sqlite import SqliteWorld

COMMITS = 60
LIVE_STEPS = 1_000
REPLAYED_EVENTS = 10_000


def floor() -> float:
    """Milliseconds of one durable commit of a step's rows, by a bare loop with the world's own settings on a file of its own."""
    with bare_file() as connection:
        return 1000 * statistics.median(bare(connection, "wrun_bare", COMMITS))


def machine_overhead() -> float:
    """Microseconds of processor time that the machine takes for each step of a run."""
    return 1e6 * _processor_seconds(lambda: live(LIVE_STEPS)) / LIVE_STEPS


def replay_time() -> float:
    """Milliseconds of processor time to feed a new machine 10,000 events."""
    log = live(REPLAYED_EVENTS // 2)  # each step is created and completed
    return 1000 * _processor_seconds(lambda: replay(log))


async def load_and_replay_time() -> float:
    """Milliseconds, the disk's included, until a machine is where a log of 10,000 events that SQLite has leaves it."""
    log = live(REPLAYED_EVENTS // 2)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        world = SqliteWorld(Path(folder) / "bench.db")
        await world.open()
        await world.create_run("wrun_bench", log[0], Message("msg_bench", "wrun_bench"))
        await world.commit("wrun_bench", 1, log[1:])
        began = time.perf_counter()
        loaded = await load_whole(world, "wrun_bench")
        replay(list(loaded.events))
        took = time.perf_counter() - began
        await world.close()
        return 1000 * took


def _processor_seconds(work: Callable[[], object]) -> float:
    # Not the wall's: there is no I/O in it, and who else uses the processors is not what is measured.
    began = time.process_time()
    work()
    return time.process_time() - began
