"""The machine that runs on this thread right now. It runs without ever awaiting: one slot per thread is enough."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from workflow_runtime.errors import NondeterminismError

if TYPE_CHECKING:
    from workflow_runtime.machine.machine import Machine


class _Slot(threading.local):
    machine: Machine | None = None


_slot = _Slot()


def running_machine() -> Machine | None:
    """The machine whose workflow code is running, or None outside of workflow code."""
    return _slot.machine


def require_machine(what: str) -> Machine:
    """The machine whose workflow code is running.

    Raises ``NondeterminismError`` outside of one, as while modules are loaded for sharing.
    """
    if _slot.machine is None:
        raise NondeterminismError(f"{what} was called while no workflow runs; call it inside of the workflow function")
    return _slot.machine


class entered:  # a class and in lower case, as contextlib's own are: its decorator costs more than what this does
    """Around what runs workflow code: ``machine`` is the running one."""

    __slots__ = ("_machine", "_outer")

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def __enter__(self) -> None:
        self._outer, _slot.machine = _slot.machine, self._machine

    def __exit__(self, *_: object) -> None:
        _slot.machine = self._outer
