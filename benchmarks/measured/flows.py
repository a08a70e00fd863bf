"""The workflows that are measured, and their steps, without a compiler: bundles of hand-written text."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path

from workflow_runtime.bundles import Bundle, BundleModule
from workflow_runtime.project import Project, Registrations, register_project
from workflow_runtime.streams import Stream

SOURCE = """
import asyncio

from workflow_runtime import Stream, get_writable


@__workflow_step__("step//bench//add")
async def add(left: int, right: int) -> int: ...


@__workflow_step__("step//bench//carry")
async def carry(payload: str) -> str: ...


@__workflow_step__("step//bench//linger")
async def linger(seconds: float) -> float: ...


@__workflow_step__("step//bench//toil")
async def toil(seconds: float) -> None: ...


@__workflow_step__("step//bench//pour")
async def pour(into: Stream, size: int) -> None: ...


@__workflow_step__("step//bench//transform")
async def transform(source: Stream, into: Stream) -> None: ...


async def in_a_row(steps: int) -> int:
    total = 0
    for number in range(steps):
        total = await add(total, number)
    return total


async def at_once(steps: int) -> int:
    return sum(await asyncio.gather(*(add(number, 1) for number in range(steps))))


async def lingering(steps: int, seconds: float) -> int:
    return len(await asyncio.gather(*(linger(seconds) for _ in range(steps))))


async def toiling(steps: int, seconds: float) -> int:
    return len(await asyncio.gather(*(toil(seconds) for _ in range(steps))))


async def race(steps: int) -> float:
    racers = [asyncio.create_task(linger(0.0 if number == steps // 2 else 60.0)) for number in range(steps)]
    done, others = await asyncio.wait(racers, return_when=asyncio.FIRST_COMPLETED)
    for other in others:
        other.cancel()
    return min(task.result() for task in done)


async def payload_in_a_row(steps: int, size: int) -> int:
    payload = "x" * size
    for _ in range(steps):
        payload = await carry(payload)
    return len(payload)


async def payload_at_once(steps: int, size: int) -> int:
    return sum(map(len, await asyncio.gather(*(carry("x" * size) for _ in range(steps)))))


async def nap(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def pours(streams: int, size: int) -> None:
    await asyncio.gather(*(pour(get_writable(f"s{number}"), size) for number in range(streams)))


async def pipeline(transforms: int, size: int) -> None:
    streams = [get_writable(f"s{number}") for number in range(transforms + 1)]
    moves = [transform(source, into) for source, into in zip(streams, streams[1:])]
    await asyncio.gather(pour(streams[0], size), *moves)
"""
NAMES = (
    "in_a_row",
    "at_once",
    "lingering",
    "toiling",
    "race",
    "payload_in_a_row",
    "payload_at_once",
    "nap",
    "pours",
    "pipeline",
)
MODULE = BundleModule("bench", "bench.py", False, SOURCE)
BUNDLES = {name: Bundle(f"workflow//bench//{name}", True, (), (MODULE,)) for name in NAMES}
CHUNK = 16 * 1024
"""Bytes of each chunk that ``pour`` writes."""


async def add(left: int, right: int) -> int:
    """The least that a step can do."""
    return left + right


async def carry(payload: str) -> str:
    """A payload in, a payload out."""
    return payload


async def linger(seconds: float) -> float:
    """A step that waits for something outside."""
    await asyncio.sleep(seconds)
    return seconds


async def toil(seconds: float) -> None:
    """A step that keeps its whole process busy, as one that computes does; it sleeps, so that it needs no processor of its own."""
    time.sleep(seconds)  # noqa: ASYNC251 - that it blocks is the point


async def pour(into: Stream, size: int) -> None:
    """Write so many bytes."""
    for begin in range(0, size, CHUNK):
        await into.write(b"x" * min(CHUNK, size - begin))
    await into.close()


async def transform(source: Stream, into: Stream) -> None:
    """Read one stream while it is written, and write another."""
    async for chunk in source.read():
        await into.write(bytes(reversed(chunk)))
    await into.close()


def _itself(bundle: Bundle) -> Bundle:
    return bundle


def register() -> Registrations:
    """Make the workflows known to this process, and give the steps."""
    register_project(
        Project(
            package="bench",
            root=Path.cwd(),
            build="bench",
            workflows={bundle.workflow: bundle.hash for bundle in BUNDLES.values()},
            steps=(),
            bundles={bundle.hash: partial(_itself, bundle) for bundle in BUNDLES.values()},
        )
    )
    registrations = Registrations()
    for step in (add, carry, linger, toil, pour, transform):
        registrations.add(f"step//bench//{step.__name__}", step)
    return registrations
