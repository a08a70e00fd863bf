"""What is measured of runs on SQLite. Each case gives one figure each time it is asked."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from benchmarks.measured.second_worker import second_worker
from benchmarks.measured.stage import Stage, staged
from workflow_runtime.events import EventKind
from workflow_runtime.handler.options import HandlerOptions
from workflow_runtime.handler.steps import Steps

MB = 1024 * 1024
PAYLOAD = 10 * 1024
RUNS, STEPS_EACH, AT_ONCE = 200, 10, 16
NAPS, SHORTEST, LONGEST = 40, 0.05, 0.45  # seconds
LIMITS = (8, 16, 64, 256)
SHORT, BUSY = 0.02, 0.01
"""Seconds that a step lasts which waits for something outside, and one that keeps its process busy."""


@dataclass(frozen=True, slots=True)
class Case:
    """One row of the table."""

    group: str
    name: str
    unit: str
    """``ms``, or something per second."""
    measure: Callable[[Steps], Coroutine[Any, Any, float]]


def cases() -> Iterator[Case]:
    """All of them, in the order of the table."""
    for count in (0, 1, 10, 25, 50, 100):
        yield Case("steps in a row", f"{count} steps", "ms", partial(one_run, flow="in_a_row", args=(count,)))
    for count in (10, 25, 50):
        yield Case("steps at once", f"{count} steps", "ms", partial(one_run, flow="at_once", args=(count,)))
    for count in (10, 25, 50):
        yield Case("race", f"first of {count}", "ms", partial(one_run, flow="race", args=(count,)))
    for count in (10, 50):
        yield Case(
            "10 KB payloads",
            f"{count} in a row",
            "ms",
            partial(one_run, flow="payload_in_a_row", args=(count, PAYLOAD)),
        )
    for count in (10, 50):
        yield Case(
            "10 KB payloads", f"{count} at once", "ms", partial(one_run, flow="payload_at_once", args=(count, PAYLOAD))
        )
    tenfold = [f"s{number}" for number in range(10)]
    yield Case("streams", "start to first byte", "ms", first_byte)
    yield Case("streams", "1 MB through 5 transforms", "ms", partial(streamed, flow="pipeline", count=5, reads=["s5"]))
    yield Case("streams", "10 streams of 1 MB", "ms", partial(streamed, flow="pours", count=10, reads=tenfold))
    yield Case("throughput", f"{RUNS} runs of {STEPS_EACH} steps, {AT_ONCE} at once", "steps/s", throughput)
    yield Case("waits", "lateness, median", "ms", partial(lateness, pick=statistics.median))
    yield Case("waits", "lateness, worst", "ms", partial(lateness, pick=max))
    for limit in LIMITS:
        yield Case(
            "200 steps at once",
            f"{limit} inline",
            "ms",
            partial(one_run, flow="at_once", args=(200,), inline_steps=limit),
        )
    for limit in LIMITS:
        name = "200 steps at once that wait 20 ms"
        waiting = partial(one_run, flow="lingering", args=(200, SHORT), inline_steps=limit)
        yield Case(name, f"{limit} inline", "ms", waiting)
    for limit in LIMITS:
        yield Case("200 steps at once that block 10 ms, 2 workers", f"{limit} inline", "ms", partial(shared, limit))


async def one_run(steps: Steps, *, flow: str, args: Sequence[object], inline_steps: int | None = None) -> float:
    """Milliseconds from the start of one run to the news of its end."""
    options = None if inline_steps is None else HandlerOptions(inline_steps=inline_steps)
    async with staged(steps, options=options) as stage:
        return 1000 * await stage.seconds(flow, *args)


async def shared(inline_steps: int, steps: Steps) -> float:
    """Milliseconds of a run of 200 steps that keep their process busy, when there are two processes to do them."""
    async with (
        staged(steps, options=HandlerOptions(inline_steps=inline_steps)) as stage,
        second_worker(stage.world.path, inline_steps),
    ):
        return 1000 * await stage.seconds("toiling", 200, BUSY)


async def first_byte(steps: Steps) -> float:
    """Milliseconds from the start of a run to the first chunk of its stream, at a reader."""
    async with staged(steps) as stage:
        began = time.perf_counter()
        run_id = await stage.start("pours", 1, 1)
        async for _ in stage.read(run_id, "s0"):
            took = time.perf_counter() - began
        await stage.end(run_id)
        return 1000 * took


async def streamed(steps: Steps, *, flow: str, count: int, reads: Sequence[str]) -> float:
    """Milliseconds from the start of a run that writes 1 MB to each stream, until readers have all of those that are read."""
    async with staged(steps) as stage:
        began = time.perf_counter()
        run_id = await stage.start(flow, count, MB)
        sizes = await asyncio.gather(*(_size(stage, run_id, name) for name in reads))
        took = time.perf_counter() - began
        await stage.end(run_id)
    if sizes != [MB] * len(reads):
        raise SystemExit(f"{flow}: bytes were lost on the way: {sizes}")
    return 1000 * took


async def _size(stage: Stage, run_id: str, name: str) -> int:
    size = 0
    async for chunk in stage.read(run_id, name):
        size += len(chunk)
    return size


async def throughput(steps: Steps) -> float:
    """Steps per second of many runs at once, from the first start to the last end."""
    async with staged(steps, concurrency=AT_ONCE) as stage:
        began = time.perf_counter()
        run_ids = await asyncio.gather(*(stage.start("in_a_row", STEPS_EACH) for _ in range(RUNS)))
        await asyncio.gather(*map(stage.end, run_ids))
        return RUNS * STEPS_EACH / (time.perf_counter() - began)


async def lateness(steps: Steps, *, pick: Callable[[list[float]], float]) -> float:
    """Milliseconds from when a wait was due to when the log says that it is over, picked from those of many runs."""
    async with staged(steps) as stage:
        naps = [SHORTEST + (LONGEST - SHORTEST) * number / NAPS for number in range(NAPS)]
        run_ids = [await stage.start("nap", seconds) for seconds in naps]
        late = []
        for run_id in run_ids:
            await stage.end(run_id)
            events = {event.kind: event for event in (await stage.world.load(run_id)).events}
            until = events[EventKind.WAIT_CREATED].data["until"]
            late.append(1000 * (events[EventKind.WAIT_COMPLETED].time - until))
        if min(late) < 0:
            raise SystemExit(f"a wait was over {-min(late)} ms too early")
        return pick(late)
