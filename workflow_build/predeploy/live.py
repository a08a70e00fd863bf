"""The live runs of a world, and what each has open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workflow_runtime.errors import RunNotFoundError
from workflow_runtime.events import STEP_ENDS, EventKind, Json
from workflow_runtime.worlds.base import RunInfo, RunStatus, World

LIVE = (RunStatus.PENDING, RunStatus.RUNNING)
RUNS_AT_ONCE = 500
EVENTS_AT_ONCE = 2000
LOADS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class OpenCall:
    """The shape of a recorded call of a step that has no outcome yet. Values are not kept: they may be large, and nobody's business."""

    step: str
    """The id of the function."""
    args: int
    """How many arguments it has by place."""
    kwargs: tuple[str, ...]
    captured: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LiveRun:
    """A run that has not ended, with its open steps."""

    info: RunInfo
    calls: tuple[OpenCall, ...]


async def list_live(world: World) -> list[RunInfo]:
    """All runs that have not ended, newest first."""
    found: list[RunInfo] = []
    while True:
        before = found[-1].id if found else None
        page = await world.list_runs(status=LIVE, before=before, limit=RUNS_AT_ONCE)
        found += page
        if len(page) < RUNS_AT_ONCE:
            return found


async def look_at(world: World, runs: Sequence[RunInfo], done: Callable[[], None]) -> list[LiveRun]:
    """Those of the runs that still have not ended, in their order; ``done`` is called as each has been looked at."""
    free = asyncio.Semaphore(LOADS_AT_ONCE)

    async def look(info: RunInfo) -> LiveRun | None:
        async with free:
            found = await _look(world, info)
        done()
        return found

    return [found for found in await asyncio.gather(*map(look, runs)) if found is not None]


async def _look(world: World, info: RunInfo) -> LiveRun | None:
    calls: dict[str, OpenCall] = {}
    after = 0
    while True:
        try:
            log = await world.load(info.id, after, EVENTS_AT_ONCE)
        except RunNotFoundError:
            return None  # somebody has removed it since it was listed
        if log.run.status.ended:
            return None
        for event in log.events:
            if event.kind is EventKind.STEP_CREATED:
                calls[event.entity] = _shape(event.data["step"], event.data["input"])
            elif event.kind in STEP_ENDS:
                calls.pop(event.entity, None)
        if not log.events or log.events[-1].slot >= log.run.slot:
            return LiveRun(log.run, tuple(calls.values()))
        after = log.events[-1].slot


def _shape(step: str, call: Json) -> OpenCall:
    return OpenCall(step, len(call.get("args", [])), tuple(call.get("kwargs", {})), tuple(call.get("captured", {})))
