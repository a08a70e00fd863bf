"""Time that stands still, and is moved by whoever has nothing else left to do."""

from __future__ import annotations

import time
from datetime import UTC, datetime

EXACT = 1e-6
"""Seconds that two moments may differ by and be one: datetimes have no more digits."""


class StandingClock:
    """A clock that goes only forward, and only when it is told to. It begins with the real time, to the second: sums are exact then."""

    def __init__(self) -> None:
        self.time = float(int(time.time()))
        """Unix seconds."""

    def __call__(self) -> float:
        return self.time

    def skip_to(self, moment: float) -> None:
        """Have it be ``moment``, unless that is past."""
        self.time = max(self.time, moment)


def shown(moment: float) -> str:
    """A time for people, to the second."""
    return moment_of(moment).isoformat(" ", "seconds").removesuffix("+00:00") + " UTC"


def moment_of(moment: float) -> datetime:
    """Unix seconds as a datetime in UTC; the last one there is, when they are too many for one."""
    try:
        return datetime.fromtimestamp(moment, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.max.replace(tzinfo=UTC)
