"""Looking again and again, until there is no more to come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from workflow_runtime.events import Event
from workflow_runtime.worlds.base import World

LOOK_AGAIN = 0.5
"""Seconds between two looks."""
_PAGE = 1000


async def events(world: World, run_id: str, *, follow: bool) -> AsyncIterator[Event]:
    """The events of the run's log; with ``follow``, those that come, too, until the run has ended. Raises ``RunNotFoundError``."""
    after = 0
    while True:
        log = await world.load(run_id, after, limit=_PAGE)
        for event in log.events:
            yield event
        if log.events:
            after = log.events[-1].slot
        if after >= log.run.slot and (log.run.status.ended or not follow):
            return
        if after >= log.run.slot:
            await asyncio.sleep(LOOK_AGAIN)


async def chunks(world: World, run_id: str, name: str, *, follow: bool) -> AsyncIterator[tuple[int, bytes]]:
    """The chunks of the stream with their indexes; with ``follow``, those that come, too, until it is closed or its run has ended."""
    start = 0
    while True:
        page = await world.read_chunks(run_id, name, start, limit=_PAGE, wait=10.0 if follow else 0.0)
        for index, chunk in enumerate(page.chunks, page.start):
            yield index, chunk
        start = page.start + len(page.chunks)
        if page.closed or (not page.chunks and not follow):
            return
