"""Messages about runs that need not wait for steps to end: timers, payloads, ends of other runs."""

from __future__ import annotations

from collections.abc import AsyncIterator

from workflow_runtime import clock
from workflow_runtime.worlds.base import Delivery, Queued, World

PAGE = 1000


async def decisions_due(world: World, limit: int) -> AsyncIterator[Delivery]:
    """Take up to ``limit`` messages in hand that tell live runs of something, and that were never delivered before: under no other has a step
    been started already.
    """
    now = clock.now()
    for queued in await world.list_messages(limit=PAGE):
        if limit and queued.ready_at <= now and _tells(queued):
            delivery = await world.take(queued.message.id)
            if delivery is not None:
                limit -= 1
                yield delivery


def _tells(queued: Queued) -> bool:
    message = queued.message
    # Without a key, it is a run's first message: nothing is gained by beginning runs whose steps have no place.
    is_news = message.key is not None or message.watch_id is not None or message.cancels_children
    return is_news and message.step_id is None and not queued.in_hand and not queued.deliveries
