"""Giving a worker's place back while a step does nothing but wait for another run: else runs that wait for each other could fill it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Protocol


class Lends(Protocol):
    """What a step takes up, and can do without while it waits for a run."""

    def lend(self, by: int) -> None:
        """A step begins (1) or ends (-1) to wait. Called on any thread: a plain function waits on one that is not its worker's."""


class Slot:
    """The place that one message in work has in its worker. ``changed`` is called when it is lent out and when it is taken back, on whatever
    thread that is.
    """

    def __init__(self, changed: Callable[[], None], *, is_extra: bool = False) -> None:
        self.is_extra = is_extra
        """Whether it is one beyond the worker's number, where runs may decide, and begin no steps."""
        self._changed = changed
        self._lock = threading.Lock()
        self._waiting = 0

    @property
    def lent(self) -> bool:
        """Whether it takes no place from another message: a step of it waits for a run, or it is an extra one."""
        return self._waiting > 0 or self.is_extra

    def lend(self, by: int) -> None:
        """See ``Lends``."""
        with self._lock:
            self._waiting += by
        self._changed()


current_slot: ContextVar[Slot | None] = ContextVar("workflow_runtime_slot", default=None)
current_threads: ContextVar[Lends | None] = ContextVar("workflow_runtime_threads", default=None)
"""Where the thread is from that a step runs in; None for one that has none of its own."""


class waiting_for_a_run:  # lower case, as contextlib's own context managers are
    """Around a wait for a run's end: in a step, its worker takes another message meanwhile, and its thread is not counted."""

    def __enter__(self) -> None:
        self._lent: list[Lends] = [lends for lends in (current_slot.get(), current_threads.get()) if lends is not None]
        for lends in self._lent:
            lends.lend(1)

    def __exit__(self, *_: object) -> None:
        for lends in self._lent:
            lends.lend(-1)
