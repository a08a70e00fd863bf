"""What runs cost on NATS JetStream, beside what an acknowledged publish costs on the same server in any case.

Real servers, one and three, with each of their two ways to sync; each round measures the floor next to the runs. The worker processes of the
throughput are real ones, and share this machine with the servers, so how they add up says as much about its cores as about the world: steps
that do nothing want a core for each process, steps that wait for something outside do not.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import nats
import nats.errors

from benchmarks.measured.flows import BUNDLES, register
from benchmarks.measured.report import Row, Target, as_json, show
from tests.nats_servers import NatsServer, cluster_of_three, servers_of_one
from workflow_runtime.events import Event, EventKind
from workflow_runtime.handler.handler import Handler
from workflow_runtime.ids import new_message_id, new_run_id
from workflow_runtime.values import encode_call
from workflow_runtime.worker import Worker
from workflow_runtime.worlds.base import Message, RunStatus, World
from workflow_runtime.worlds.urls import open_world_url

SYNCS = ("2m", "always")
SIZES = (1, 3)
"""Servers, and replicas of each message."""
PUBLISHES, STEPS, AT_ONCE, RUNS, STEPS_OF_A_RUN = 300, 100, 64, 192, 10
PLACES, PAUSE = 16, 0.5
"""How many messages a worker process takes at once when its steps wait, and the seconds that each of them waits."""
PROCESSES, TURNS = (1, 2, 4), 5
Figures = defaultdict[tuple[str, str, str], list[float]]


def main() -> None:
    """Measure, print, and write the file that is asked for; or be one of the worker processes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--sync", choices=SYNCS, action="append", help="the server's sync_interval; default: each of them"
    )
    parser.add_argument(
        "--servers", type=int, choices=SIZES, action="append", help="how many; default: one, then three"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure there, too")
    parser.add_argument("--worker", nargs=2, metavar=("URL", "PLACES"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    logging.disable(logging.INFO)
    if chosen.worker:
        asyncio.run(_work_until_told(chosen.worker[0], int(chosen.worker[1])))
        return
    figures: Figures = defaultdict(list)
    targets = [
        target
        for size in chosen.servers or SIZES
        for sync in chosen.sync or SYNCS
        for target in measured_with(size, sync, chosen.rounds, figures)
    ]
    rows = [Row(*key, samples) for key, samples in figures.items()]
    show(rows, targets)
    if chosen.json:
        chosen.json.write_text(as_json(rows, targets), "utf-8")


def measured_with(size: int, sync: str, rounds: int, figures: Figures) -> list[Target]:
    """Measure with so many servers that sync so; adds to the figures, and gives the promises."""
    group, ratios = f"{'one server' if size == 1 else 'three servers'}, sync {sync}", []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, _servers(size, Path(folder), sync) as servers:
        for number in range(rounds):
            print(f"{group}, round {number + 1} of {rounds}", flush=True)
            pairs = asyncio.run(_beside_the_floor(servers))
            figures[group, "one acknowledged publish", "ms"].append(statistics.median(floor for floor, _ in pairs))
            figures[group, f"one more step in a row, of {STEPS}", "ms"].append(
                statistics.median(step for _, step in pairs)
            )
            ratios += [step / floor for floor, step in pairs]
            for processes in PROCESSES:
                rate = asyncio.run(throughput(_fresh_url(servers), processes, "in_a_row", AT_ONCE))
                figures[group, f"empty steps, {AT_ONCE} runs at once, workers: {processes}", "steps/s"].append(rate)
            for processes in PROCESSES:
                rate = asyncio.run(throughput(_fresh_url(servers), processes, "lingering", PLACES))
                figures[
                    group, f"steps of {PAUSE * 1000:g} ms, {PLACES} runs each, workers: {processes}", "steps/s"
                ].append(rate)
    return [Target(f"a step in a row ({group})", "publishes", 2.5, statistics.median(ratios))]


async def _beside_the_floor(servers: Sequence[NatsServer]) -> list[tuple[float, float]]:
    """A publish and a step, measured one right after the other, several times."""
    return [(await publish_time(servers), await step_time(_fresh_url(servers))) for _ in range(TURNS)]


def _servers(size: int, folder: Path, sync: str) -> AbstractContextManager[Sequence[NatsServer]]:
    return cluster_of_three(folder, sync=sync) if size == 3 else servers_of_one(folder, sync)


async def publish_time(servers: Sequence[NatsServer], count: int = PUBLISHES) -> float:
    """Milliseconds of one publish with its acknowledgement, one after the other on one connection."""
    connection = await nats.connect([f"nats://{server.address}" for server in servers])
    try:
        stream = connection.jetstream(timeout=30)
        name = f"FLOOR{uuid4().hex}"
        await stream.add_stream(name=name, subjects=[f"{name}.>"], num_replicas=len(servers))
        led = 0
        while led < 20:  # a new stream may have no leader yet
            with contextlib.suppress(nats.errors.Error):
                await stream.publish(f"{name}.a", b"x" * 500)
                led += 1
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
    async with _world(url) as world, _working(world, AT_ONCE):
        await _seconds(world, 1)
        none = statistics.median([await _seconds(world, 0) for _ in range(5)])
        return (await _seconds(world, steps) - none) / steps * 1000


async def throughput(url: str, processes: int, flow: str, places: int, runs: int = RUNS) -> float:
    """Steps a second of many runs at once, with so many worker processes that take so many messages at once each."""
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(_world(url))
        for _ in range(processes):
            await stack.enter_async_context(_worker_process(url, places))
        await asyncio.gather(*(_run(world, flow, 1) for _ in range(2 * processes)))
        at_once = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with at_once:
                await _run(world, flow, STEPS_OF_A_RUN)

        began = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(runs)))
        return runs * STEPS_OF_A_RUN / (time.perf_counter() - began)


async def _seconds(world: World, steps: int) -> float:
    began = time.perf_counter()
    await _run(world, "in_a_row", steps)
    return time.perf_counter() - began


async def _run(world: World, flow: str, steps: int) -> None:
    """Start a run, as ``start`` does, and wait until it has completed."""
    run_id, bundle = new_run_id(), BUNDLES[flow]
    given = (steps,) if flow == "in_a_row" else (steps, PAUSE)
    data = {"workflow": bundle.workflow, "bundle": bundle.hash, "input": encode_call(given, {}, where=flow)}
    created = Event(EventKind.RUN_CREATED, time.time(), "", data)
    await world.create_run(run_id, created, Message(new_message_id(), run_id))
    run = await world.wait_for_end(run_id)
    if run.status is not RunStatus.COMPLETED:
        raise SystemExit(f"a run that was to be measured ended otherwise: {run}")


def _fresh_url(servers: Sequence[NatsServer]) -> str:
    addresses = ",".join(server.address for server in servers)
    return f"nats://{addresses}?namespace={uuid4().hex}&replicas={len(servers)}"


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
async def _working(world: World, places: int) -> AsyncIterator[None]:
    with ThreadPoolExecutor(1) as threads:
        async with Worker(world, Handler(world, register(), threads), concurrency=places).running():
            yield


async def _work_until_told(url: str, places: int) -> None:
    async with _world(url) as world, _working(world, places):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)


@asynccontextmanager
async def _worker_process(url: str, places: int) -> AsyncIterator[None]:
    command = (sys.executable, "-m", "benchmarks.nats", "--worker", url, str(places))
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
