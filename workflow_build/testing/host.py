"""Where a test's runs live: a world in memory, time that stands still, and a worker that goes on after it was killed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, TypeVar

from workflow_build.testing.clock import EXACT, StandingClock, shown
from workflow_build.testing.errors import StuckError
from workflow_build.testing.worker import Worker
from workflow_build.testing.world import face, mortal
from workflow_runtime.clock import clock_in_place
from workflow_runtime.errors import RunNotFoundError
from workflow_runtime.events import Event, EventKind
from workflow_runtime.handler.handler import Handler
from workflow_runtime.handler.options import options_from
from workflow_runtime.handler.threads import StepThreads
from workflow_runtime.process import world_in_place
from workflow_runtime.project import ProcessSteps
from workflow_runtime.worlds.base import Message, RunInfo, RunStatus
from workflow_runtime.worlds.memory import MemoryWorld
from workflow_runtime.worlds.memory_store import QUEUE, MemoryStore

T = TypeVar("T")

__tracebackhide__ = True  # a failed test shows its own lines, not ours
GLANCE = 0.001
"""Real seconds between two looks at whether anything is still going on."""

CrashAt = EventKind | str | int
"""An event of a run: the first of that kind, or the one in that slot."""
_crash_at: ContextVar[CrashAt | None] = ContextVar("workflow_build_testing_crash_at", default=None)


class Host:
    """All that one test's runs need. ``limit`` is how many real seconds one wait may take."""

    def __init__(self, limit: float) -> None:
        self.clock = StandingClock()
        self.store = MemoryStore()
        self.world = face(MemoryWorld(self.store), self)
        self.crashes: dict[str, CrashAt] = {}
        """Where each run dies, unless it has."""
        self._limit = limit
        self._worker: Worker | None = None
        self._making = threading.Lock()
        self._threads = StepThreads(32)
        self._in_place = ExitStack()

    def enter(self) -> None:
        """Be this process's world and clock."""
        self._in_place.enter_context(clock_in_place(self.clock))
        self._in_place.enter_context(world_in_place(self.world))

    def close(self) -> None:
        """End all that goes on, and give the process back what it had before."""
        if self._worker is not None:
            self._worker.kill()
            self._worker.see_out()
        self._in_place.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def ensure_worker(self) -> None:
        """See ``Keeper``."""
        with self._making:
            if self._worker is not None and self._worker.loop.is_running():
                return
            if self._worker is not None:
                self._worker.kill()  # its loop has stopped, and the messages that it had in hand are free now
            self._worker = self._new_worker()

    @contextmanager
    def crashing(self, at: CrashAt | None) -> Iterator[None]:
        """The runs that this context creates while the block lasts die there."""
        token = _crash_at.set(at)
        try:
            yield
        finally:
            _crash_at.reset(token)

    def created(self, run_id: str) -> None:
        """See ``Keeper``."""
        if (at := _crash_at.get()) is not None:
            self.crashes[run_id] = at

    def landed(self, run_id: str) -> None:
        """See ``Keeper``. Kills the worker when the event that the run should crash at is in its log."""
        at, worker = self.crashes.get(run_id), self._worker
        if at is None or worker is None or worker.is_dead or not self._has(run_id, at):
            return
        del self.crashes[run_id]
        worker.kill()
        if not worker.loop.is_closed():
            asyncio.run_coroutine_threadsafe(self._go_on_after(worker), worker.loop)

    def skipping(self, run_id: str, timeout: float | None) -> asyncio.Task[None]:
        """See ``Keeper``. Time is not skipped past the moment at which the waiting would time out."""
        last = None if timeout is None else self.clock.time + timeout
        return asyncio.create_task(self._skip_until_ended(run_id, last))

    def run(self, run_id: str) -> RunInfo:
        """The run as it stands. Raises ``RunNotFoundError``."""
        with self.store.lock:
            return self.store.known(run_id)

    def events(self, run_id: str) -> list[Event]:
        """The run's log. Raises ``RunNotFoundError``."""
        with self.store.lock:
            self.store.known(run_id)
            return list(self.store.events(run_id, 0))

    def last_of_chain(self, run_id: str) -> str:
        """The run that goes on in this one's place, when it was continued; else this one."""
        while self.run(run_id).status is RunStatus.CONTINUED:
            run_id = self.events(run_id)[-1].data["run"]
        return run_id

    def delayed(self, run_id: str | None = None) -> list[tuple[float, Message]]:
        """The messages, of one run or of all, that wait for their time, earliest first."""
        with self.store.lock:
            found = self.store.list_messages(run_id, 10**6)
        return [(queued.ready_at, queued.message) for queued in found if not queued.in_hand]

    async def until(self, found: Callable[[], T | None], told: Callable[[], str], *, at_once: bool = False) -> T:
        """What ``found`` gives once all work is done, or ``at_once``, and it gives something. Time is skipped as often as nothing else
        is left to do.

        ``told`` says what is waited for, and why in vain, when nothing is left that could happen: then ``StuckError`` is raised.
        """
        return await self._on_worker(lambda: self._until(found, told, at_once=at_once))

    async def advance(self, moment: float, told: Callable[[], str]) -> None:
        """Let time go on to ``moment``; what is due on the way happens in its order, and is done when this returns."""
        await self._on_worker(lambda: self._advance(moment, told))

    async def _until(self, found: Callable[[], T | None], told: Callable[[], str], *, at_once: bool) -> T:
        deadline = time.monotonic() + self._limit
        while True:
            await self._settled(deadline, told, (lambda: found() is not None) if at_once else None)
            if (value := found()) is not None:
                return value
            moment = self._next_moment()
            if moment is None:
                raise StuckError(f"nothing is left to do, and nothing waits for its time: {told()}")
            self._skip_to(moment)

    async def _advance(self, moment: float, told: Callable[[], str]) -> None:
        deadline = time.monotonic() + self._limit
        while True:
            await self._settled(deadline, told)
            due = self._next_moment()
            if due is None or due > moment + EXACT:
                break
            self._skip_to(due)
        self._skip_to(moment)
        await self._settled(deadline, told)

    async def _skip_until_ended(self, run_id: str, last: float | None) -> None:
        async def skip() -> None:
            while not self.run(self.last_of_chain(run_id)).status.ended:
                moment = self._next_moment() if await self._is_settled() else None
                if moment is not None and (last is None or moment <= last):
                    self._skip_to(moment)
                else:
                    await asyncio.sleep(GLANCE)

        with suppress(RunNotFoundError):  # whoever waits hears of it from the world
            await self._on_worker(skip)

    async def _settled(
        self, deadline: float, told: Callable[[], str], enough: Callable[[], bool] | None = None
    ) -> None:
        while not (await self._is_settled() or (enough is not None and enough())):
            if time.monotonic() > deadline:
                raise StuckError(
                    f"it still goes on after {self._limit:g} s of real time, and it is {shown(self.clock.time)}: {told()} "
                    "(`workflow_timeout` in pytest's configuration is how long a wait may take)"
                )
            await asyncio.sleep(GLANCE)

    async def _is_settled(self) -> bool:
        self.ensure_worker()
        worker = self._worker
        return worker is not None and await worker.idle()

    def _next_moment(self) -> float | None:
        with self.store.lock:
            return self.store.next_due(self.clock.time)

    def _skip_to(self, moment: float) -> None:
        self.clock.skip_to(moment)
        self.store.signals.ring([QUEUE])

    async def _on_worker(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Do it where the worker works: only there can one tell whether it has something to do."""
        self.ensure_worker()
        assert self._worker is not None, "there is one now"
        if self._worker.loop is asyncio.get_running_loop():
            return await work()
        there: Awaitable[T] = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), self._worker.loop))
        return await there

    def _new_worker(self) -> Worker:
        handle = MemoryWorld(self.store)
        worker = Worker(handle)
        world = mortal(handle, self, lambda: worker.is_dead)
        options = replace(options_from(), check_replay=True)
        worker.start(world, Handler(world, ProcessSteps(), self._threads, options))
        return worker

    async def _go_on_after(self, killed: Worker) -> None:
        await killed.dead()
        with self._making:
            if self._worker is killed:
                self._worker = self._new_worker()

    def _has(self, run_id: str, at: CrashAt) -> bool:
        with self.store.lock:
            log = self.store.logs.get(run_id, [])
            return len(log) >= at if isinstance(at, int) else any(encoded.event.kind == at for encoded in log)
