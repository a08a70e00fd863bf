"""What runs cost on NATS JetStream, beside what an acknowledged publish costs on the same server in any case.

One real server with each of its two ways to sync; each round measures the floor next to the runs. The worker processes of the throughput are
real ones, and share this machine with the server, so how they add up says as much about its cores as about the world.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import nats

from benchmarks.measured.flows import BUNDLES, register
from benchmarks.measured.report import Row, Target, as_json, show
from tests.nats_servers import NatsServer, one_server
from workflow_runtime.events import Event, EventKind
from workflow_runtime.handler.handler import Handler
from workflow_runtime.ids import new_message_id, new_run_id
from workflow_runtime.values import encode_call
from workflow_runtime.worker import Worker
from workflow_runtime.worlds.base import Message, RunStatus, World
from workflow_runtime.worlds.urls import open_world_url

SYNCS = ("2m", "always")
PUBLISHES, STEPS, AT_ONCE, RUNS, STEPS_OF_A_RUN = 300, 100, 64, 192, 10
PROCESSES = (1, 2, 4)
Figures = defaultdict[tuple[str, str, str], list[float]]


def main() -> None:
    """Measure, print, and write the file that is asked for; or be one of the worker processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--sync", choices=SYNCS, action="append", help="the server's sync_interval; default: each of them"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there, too")
    parser.add_argument("--worker", metavar="URL", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    logging.disable(logging.INFO)
    if chosen.worker:
        asyncio.run(_work_until_told(chosen.worker))
        return
    figures: Figures = defaultdict(list)
    targets = [target for sync in chosen.sync or SYNCS for target in _measured_with(sync, chosen.rounds, figures)]
    rows = [Row(*key, samples) for key, samples in figures.items()]
    show(rows, targets)
    if chosen.json:
        chosen.json.write_text(as_json(rows, targets), "utf-8")


def _measured_with(sync: str, rounds: int, figures: Figures) -> list[Target]:
    group, ratios = f"sync {sync}", []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, one_server(Path(folder), sync=sync) as server:
        for number in range(rounds):
            print(f"{group}, round {number + 1} of {rounds}", flush=True)
            floor = asyncio.run(publish_time(server))
            step = asyncio.run(step_time(_fresh_url(server)))
            figures[group, "one acknowledged publish", "ms"].append(floor)
            figures[group, f"one more step in a row, of {STEPS}", "ms"].append(step)
            ratios.append(step / floor)
            for processes in PROCESSES:
                rate = asyncio.run(throughput(_fresh_url(server), processes))
                name = f"{RUNS} runs of {STEPS_OF_A_RUN} steps, {AT_ONCE} at once, {processes} worker processes"
                figures[group, name, "steps/s"].append(rate)
    return [Target(f"a step in a row costs ({group})", "publishes", 2.5, statistics.median(ratios))]


async def publish_time(server: NatsServer, count: int = PUBLISHES) -> float:
    """Milliseconds of one publish with its acknowledgement, one after the other on one connection."""
    connection = await nats.connect(f"nats://{server.address}")
    try:
        stream = connection.jetstream()
        name = f"FLOOR{uuid4().hex}"
        await stream.add_stream(name=name, subjects=[f"{name}.>"])
        for _ in range(20):
            await stream.publish(f"{name}.a", b"x" * 500)
        began = time.perf_counter()
        for _ in range(count):
            await stream.publish(f"{name}.a", b"x" * 500)
        spent = time.perf_counter() - began
        await stream.delete_stream(name)
    finally:
        await connection.close()
    return spent / count * 1000


async def step_time(url: str, steps: int = STEPS) -> float:
    """Milliseconds that a run takes for each step more, of that many."""
    async with _world(url) as world, _working(world):
        await _seconds(world, 1)
        none = statistics.median([await _seconds(world, 0) for _ in range(5)])
        return (await _seconds(world, steps) - none) / steps * 1000


async def throughput(url: str, processes: int, runs: int = RUNS) -> float:
    """Steps a second of many runs at once, with so many worker processes."""
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(_world(url))
        for _ in range(processes):
            await stack.enter_async_context(_worker_process(url))
        await asyncio.gather(*(_run(world, 1) for _ in range(2 * processes)))
        places = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with places:
                await _run(world, STEPS_OF_A_RUN)

        began = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(runs)))
        return runs * STEPS_OF_A_RUN / (time.perf_counter() - began)


async def _seconds(world: World, steps: int) -> float:
    began = time.perf_counter()
    await _run(world, steps)
    return time.perf_counter() - began


async def _run(world: World, steps: int) -> None:
    """Start a run, as ``start`` does, and wait until it has completed."""
    run_id, bundle = new_run_id(), BUNDLES["in_a_row"]
    given = encode_call((steps,), {}, where="in_a_row")
    data = {"workflow": bundle.workflow, "bundle": bundle.hash, "input": given}
    created = Event(EventKind.RUN_CREATED, time.time(), "", data)
    await world.create_run(run_id, created, Message(new_message_id(), run_id))
    run = await world.wait_for_end(run_id)
    if run.status is not RunStatus.COMPLETED:
        raise SystemExit(f"a run that was to be measured ended otherwise: {run}")


def _fresh_url(server: NatsServer) -> str:
    return f"nats://{server.address}?namespace={uuid4().hex}"


@asynccontextmanager
async def _world(url: str) -> AsyncIterator[World]:
    register()
    world = open_world_url(url)
    await world.open()
    try:
        yield world
    finally:
        await world.close()


@asynccontextmanager
async def _working(world: World) -> AsyncIterator[None]:
    with ThreadPoolExecutor(1) as threads:
        async with Worker(world, Handler(world, register(), threads), concurrency=AT_ONCE).running():
            yield


async def _work_until_told(url: str) -> None:
    async with _world(url) as world, _working(world):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)


@asynccontextmanager
async def _worker_process(url: str) -> AsyncIterator[None]:
    command: Sequence[str] = (sys.executable, "-m", "benchmarks.nats", "--worker", url)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if (await process.stdout.readline()).strip() != b"ready":
            raise SystemExit("a worker process did not start; what it said is above")
        yield
    finally:
        process.stdin.close()
        await process.wait()


if __name__ == "__main__":
    main()
