"""A worker: takes messages from the queue and has them handled, many at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from workflow_runtime.handler.handler import Handler
from workflow_runtime.slots import Slot, current_slot
from workflow_runtime.worlds.base import Delivery, World

logger = logging.getLogger("workflow_runtime.worker")

CONCURRENCY = 64
"""How many messages a worker has in hand at once, unless told otherwise."""
GRACE = 10.0
"""Seconds that steps in progress are given when the worker stops, unless told otherwise."""


class Worker:
    """Pulls messages until it is stopped; then waits for what is in work, and hands back what is not done in time."""

    def __init__(self, world: World, handler: Handler, *, concurrency: int = CONCURRENCY, grace: float = GRACE) -> None:
        self._world = world
        self._handler = handler
        self._concurrency = concurrency
        self._grace = grace
        self._active: dict[asyncio.Task[None], Slot] = {}
        self._room = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work on the running event loop while the context is open."""
        pull = asyncio.create_task(self._pull(), name="workflow worker")
        try:
            yield
        finally:
            pull.cancel()
            try:
                await asyncio.gather(pull, return_exceptions=True)
                if self._active:
                    await asyncio.wait(self._active, timeout=self._grace)
            finally:
                await self._call_off()

    async def _pull(self) -> None:
        pause = 0.1
        while True:
            try:
                for delivery in await self._world.receive(await self._free()):
                    self._start(delivery)
                pause = 0.1
            except Exception:  # no failure may end the worker in silence while its process goes on
                logger.exception("the queue can not be read; trying again in %.1f s", pause)
                await asyncio.sleep(pause)
                pause = min(30.0, pause * 2)

    async def _free(self) -> int:
        """How many messages more may be taken, once there may be one. Those that only wait for other runs do not count."""
        while True:
            free = self._concurrency - sum(not slot.lent for slot in self._active.values())
            if free > 0:
                return free
            self._room.clear()
            await self._room.wait()

    def _start(self, delivery: Delivery) -> None:
        slot = Slot(self._room.set)
        task = asyncio.create_task(self._handle(delivery, slot), name=f"workflow message {delivery.message.id}")
        self._active[task] = slot
        task.add_done_callback(self._done)

    async def _handle(self, delivery: Delivery, slot: Slot) -> None:
        current_slot.set(slot)
        await self._handler.handle(delivery)

    def _done(self, task: asyncio.Task[None]) -> None:
        del self._active[task]
        self._room.set()
        if not task.cancelled() and (error := task.exception()):
            logger.error("%s could not be handed back: %s", task.get_name(), error)

    async def _call_off(self) -> None:
        late = list(self._active)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
