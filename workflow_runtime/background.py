"""One event loop for all the sync code of a process, on a thread of its own."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import AsyncIterable, Callable, Coroutine, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

from workflow_runtime.errors import WorkflowError
from workflow_runtime.machine.current import running_machine
from workflow_runtime.process import leave_world_to_parent

T = TypeVar("T")

LAST_CALL = 5.0
"""Seconds that the loop is given to end at exit, once all that was registered has stopped."""
_MISSING = object()
_lock = threading.Lock()
_background: Background | None = None
_inherited: list[Background] = []
"""Loops of the processes that this one was forked from: what waits on them is not to be cancelled here."""
# What is registered with atexit runs when thread pools take no more work, and a worker that stops may need them.
_before_exit: Callable[[Callable[[], None]], object] = getattr(threading, "_register_atexit", atexit.register)


class Background:
    """A running event loop. ``background()`` gives the process's own."""

    def __init__(self) -> None:
        self._ready = threading.Event()
        self._stops: list[Callable[[], None]] = []
        self._kept: list[object] = []
        self._thread = threading.Thread(target=asyncio.run, args=[self._main()], name="workflow loop", daemon=True)
        self._thread.start()
        self._ready.wait()

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._ready.set()
        await self._over.wait()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Have the loop do it. The caller's context variables are known there."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call(self, function: Callable[[], object]) -> None:
        """Call a function on the loop, soon."""
        self._loop.call_soon_threadsafe(function)

    def before_exit(self, stop: Callable[[], None]) -> None:
        """Have ``stop`` called once before the process ends; what came last is stopped first."""
        if stop not in self._stops:
            self._stops.append(stop)

    def keep(self, thing: object) -> None:
        """Keep the thing for as long as the loop is kept."""
        self._kept.append(thing)

    def close(self) -> None:
        """Stop all that was registered, then the loop."""
        while self._stops:
            self._stops.pop()()
        self.call(self._over.set)
        self._thread.join(LAST_CALL)


def background() -> Background:
    """This process's background loop, started on first use; a forked process gets its own."""
    global _background
    with _lock:
        if _background is None:
            _background = Background()
            _before_exit(_close)
            _watch_forks()
        return _background


def is_current(one: Background) -> bool:
    """Whether it is this process's, and not that of the process that this one was forked from."""
    return one is _background


def run_sync(work: Coroutine[Any, Any, T]) -> T:
    """Do async work from sync code, and wait for it: ``run = run_sync(start(checkout, order))``.

    Raises what ``work`` raises, and ``WorkflowError`` in async code, which can await it.
    """
    if _in_async_code():
        work.close()
        raise WorkflowError("run_sync() is for sync code; here, await what you gave it")
    return wait_for(background().submit(work))


def iterate_sync(values: AsyncIterable[T]) -> Iterator[T]:
    """The values of an async iterable, in sync code: ``for value in iterate_sync(run.stream())``.

    Raises what the iterable raises, and ``WorkflowError`` in async code.
    """
    if _in_async_code():
        raise WorkflowError("iterate_sync() is for sync code; here, use async for")
    return _iterate(values)


def wait_for(future: Future[T]) -> T:
    """Its result; what interrupts the waiting cancels it."""
    try:
        return future.result()
    except BaseException:
        future.cancel()
        raise


def _iterate(values: AsyncIterable[T]) -> Iterator[T]:
    iterator = aiter(values)
    try:
        while (value := wait_for(background().submit(_next(iterator)))) is not _MISSING:
            yield value
    finally:
        close = getattr(iterator, "aclose", None)
        if close is not None:
            wait_for(background().submit(close()))


async def _next(iterator: Any) -> Any:
    return await anext(iterator, _MISSING)


def _in_async_code() -> bool:
    if running_machine() is not None:
        return True
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _close() -> None:
    global _background
    if _background is not None:
        _background.close()
        _background = None


_watching = False


def _watch_forks() -> None:
    """Threads do not come along to a forked process, and it must not use the connections of its parent."""
    global _watching
    if not _watching and hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forget)
        _watching = True


def _forget() -> None:
    global _background, _lock
    if _background is not None:
        _inherited.append(_background)
    _background, _lock = None, threading.Lock()
    leave_world_to_parent()
