"""What ``@step`` and ``@workflow`` are given to hold back: how many are in work at once, and how often one begins."""

from __future__ import annotations

import re
from dataclasses import dataclass

from workflow_runtime.durations import seconds
from workflow_runtime.worlds.types import Limit

LOWEST_PRIORITY, HIGHEST_PRIORITY = -100, 100
_RATE = re.compile(r"\s*(\d+)\s*/\s*(\d.*|[a-z].*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Limits:
    """``concurrency`` is how many are in work at once, None for any number; ``every`` how many seconds lie between two beginnings."""

    concurrency: int | None = None
    every: float = 0.0

    def of(self, function: str, *, of_run: bool) -> Limit | None:
        """What messages about the function with that id bring along; None when nothing holds them back. See ``Limit``."""
        if self.concurrency is None and not self.every:
            return None
        return Limit(function, self.concurrency, self.every, of_run)


NO_LIMITS = Limits()


def limits_of(concurrency: object, rate: object) -> Limits:
    """The limits that a mark's options mean. Raises ``ValueError`` and ``TypeError``, which name the option."""
    return Limits(_concurrency(concurrency), 0.0 if rate is None else _every(rate))


def checked_priority(priority: object) -> int:
    """The priority, if a run may have it. Raises ``ValueError`` or ``TypeError``."""
    if isinstance(priority, bool) or not isinstance(priority, int):
        raise TypeError(f"priority must be a whole number, not {priority!r}")
    if not LOWEST_PRIORITY <= priority <= HIGHEST_PRIORITY:
        raise ValueError(f"priority must be from {LOWEST_PRIORITY} to {HIGHEST_PRIORITY}, not {priority}")
    return priority


def _concurrency(value: object) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ValueError(f"concurrency must be a whole number from 1, not {value!r}; leave it out to set no limit")
    return value


def _every(rate: object) -> float:
    if not isinstance(rate, str):
        raise TypeError(f"rate must be text as in '100/minute', not {rate!r}")
    found = _RATE.fullmatch(rate)
    try:
        period = seconds(found[2] if found[2][0].isdigit() else f"1 {found[2]}") if found else 0.0
    except ValueError:
        period = 0.0
    count = int(found[1]) if found else 0
    if not period or not count:
        raise ValueError(
            f"rate must be how many and in what time, as in '10/second', '100/minute' or '5/2 hours', not {rate!r}"
        )
    return period / count
