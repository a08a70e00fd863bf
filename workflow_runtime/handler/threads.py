"""Threads for sync steps: only so many at once, but for those that wait for other runs, whose steps may need a thread as well."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
_NO_BOUND = 1_000_000  # the executor behind starts a thread only when none is idle; how many may be is counted here


class StepThreads(Executor):
    """An executor that runs ``limit`` calls at once, and one more for each that is ``lent``."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._threads = ThreadPoolExecutor(_NO_BOUND, thread_name_prefix="workflow-step")
        self._lock = threading.Lock()
        self._waiting: deque[tuple[Future[object], Callable[[], object]]] = deque()
        self._running = 0
        self._lent = 0

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """See ``Executor``. A call that still waits for its turn can be cancelled."""
        future: Future[T] = Future()
        with self._lock:
            self._waiting.append((future, partial(function, *args, **kwargs)))  # type: ignore[arg-type]  # a deque of futures of any type
        self._begin()
        return future

    def lend(self, by: int) -> None:
        """A call that is running begins (1) or ends (-1) to do nothing but wait for another run."""
        with self._lock:
            self._lent += by
        self._begin()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """See ``Executor``. What waits for its turn is begun no more."""
        with self._lock:
            waiting, self._waiting = self._waiting, deque()
        for future, _ in waiting:
            future.cancel()
        self._threads.shutdown(wait, cancel_futures=cancel_futures)

    def _begin(self) -> None:
        """Begin what there is room for."""
        while True:
            with self._lock:
                if not self._waiting or self._running >= self._limit + self._lent:
                    return
                future, call = self._waiting.popleft()
                if not future.set_running_or_notify_cancel():
                    continue
                self._running += 1
            self._threads.submit(self._run, future, call)

    def _run(self, future: Future[object], call: Callable[[], object]) -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - whatever it raises is for the one who waits for it
            future.set_exception(error)
        finally:
            with self._lock:
                self._running -= 1
            self._begin()
