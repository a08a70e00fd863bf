"""What workflow code says, through ``logging`` and ``print``: said once, however often it is replayed."""

from __future__ import annotations

import logging
from functools import cache
from types import ModuleType
from typing import Any

from workflow_runtime.logs import add_fields
from workflow_runtime.machine.current import running_machine
from workflow_runtime.sandbox.naming import users_name


def logging_module() -> ModuleType:
    """``logging``, with loggers and functions that are silent on replay."""
    module = ModuleType("logging", logging.__doc__)
    module.__dict__.update({name: value for name, value in vars(logging).items() if not name.startswith("__")})
    module.__dict__["__all__"] = list(logging.__all__)
    root = _logger_of(None)
    own = "debug info warning error critical exception log".split()
    module.__dict__.update({name: getattr(root, name) for name in own}, getLogger=_get_logger, root=root)
    return module


def live_print(
    *values: object, sep: str | None = " ", end: str | None = "\n", file: Any = None, flush: bool = False
) -> None:
    """``print``, silent on replay."""
    if _is_live():
        print(*values, sep=sep, end=end, file=file, flush=flush)


class _WorkflowLogger(logging.Logger):
    """A logger of the user's, silent while nothing new happens; else the real one of that name takes the line.

    It is a ``Logger`` because whoever is given one may ask. Only ``isEnabledFor`` and ``handle`` decide anything.
    """

    def __init__(self, real: logging.Logger) -> None:
        super().__init__(real.name)
        self.parent = real
        self._real = real

    def isEnabledFor(self, level: int) -> bool:
        return _is_live() and self._real.isEnabledFor(level)

    def handle(self, record: logging.LogRecord) -> None:
        if _is_live():
            add_fields(record)
            self._real.handle(record)

    def getChild(self, suffix: str) -> _WorkflowLogger:
        return _logger_of(self._real.getChild(suffix).name)


def _is_live() -> bool:
    """Whether workflow code runs, and does what it has not done before. Modules are loaded any number of times: that says nothing."""
    machine = running_machine()
    return machine is not None and not machine.replaying


@cache
def _logger_of(name: str | None) -> _WorkflowLogger:
    return _WorkflowLogger(logging.getLogger(name))


def _get_logger(name: str | None = None) -> logging.Logger:
    """``__name__`` is another in a bundle, and another for each run; the real module has one logger."""
    return _logger_of(users_name(name) if name else None)
