"""Times and ids as people read them."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, tzinfo

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def lasting(seconds: float) -> str:
    """A length of time in at most two units: ``1 d 23 h``, ``6 min``, ``13.6 s``, ``20 ms``. Below zero it is zero."""
    seconds = max(0.0, seconds)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.995:
        return f"{seconds:.2f}".rstrip("0").rstrip(".") + " s"
    if seconds < 59.95:
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    whole = round(seconds)
    at = next(at for at, (size, _) in enumerate(_UNITS) if whole >= size)
    (size, unit), (smaller, its_unit) = _UNITS[at], _UNITS[at + 1]
    count, rest = divmod(whole, size)
    more = rest // smaller
    if more and count < 10:
        return f"{count} {unit} {more} {its_unit}"
    return f"{count} {unit}"


def moment(time: float, now: float, zone: tzinfo | None = UTC) -> str:
    """A time of the clock, with as much of the date as ``now`` makes necessary: ``09:25:16``, ``24 Nov 09:25``, ``3 Jan 2031 09:25``.

    ``zone`` None is the machine's own.
    """
    there, here = _at(time, zone), _at(now, zone)
    if there is None or here is None:
        return "at no time that a calendar has"
    if there.date() == here.date():
        return f"{there:%H:%M:%S}"
    year = "" if there.year == here.year else f" {there.year}"
    return f"{there.day} {there:%b}{year} {there:%H:%M}"


def _at(time: float, zone: tzinfo | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(time, UTC).astimezone(zone)
    except (OverflowError, ValueError, OSError):
        return None


def name_of(function: str) -> str:
    """The name in a function's id: ``charge`` in ``step//shop.payments//charge``."""
    return function.rpartition("//")[2] or function


def short_id(run_id: str) -> str:
    """The beginning of a run's id that people can tell apart and type, with the number of a retry."""
    head, dash, number = run_id.partition("-")
    return f"{head[:15]}…{dash}{number}" if len(head) > 18 else run_id


def counted(number: int, noun: str) -> str:
    """``1 step``, ``1,200 steps``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def unpause_command(paused: str) -> str:
    """What one types to take back that the workflow with that id was paused, or, of an empty text, everything."""
    return " ".join(["python -m workflow_runtime unpause", *([shlex.quote(paused)] if paused else [])])
