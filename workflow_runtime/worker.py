"""A worker: takes messages from the queue and has them handled, many at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from workflow_runtime.handler.handler import Handler
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
        self._active: set[asyncio.Task[None]] = set()

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
                for delivery in await self._world.receive(self._concurrency - len(self._active)):
                    self._start(delivery)
                pause = 0.1
            except Exception:  # no failure may end the worker in silence while its process goes on
                logger.exception("the queue can not be read; trying again in %.1f s", pause)
                await asyncio.sleep(pause)
                pause = min(30.0, pause * 2)
            while len(self._active) >= self._concurrency:
                await asyncio.wait(self._active, return_when=asyncio.FIRST_COMPLETED)

    def _start(self, delivery: Delivery) -> None:
        task = asyncio.create_task(self._handler.handle(delivery), name=f"workflow message {delivery.message.id}")
        self._active.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._active.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("%s could not be handed back: %s", task.get_name(), error)

    async def _call_off(self) -> None:
        late = list(self._active)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
