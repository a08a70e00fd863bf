"""The machine that runs on this thread right now. It runs without ever awaiting: one slot per thread is enough."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def entered(machine: Machine) -> Iterator[None]:
    """Make ``machine`` the running one."""
    outer, _slot.machine = _slot.machine, machine
    try:
        yield
    finally:
        _slot.machine = outer
