"""The worker of a test: what a process with a worker is in production, except that it can be killed and leave the test alive."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from workflow_runtime.errors import WorkflowError
from workflow_runtime.handler.handler import Handler
from workflow_runtime.slots import Slot, current_slot
from workflow_runtime.worlds.base import Delivery, World
from workflow_runtime.worlds.memory import MemoryWorld

logger = logging.getLogger("workflow_build.testing")

AT_ONCE = 64
"""How many messages it takes in one go."""
LAST_WORDS = 5.0
"""Real seconds that bodies are given to end once their worker was killed. What runs in a thread can not be ended."""
TURNS = 25
"""Turns of the event loop that nothing may happen in, for a worker to count as idle: a message is taken in fewer."""


class Worker:
    """Takes messages and has them handled, on the event loop that it is made on."""

    def __init__(self, world: MemoryWorld) -> None:
        self.loop = _running_loop()
        self.is_dead = False
        self._is_cancelled = False
        self._world = world
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots: dict[asyncio.Task[None], Slot] = {}

    def start(self, world: World, handler: Handler) -> None:
        """Begin to work. ``world`` is its own one as its handler has it."""
        self._spawn(self._pull(world, handler), "workflow worker of a test")

    async def idle(self) -> bool:
        """Whether it has nothing in hand, and nothing that it could take. Steps that wait for a run do not count."""
        for _ in range(TURNS):
            if self.is_dead or any(not slot.lent for slot in self._slots.values()):
                return False
            await asyncio.sleep(0)
        return True

    def kill(self) -> None:
        """Have it die as by ``kill -9``: what it has in hand is free, and nothing that it does from now on reaches the world."""
        self.is_dead = True
        self._world.crash()
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._cancel)

    async def dead(self) -> None:
        """Return when what was killed has ended; or after a while, when it does not."""
        self._cancel()
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        if tasks:
            await asyncio.wait(tasks, timeout=LAST_WORDS)

    def see_out(self) -> None:
        """``dead()`` from sync code, for what runs nowhere any more or on a loop in another thread."""
        if self.loop.is_running():
            with suppress(TimeoutError):
                asyncio.run_coroutine_threadsafe(self.dead(), self.loop).result(2 * LAST_WORDS)
        elif not self.loop.is_closed():
            self.loop.run_until_complete(self.dead())

    def _cancel(self) -> None:
        if not self._is_cancelled:  # a second time would reach bodies that are cleaning up
            self._is_cancelled = True
            for task in self._tasks:
                task.cancel()

    async def _pull(self, world: World, handler: Handler) -> None:
        await self._world.open()
        while True:
            for delivery in await world.receive(AT_ONCE):
                slot = Slot(lambda: None)
                task = self._spawn(_handle(handler, delivery, slot), f"workflow message {delivery.message.id}")
                self._slots[task] = slot

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._slots.pop(task, None)
        if not task.cancelled() and (error := task.exception()) and not self.is_dead:
            logger.error("%s failed", task.get_name(), exc_info=error)


def _running_loop() -> asyncio.AbstractEventLoop:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise WorkflowError(
            "workflows run on asyncio, and this test runs on something else; with anyio, have `anyio_backend` give 'asyncio'"
        ) from None


async def _handle(handler: Handler, delivery: Delivery, slot: Slot) -> None:
    current_slot.set(slot)
    await handler.handle(delivery)
