"""Messages about runs that need not wait for steps to end: timers, payloads, ends of other runs."""

from __future__ import annotations

from collections.abc import AsyncIterator

from workflow_runtime import clock
from workflow_runtime.worlds.base import Delivery, World

PAGE = 1000


async def decisions_due(world: World, limit: int) -> AsyncIterator[Delivery]:
    """Take up to ``limit`` messages in hand that tell live runs of something, however many others were there before them."""
    now = clock.now()
    for queued in await world.list_messages(limit=PAGE, only_news=True):
        if limit and queued.ready_at <= now and not queued.in_hand:
            delivery = await world.take(queued.message.id)
            if delivery is not None:
                limit -= 1
                yield delivery
