"""A workflow of N steps in a row: time and invocations. The promise is 1 invocation per run; a test counts the commits."""

from __future__ import annotations

import asyncio
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from workflow_runtime.bundles import Bundle, BundleModule
from workflow_runtime.events import Event, EventKind
from workflow_runtime.handler.handler import Handler
from workflow_runtime.ids import new_message_id, new_run_id
from workflow_runtime.project import Project, Registrations, register_project
from workflow_runtime.values import encode_call
from workflow_runtime.worker import Worker
from workflow_runtime.worlds.base import Message, RunStatus, World
from workflow_runtime.worlds.urls import open_world_url

SOURCE = """
@__workflow_step__("step//bench//add")
async def add(left: int, right: int) -> int: ...

async def count(steps: int) -> int:
    total = 0
    for number in range(steps):
        total = await add(total, number)
    return total
"""
BUNDLE = Bundle("workflow//bench//count", True, (), (BundleModule("bench", "bench.py", False, SOURCE),))


async def add(left: int, right: int) -> int:
    """The step that is done again and again."""
    return left + right


async def start(world: World, steps: int) -> str:
    """Create a run of so many steps."""
    run_id = new_run_id()
    data = {"workflow": BUNDLE.workflow, "bundle": BUNDLE.hash, "input": encode_call((steps,), {}, where="count")}
    await world.create_run(
        run_id, Event(EventKind.RUN_CREATED, time.time(), "", data), Message(new_message_id(), run_id)
    )
    return run_id


async def measure(url: str, steps: int, runs: int) -> tuple[float, int]:
    """Seconds from the first start to the last end, and how many messages were handled."""
    registrations = Registrations()
    registrations.add("step//bench//add", add)
    world = open_world_url(url)
    await world.open()
    try:
        with ThreadPoolExecutor(1) as threads:
            handler = Handler(world, registrations, threads)
            async with Worker(world, handler).running():
                begin = time.perf_counter()
                ids = [await start(world, steps) for _ in range(runs)]
                for run_id in ids:
                    end = await world.wait_for_end(run_id)
                    assert end.status is RunStatus.COMPLETED, end
                return time.perf_counter() - begin, handler.invocations
    finally:
        await world.close()


def main() -> None:
    """Print one line for each number of steps, and of runs at once."""
    project = Project(
        package="bench",
        root=Path.cwd(),
        build="bench",
        workflows={BUNDLE.workflow: BUNDLE.hash},
        steps=("step//bench//add",),
        bundles={BUNDLE.hash: lambda: BUNDLE},
    )
    register_project(project)
    print(f"{'world':>7} {'runs':>5} {'steps':>6} {'invocations':>12} {'seconds':>8} {'steps/s':>8}")
    for scheme in ("memory", "sqlite"):
        for runs, steps in ((1, 50), (1, 500), (50, 20)):
            with tempfile.TemporaryDirectory() as folder:
                url = "memory://" if scheme == "memory" else f"sqlite:///{Path(folder) / 'bench.db'}"
                seconds, invocations = asyncio.run(measure(url, steps, runs))
            print(f"{scheme:>7} {runs:>5} {steps:>6} {invocations:>12} {seconds:>8.2f} {runs * steps / seconds:>8.0f}")


if __name__ == "__main__":
    main()
