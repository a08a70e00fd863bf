"""The steps that an invocation runs itself, beside the run that it drives."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Container, Coroutine
from typing import Any

from workflow_runtime.events import Event
from workflow_runtime.worlds.base import World

logger = logging.getLogger("workflow_runtime.handler")

_LONG = 0.2
"""Seconds after which a step counts as one that is worth being told of the run's end at once."""


class InlineSteps:
    """Tasks by the step that each runs."""

    def __init__(self, world: World, run_id: str) -> None:
        self._world = world
        self._run_id = run_id
        self._running: dict[str, asyncio.Task[Event]] = {}
        self._cancelled: set[asyncio.Task[Event]] = set()
        self._news: asyncio.Future[None] | None = None
        """Settled when a step is done, by the step's own task in its last moment: a callback would come a turn of the loop later."""
        self._end: asyncio.Task[object] | None = None
        """Waits for the run's end, which another process may bring about."""

    def __len__(self) -> int:
        return len(self._running)

    def __contains__(self, step_id: object) -> bool:
        return step_id in self._running

    def start(self, step_id: str, body: Callable[[], Coroutine[Any, Any, Event]]) -> None:
        """Run a step. ``body`` is called in its task, which may be cancelled before it begins."""
        self._running[step_id] = asyncio.create_task(self._told(body), name=f"workflow {step_id} of {self._run_id}")

    def outcomes(self) -> list[Event]:
        """What has come of the steps that are done; they are forgotten."""
        done = [(step_id, task) for step_id, task in self._running.items() if task.done()]
        for step_id, _ in done:
            del self._running[step_id]
        return [task.result() for _, task in done]

    def cancel_all_but(self, wanted: Container[str]) -> None:
        """Cancel the steps that the log does not know as open any more."""
        for step_id in [step_id for step_id in self._running if step_id not in wanted]:
            task = self._running.pop(step_id)
            task.cancel()
            self._cancelled.add(task)
            task.add_done_callback(self._cancelled.discard)

    async def one_is_done(self, timeout: float) -> bool:
        """Wait until a step is done; True too when none runs. False after ``timeout`` seconds, or when the run has ended."""
        if not self._running:
            return True
        if await self._wait(min(_LONG, timeout)):
            return True
        if self._end is None:
            self._end = asyncio.create_task(self._world.wait_for_end(self._run_id))
            self._end.add_done_callback(self._tell)
        return await self._wait(timeout)

    async def call_off(self) -> None:
        """Cancel what still runs, and wait until all bodies have really ended."""
        tasks: list[asyncio.Task[Any]] = [*self._running.values(), *self._cancelled]
        for task in self._running.values():
            task.cancel()
        if self._end is not None:
            self._end.cancel()
            tasks.append(self._end)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _told(self, body: Callable[[], Coroutine[Any, Any, Event]]) -> Event:
        try:
            return await body()
        finally:
            self._tell()

    def _tell(self, _: object = None) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    async def _wait(self, timeout: float) -> bool:
        if not self._is_news():
            loop = asyncio.get_running_loop()
            self._news = loop.create_future()
            timer = loop.call_later(timeout, self._tell)
            try:
                await self._news
            finally:
                timer.cancel()
                self._news = None
        if self._end is not None and self._end.done():
            if not self._end.cancelled() and (error := self._end.exception()):
                logger.warning("whether run %s has ended is not known: %s", self._run_id, error)
            self._end = None
        return any(task.done() for task in self._running.values())

    def _is_news(self) -> bool:
        return any(task.done() for task in self._running.values()) or (self._end is not None and self._end.done())
