"""Work that is done on a thread of its own, and awaited on any event loop.

Threads and loops meet in two places only: a queue into the thread, and one ``call_soon_threadsafe`` per loop back out for all the jobs of
a batch. That hand-over is most of what a commit costs beside the disk.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from workflow_runtime.errors import WorldError
from workflow_runtime.worlds.sqlite.forks import ADVICE
from workflow_runtime.worlds.types import WorldClosedError

T = TypeVar("T")
C = TypeVar("C")
MOST_AT_ONCE = 256  # jobs in a batch
Work = Callable[[C], T]
Undo = Callable[[T], None]


class Job:
    """One piece of work, and the future of the one who awaits it, if anybody does.

    ``undo`` takes back a result that nobody took, because the caller was cancelled. It may be called on either thread, at worst twice.
    """

    __slots__ = ("_abandoned", "_done", "_undo", "error", "future", "result", "work")

    def __init__(
        self, work: Work[Any, Any], future: asyncio.Future[Any] | None = None, undo: Undo[Any] | None = None
    ) -> None:
        self.work = work
        self.future = future
        self.result: Any = None
        self.error: BaseException | None = None
        self._undo = undo
        self._done = False
        self._abandoned = False

    def finish(self) -> None:
        """On the thread: the result stands."""
        self._done = True
        self._undo_if_abandoned()

    def abandon(self) -> None:
        """On the loop: nobody takes the result."""
        self._abandoned = True
        self._undo_if_abandoned()

    def settle(self) -> None:
        """On the loop: give the result to the one who awaits it."""
        if self.future is None or self.future.done():
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)

    def _undo_if_abandoned(self) -> None:
        # Each side first says its own and then looks at the other's, so at least one of them sees both.
        if self._done and self._abandoned and self.error is None and self._undo is not None:
            self._undo(self.result)


def finish(jobs: Iterable[Job]) -> None:
    """On the thread: the jobs' results stand; give them to those who await them, all jobs of a loop at once."""
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[Job]] = defaultdict(list)
    for job in jobs:
        job.finish()
        if job.future is not None:
            by_loop[job.future.get_loop()].append(job)
    for loop, settled in by_loop.items():
        # A closed loop has nobody left who awaits anything.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, settled)


def _settle(jobs: list[Job]) -> None:
    for job in jobs:
        job.settle()


class Lane(Generic[C]):
    """A thread with a queue of jobs, each of which works on a ``C`` that ``handle`` has.

    ``handle`` gets all jobs that wait, and must finish each. ``poll`` is called every ``every`` seconds while ``polling`` says so.
    """

    def __init__(
        self,
        name: str,
        handle: Callable[[list[Job]], None],
        *,
        poll: Callable[[], None] = lambda: None,
        polling: Callable[[], bool] = lambda: False,
        every: float = 0.05,
    ) -> None:
        self._handle, self._poll, self._polling, self._every = handle, poll, polling, every
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._open = True
        self._process = os.getpid()
        # A daemon, so that a world that nobody closed does not keep the process from ending; SQLite survives that.
        self._thread = threading.Thread(target=self._main, name=name, daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    async def run(self, work: Work[C, T], undo: Undo[T] | None = None) -> T:
        """Have ``work`` done and give its result."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        job = Job(work, future, undo)
        self.put(job)
        try:
            return await future
        except asyncio.CancelledError:
            job.abandon()
            raise

    def put(self, job: Job) -> None:
        """Queue a job. Raises ``WorldError`` when the lane has been stopped, or in a fork."""
        self.check_process()
        with self._gate:
            if not self._open:
                raise WorldClosedError("this world has been closed; open() it again before you use it")
            self._queue.put(job)

    def check_process(self) -> None:
        """Raise ``WorldError`` in a process that was forked from the lane's own: threads do not come along."""
        if os.getpid() != self._process:
            raise WorldError(
                f"this world was opened in process {self._process} and is used in its fork {os.getpid()}; {ADVICE}"
            )

    def nudge(self) -> None:
        """Have ``polling`` asked again."""
        self._queue.put(None)

    def stop(self) -> None:
        """Do what is queued, then end the thread. Blocks until then."""
        with self._gate:
            self._open = False
            self._queue.put(None)
        self._thread.join()

    def _main(self) -> None:
        polled = 0.0
        while self._open or not self._queue.empty():
            batch = self._next()
            if batch:
                self._handle(batch)
            if self._polling() and time.monotonic() - polled >= self._every:
                self._poll()
                polled = time.monotonic()

    def _next(self) -> list[Job]:
        batch: list[Job] = []
        with contextlib.suppress(Empty):
            job = self._queue.get(timeout=self._every if self._polling() else None)
            while True:
                if job is not None:
                    batch.append(job)
                if len(batch) == MOST_AT_ONCE:
                    break
                job = self._queue.get_nowait()
        return batch
