"""Removing runs some time after their end, a few at a time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from workflow_runtime import clock
from workflow_runtime.errors import WorldError
from workflow_runtime.logs import runtime_logger
from workflow_runtime.worlds.base import World

logger = runtime_logger("retention")

BATCH = 100
"""How many runs are removed in one transaction."""
BREATH = 0.2
"""Seconds between two batches, for others who write."""
LONGEST = 600.0
"""Seconds between two looks when there was nothing more to remove, at most."""


@asynccontextmanager
async def removing(world: World, after: float | None) -> AsyncIterator[None]:
    """While the context is open, remove runs that ended ``after`` seconds ago; none when it is None. Any number of processes may do so."""
    if after is None:
        yield
        return
    task = asyncio.create_task(_remove(world, after), name="workflow retention")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _remove(world: World, after: float) -> None:
    while True:
        try:
            removed = await remove_old(world, after)
        except WorldError as error:
            logger.warning("runs that ended long ago can not be removed now: %s", error)
        except Exception:  # no failure may end this in silence while the process goes on
            logger.exception("runs that ended long ago can not be removed now")
        else:
            if removed:
                logger.info("removed %d runs that ended more than %g s ago", removed, after)
        # Not all processes of a deploy at the same moment, again and again.
        await asyncio.sleep(min(LONGEST, max(1.0, after / 10)) * random.uniform(0.5, 1.0))


async def remove_old(world: World, after: float) -> int:
    """Remove all runs that ended ``after`` seconds ago, batch by batch; how many there were. Raises ``WorldError``."""
    before, removed = clock.now() - after, 0
    while True:
        batch = await world.delete_ended(before, limit=BATCH)
        removed += batch
        if batch < BATCH:
            return removed
        await asyncio.sleep(BREATH)
