"""A deterministic event loop: first in, first out, no clock, no sockets, no threads.

All of asyncio that is pure runs on it unchanged. A timer becomes a durable wait of the machine's. Futures and tasks
hash by the order in which they were made: the standard library keeps them in sets (``wait``, ``TaskGroup``,
``as_completed``), and would otherwise visit them in the order of their addresses. Nothing is left to the garbage
collector, whose moment no replay repeats: the loop holds its tasks until they are done.
"""

from __future__ import annotations

import asyncio
import ctypes
import math
import sys
from asyncio import tasks as asyncio_tasks
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextvars import Context
from typing import Any, Protocol, TypeVar, TypeVarTuple

from workflow_runtime.errors import NondeterminismError, WorkflowError
from workflow_runtime.logs import runtime_logger

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
logger = runtime_logger("machine")

CALLBACK_LIMIT = 1_000_000
"""How many callbacks may run between two events before the workflow counts as caught in a loop."""
_DROP_LIMIT = 100  # how often a coroutine that awaits again in its finally blocks is told to end, each time further on


class MachineDropped(BaseException):
    """Raised in workflow code where it waits when its machine is dropped; no ``except Exception`` stops it."""


class Timers(Protocol):
    """Who keeps the loop's timers: the machine, as durable waits."""

    clock: float

    def timer_set(self, handle: asyncio.TimerHandle) -> None:
        """A timer was set for ``handle.when()``."""

    def timer_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """The timer is not wanted any more."""


class WorkflowFuture(asyncio.Future[T]):
    """A future whose hash is its place in the order of making."""

    def __init__(self, *, loop: WorkflowLoop) -> None:
        self._made = loop.count()
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self._made


class WorkflowTask(asyncio.Task[T]):
    """A task whose hash is its place in the order of making."""

    def __init__(
        self, coroutine: Coroutine[Any, Any, T], *, loop: WorkflowLoop, name: str | None, context: Context | None
    ) -> None:
        self._made = loop.count()
        super().__init__(coroutine, loop=loop, name=name or f"task-{self._made}", context=context)

    def __hash__(self) -> int:
        return self._made

    def abandon(self) -> None:
        """End the coroutine, in silence: nothing that its ``finally`` blocks try can matter any more.

        Thrown, not closed: of a coroutine that awaits again, ``close`` would leave the inner part to the collector.
        """
        self._log_destroy_pending = False
        coroutine = self.get_coro()
        if coroutine is not None and not self.done() and not _ended(coroutine):
            logger.error(
                "%s awaits on and on, whatever it is told, and stays in memory: does it catch BaseException in a loop?",
                self.get_name(),
            )
            # Once more, and outside of any machine, when it is collected: that might never end.
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(coroutine))
        if self.done() and not self.cancelled():
            self.exception()  # marks it as seen; otherwise asyncio reports it when the task is collected


def _ended(coroutine: Generator[Any, Any, Any] | Coroutine[Any, Any, Any]) -> bool:
    for _ in range(_DROP_LIMIT):
        try:
            coroutine.throw(MachineDropped())
        except BaseException:  # noqa: BLE001 - finally blocks may raise anything, and nobody is left to hear it
            return True
    return False


class _Inside:  # a class, as the decorator of contextlib costs more than what this does
    """Around what runs on ``loop``: step out of the outer loop and its task, if there are any, and into this one.

    Python 3.14 keeps the current task per thread; leaving the outer one out would fail there, and only there.
    """

    __slots__ = ("_hooks", "_loop", "_on_dropped", "_outer", "_task")

    def __init__(self, loop: WorkflowLoop, on_dropped: Callable[[AsyncGenerator[Any, Any]], None]) -> None:
        self._loop, self._on_dropped = loop, on_dropped

    def __enter__(self) -> None:
        self._outer = outer = asyncio._get_running_loop()
        self._task = task = None if outer is None else asyncio.current_task(outer)
        self._hooks = sys.get_asyncgen_hooks()
        if outer is not None and task is not None:
            asyncio_tasks._leave_task(outer, task)
        asyncio._set_running_loop(self._loop)
        sys.set_asyncgen_hooks(None, self._on_dropped)

    def __exit__(self, *_: object) -> None:
        sys.set_asyncgen_hooks(*self._hooks)
        asyncio._set_running_loop(self._outer)
        if self._outer is not None and self._task is not None:
            asyncio_tasks._enter_task(self._outer, self._task)


