"""A worker: takes messages from the queue and has them handled, many at once."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Protocol

from workflow_runtime.slots import Slot, current_slot
from workflow_runtime.worker_options import WorkerOptions
from workflow_runtime.worlds.base import Delivery

logger = logging.getLogger("workflow_runtime.worker")

CONCURRENCY = WorkerOptions().concurrency
"""How many messages a worker has in hand at once, unless told otherwise."""
GRACE = WorkerOptions().grace
"""Seconds that steps in progress are given when the worker stops, unless told otherwise."""
FULL = 1.0
"""Seconds for which all places may be taken before runs are told of what has happened in extra ones."""
EXTRA = 8
"""How many of these there are."""


class Source(Protocol):
    """Where messages come from: a ``World``."""

    async def receive(self, limit: int) -> Sequence[Delivery]:
        """Wait until there is one, and take up to ``limit`` in hand."""


class Handles(Protocol):
    """What is done with a message: the ``Handler``, or what pushes it to one."""

    async def handle(self, delivery: Delivery) -> None:
        """Do all that there is to do, and ack it or hand it back."""

    def drain(self) -> None:
        """Begin nothing new: the worker stops."""

    def in_work(self) -> list[str]:
        """What is being done, in words."""


class Worker:
    """Pulls messages until it is stopped; then waits for what is in work, and hands back what is not done in time."""

    def __init__(
        self,
        source: Source,
        handler: Handles,
        *,
        concurrency: int = CONCURRENCY,
        grace: float = GRACE,
        relief: Callable[[int], AsyncIterator[Delivery]] | None = None,
    ) -> None:
        """``relief`` takes messages in hand for which steps need not end, so many at most; it is asked when all places are taken for long."""
        self._source = source
        self._handler = handler
        self._concurrency = concurrency
        self._grace = grace
        self._relief = relief
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
            self._handler.drain()
            try:
                await asyncio.gather(pull, return_exceptions=True)
                await self._finish()
            finally:
                await self._call_off()

    async def _pull(self) -> None:
        pause = 0.1
        while True:
            try:
                for delivery in await self._source.receive(await self._free()):
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
            try:
                async with asyncio.timeout(FULL):
                    await self._room.wait()
            except TimeoutError:
                await self._relieve()

    async def _relieve(self) -> None:
        room = EXTRA - sum(slot.is_extra for slot in self._active.values())
        if self._relief is not None and room > 0:
            async for delivery in self._relief(room):
                self._start(delivery, is_extra=True)

    def _start(self, delivery: Delivery, *, is_extra: bool = False) -> None:
        slot = Slot(partial(_tell, asyncio.get_running_loop(), self._room), is_extra=is_extra)
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

    async def _finish(self) -> None:
        if self._active:
            logger.info("taking no more messages; %d in work have up to %g s", len(self._active), self._grace)
            await asyncio.wait(self._active, timeout=self._grace)

    async def _call_off(self) -> None:
        late = list(self._active)
        if late:
            steps = "".join(f"\n  {step}" for step in self._handler.in_work())
            logger.warning(
                "after %g s, %d messages are called off, to be handed back as soon as what they do has ended%s",
                *(self._grace, len(late), f":{steps}" if steps else ""),
            )
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def _tell(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    with contextlib.suppress(RuntimeError):  # a thread outlives its worker's loop, where nobody waits any more
        loop.call_soon_threadsafe(event.set)
