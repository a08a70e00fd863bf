"""Times as people write them: "2 days", 1.5, ``timedelta(minutes=3)``, or a datetime to wait until."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

Duration: TypeAlias = "float | str | timedelta | datetime"

_UNITS = {
    "ms": 0.001, "millisecond": 0.001,
    "s": 1, "sec": 1, "second": 1,
    "m": 60, "min": 60, "minute": 60,
    "h": 3600, "hr": 3600, "hour": 3600,
    "d": 86400, "day": 86400,
    "w": 604800, "week": 604800,
}  # fmt: skip
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*,?")


def when(duration: Duration, now: float) -> float:
    """The unix time that ``duration`` means at ``now``. A datetime without a zone is taken as UTC.

    Raises ``ValueError`` for text that is no duration and for what is not finite, ``TypeError`` for what is none of
    these.
    """
    if isinstance(duration, datetime):
        return (duration if duration.tzinfo else duration.replace(tzinfo=UTC)).timestamp()
    return now + seconds(duration)


def seconds(duration: float | str | timedelta) -> float:
    """A length of time in seconds, never negative. Text is numbers with units, as in "1 h 30 min" or "2 days"."""
    if isinstance(duration, str):
        value = _parse(duration)
    elif isinstance(duration, timedelta):
        value = duration.total_seconds()
    elif isinstance(duration, int | float) and not isinstance(duration, bool):
        value = _float(duration)
    else:
        raise TypeError(f"{duration!r} is no duration; give seconds, a timedelta, a datetime, or text as in '2 days'")
    if not math.isfinite(value):
        raise ValueError(f"{duration!r} is no duration: it is not finite")
    return max(0.0, value)


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:  # an int that no float can hold
        return math.inf


def length(name: str, value: object) -> float:
    """The option ``name`` as a length of time in seconds.

    Raises ``TypeError`` and ``ValueError``, which name it, for what is none; also for one below zero.
    """
    if not isinstance(value, str | timedelta | int | float) or isinstance(value, bool):
        raise TypeError(f"{name} must be seconds, a timedelta, or text as in '30 s', not {value!r}")
    if (isinstance(value, timedelta) and value < timedelta(0)) or (isinstance(value, int | float) and value < 0):
        raise ValueError(f"{name} must not be below zero, but is {value!r}")
    try:
        return seconds(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _parse(text: str) -> float:
    total, position, lowered = 0.0, 0, text.lower()
    while position < len(lowered):
        part = _PART.match(lowered, position)
        unit = part and (_UNITS.get(part[2]) or _UNITS.get(part[2].removesuffix("s")))
        if not part or not unit:
            raise ValueError(
                f"{text!r} is no duration; write numbers with units, as in '90 seconds', '1 h 30 min' or '2 days'"
            )
        total += float(part[1]) * unit
        position = part.end()
    if not position:
        raise ValueError("an empty text is no duration; write for example '2 days'")
    return total
