"""Giving a worker's place back while a step does nothing but wait for another run: else runs that wait for each other could fill it."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar


class Slot:
    """The place that one message in work has in its worker. ``changed`` is called when it is lent out and when it is taken back."""

    def __init__(self, changed: Callable[[], None], *, is_extra: bool = False) -> None:
        self.is_extra = is_extra
        """Whether it is one beyond the worker's number, where runs may decide, and begin no steps."""
        self._changed = changed
        self._waiting = 0

    @property
    def lent(self) -> bool:
        """Whether it takes no place from another message: a step of it waits for a run, or it is an extra one."""
        return self._waiting > 0 or self.is_extra

    def lend(self, by: int) -> None:
        """A step of it begins (1) or ends (-1) to wait."""
        self._waiting += by
        self._changed()


current_slot: ContextVar[Slot | None] = ContextVar("workflow_runtime_slot", default=None)


class waiting_for_a_run:  # lower case, as contextlib's own context managers are
    """Around a wait for a run's end: in a step, its worker takes another message meanwhile."""

    def __enter__(self) -> None:
        self._slot = current_slot.get()
        if self._slot is not None:
            self._slot.lend(1)

    def __exit__(self, *_: object) -> None:
        if self._slot is not None:
            self._slot.lend(-1)