class WorkflowLoop(asyncio.AbstractEventLoop):
    """The loop of one machine. It runs only inside of ``run``, until nothing is ready."""

    def __init__(self, timers: Timers) -> None:
        self._timers = timers
        self._ready: deque[asyncio.Handle] = deque()
        self._tasks: set[WorkflowTask[Any]] = set()
        self._made = 0

    def count(self) -> int:
        """The next number in the order of making."""
        self._made += 1
        return self._made

    def run(self) -> None:
        """Run callbacks until none is ready. Raises ``WorkflowError`` when the workflow spins without ever waiting."""
        with _Inside(self, self._generator_dropped):
            for _ in range(CALLBACK_LIMIT):
                if not self._ready:
                    return
                handle = self._ready.popleft()
                if not handle.cancelled():
                    try:
                        handle._run()
                    except SystemExit:
                        logger.debug("workflow code raised SystemExit; its task carries it")
        raise WorkflowError(
            f"the workflow ran {CALLBACK_LIMIT:,} callbacks without waiting for anything; is it caught in a loop?"
        )

    @property
    def is_idle(self) -> bool:
        """Whether nothing is ready to run."""
        return not self._ready

    def run_handle(self, handle: asyncio.Handle) -> None:
        """Make a timer's callback ready."""
        self._ready.append(handle)

    def abandon(self) -> None:
        """Close every coroutine, in silence."""
        with _Inside(self, self._generator_dropped):
            while self._tasks:
                self._tasks.pop().abandon()
        self._ready.clear()

    def _generator_dropped(self, generator: AsyncGenerator[Any, Any]) -> None:
        """Nobody iterates it any more: a task closes it, as asyncio has it, unless the machine is not running.

        Then the collector has found it, at a moment of its own, and its ``finally`` blocks must not run in whatever
        runs just now.
        """
        if asyncio._get_running_loop() is self:
            self.create_task(generator.aclose())

    # What asyncio asks of a loop.

    def time(self) -> float:
        """Unix seconds: the latest time fed to the machine."""
        return self._timers.clock

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        if math.isnan(when):
            raise ValueError("a time to wait until must be a number, not NaN")
        if when <= self.time():
            self._ready.append(handle)
        elif when < math.inf:  # what is due after for ever is never due
            self._timers.timer_set(handle)
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        self._timers.timer_cancelled(handle)

    def create_future(self) -> WorkflowFuture[Any]:
        return WorkflowFuture(loop=self)

    def create_task(
        self,
        coro: Coroutine[Any, Any, T] | Generator[Any, None, T],
        *,
        name: str | None = None,
        context: Context | None = None,
        **_: object,  # eager_start, from Python 3.14 on: a workflow's tasks always start in order
    ) -> WorkflowTask[T]:
        task: WorkflowTask[T] = WorkflowTask(coro, loop=self, name=name, context=context)  # type: ignore[arg-type]  # asyncio refuses old generators itself
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return asyncio._get_running_loop() is self

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        logger.error("in workflow code: %s", context.get("message"), exc_info=context.get("exception"))


def _refused(name: str) -> Callable[..., Any]:
    def refuse(self: WorkflowLoop, *args: object, **kwargs: object) -> Any:
        raise NondeterminismError(
            f"workflow code asked its event loop for {name}(), which replay can not repeat; move it into a step"
        )

    return refuse


# Whatever else a loop can do reaches outside: each such method says so by name.
for _name in sorted(asyncio.AbstractEventLoop.__dict__):
    if (
        not _name.startswith("_")
        and _name not in WorkflowLoop.__dict__
        and callable(getattr(asyncio.AbstractEventLoop, _name))
    ):
        setattr(WorkflowLoop, _name, _refused(_name))
