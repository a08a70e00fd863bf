"""What all programs share: the rows, and how a program takes orders.

A program is run by the Python of its own environment, with one peer in it and nothing of ours but this file. It answers each line of its
input, the name of a row, with a line of JSON: what that row took, measured in the program.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import string
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

LETTERS = random.Random(7)
PAYLOAD = "".join(LETTERS.choices(string.ascii_letters + string.digits, k=10_240))
"""10 KB that do not compress to nothing: some peers compress what they store."""
RUNS, EACH, AT_ONCE = 96, 10, 16
FIRST = "seq-1"
"""The row that is run before each, and not counted: who has been idle while others were measured would else be measured waking up."""
LONGEST = 120.0
"""Seconds after which a row has failed."""

Row = Callable[[], Awaitable[float | None]]
"""Does the work once. Gives milliseconds, or a rate where the row is one; None: the time that the call took."""


@dataclass(frozen=True, slots=True)
class Flows:
    """One run of each workflow, from its start to its awaited result."""

    in_a_row: Callable[[int], Awaitable[Any]]
    at_once: Callable[[int], Awaitable[Any]]
    race: Callable[[int], Awaitable[Any]]
    payload_in_a_row: Callable[[int, str], Awaitable[Any]]
    payload_at_once: Callable[[int, str], Awaitable[Any]]
    first_chunk: Callable[[], Awaitable[float]] | None = None
    """Seconds from the start of a run to the first chunk of its stream, where the peer has streams."""


def rows(flows: Flows) -> dict[str, Row]:
    """The rows by name."""
    found: dict[str, Row] = {}
    for count in (0, 1, 10, 50, 100):
        found[f"seq-{count}"] = _once(flows.in_a_row, count)
    for count in (10, 50):
        found[f"all-{count}"] = _once(flows.at_once, count)
    found["race-10"] = _once(flows.race, 10)
    found["payload-seq-10"] = _once(flows.payload_in_a_row, 10, PAYLOAD)
    found["payload-all-10"] = _once(flows.payload_at_once, 10, PAYLOAD)
    first_chunk = flows.first_chunk
    if first_chunk is not None:
        found["stream-first"] = lambda: _milliseconds(first_chunk)
    found["throughput-16"] = lambda: _throughput(flows)
    return found


def serve(about: Mapping[str, object], measured: Mapping[str, Row]) -> Awaitable[None]:
    """Say what is here, then measure what is asked for until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a peer prints is no answer
    return _serve(lambda data: print(json.dumps(data), file=answers, flush=True), about, measured)


async def _serve(answer: Callable[[object], None], about: Mapping[str, object], measured: Mapping[str, Row]) -> None:
    answer({"about": dict(about), "rows": list(measured)})
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            await asyncio.wait_for(measured[FIRST](), LONGEST)
            began = time.perf_counter()
            given = await asyncio.wait_for(measured[line.strip()](), LONGEST)
            answer({"value": 1000 * (time.perf_counter() - began) if given is None else given})
        except Exception as error:  # noqa: BLE001 - a row that fails is reported and costs no other
            answer({"error": f"{type(error).__name__}: {error}"[:300]})


def _once(flow: Callable[..., Awaitable[Any]], *args: object) -> Row:
    async def row() -> None:
        await flow(*args)

    return row


async def _milliseconds(measure: Callable[[], Awaitable[float]]) -> float:
    return 1000 * await measure()


async def _throughput(flows: Flows) -> float:
    """Steps per second of many runs, so many at a time."""
    left = RUNS

    async def client() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await flows.in_a_row(EACH)

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    return RUNS * EACH / (time.perf_counter() - began)
