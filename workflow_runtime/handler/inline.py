"""The steps that an invocation runs itself, beside the run that it drives."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Container, Coroutine
from dataclasses import dataclass
from typing import Any

from workflow_runtime.context import CallOff
from workflow_runtime.events import Event
from workflow_runtime.worlds.base import World

logger = logging.getLogger("workflow_runtime.handler")

_LONG = 0.2
"""Seconds after which a step counts as one that is worth being told of the run's end at once."""


@dataclass(frozen=True, slots=True)
class _Running:
    task: asyncio.Task[None]
    call_off: CallOff

    def cancel(self) -> None:
        self.call_off.called = self.call_off.unwanted = True
        self.task.cancel()


class InlineSteps:
    """Tasks by the step that each runs."""

    def __init__(self, world: World, run_id: str) -> None:
        self._world = world
        self._run_id = run_id
        self._running: dict[str, _Running] = {}
        self._ended: dict[str, Event | BaseException] = {}
        """What has come of steps, told by each one's task in its last moment: what a task gives, it gives a turn of the loop later, and a
        task that its body has cancelled gives nothing.
        """
        self._cancelled: set[asyncio.Task[None]] = set()
        self._news: asyncio.Future[None] | None = None
        """Settled when a step has ended, or the run."""
        self._end: asyncio.Task[object] | None = None
        """Waits for the run's end, which another process may bring about."""

    def __len__(self) -> int:
        return len(self._running)

    def __contains__(self, step_id: object) -> bool:
        return step_id in self._running

    def start(self, step_id: str, body: Callable[[CallOff], Coroutine[Any, Any, Event]]) -> None:
        """Run a step. ``body`` is called in its task, which may be cancelled before it begins."""
        call_off = CallOff()
        task = asyncio.create_task(self._run(step_id, body, call_off), name=f"workflow {step_id} of {self._run_id}")
        self._running[step_id] = _Running(task, call_off)

    def outcomes(self) -> list[Event]:
        """What has come of the steps that have ended; they are forgotten. Raises what is no outcome of a step, as a ``KeyboardInterrupt``."""
        ended, self._ended = self._ended, {}
        events = []
        for step_id, outcome in ended.items():
            del self._running[step_id]
            if isinstance(outcome, BaseException):
                raise outcome
            events.append(outcome)
        return events

    def cancel_all_but(self, wanted: Container[str]) -> None:
        """Cancel the steps that the log does not know as open any more."""
        for step_id in [step_id for step_id in self._running if step_id not in wanted]:
            running = self._running.pop(step_id)
            self._ended.pop(step_id, None)
            running.cancel()
            self._cancelled.add(running.task)
            running.task.add_done_callback(self._cancelled.discard)

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
        tasks: list[asyncio.Task[Any]] = [*(running.task for running in self._running.values()), *self._cancelled]
        for running in self._running.values():
            running.cancel()
        if self._end is not None:
            self._end.cancel()
            tasks.append(self._end)
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(
        self, step_id: str, body: Callable[[CallOff], Coroutine[Any, Any, Event]], call_off: CallOff
    ) -> None:
        try:
            outcome: Event | BaseException = await body(call_off)
        except BaseException as error:
            outcome = error
            raise
        finally:
            if not call_off.unwanted:
                self._ended[step_id] = outcome
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
        return bool(self._ended)

    def _is_news(self) -> bool:
        return bool(self._ended) or (self._end is not None and self._end.done())
