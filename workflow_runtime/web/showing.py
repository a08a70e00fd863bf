"""Filters for templates: lengths of time, times and ids."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from workflow_runtime.seeing.payloads import visible
from workflow_runtime.seeing.phrases import lasting, name_of

_SHORT_ID = 12


def duration(seconds: float | None) -> str:
    """``43 ms``, ``1.05 s``, ``13.6 s``, ``4 min 59 s``; nothing for None. Written so that a column of them can be compared."""
    if seconds is None:
        return ""
    seconds = max(0.0, seconds)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    return f"{seconds:.1f} s" if seconds < 59.95 else lasting(seconds)


def clock(time: float) -> str:
    """``09:25:16``, in UTC: the page's script tells it in the reader's own zone."""
    return f"{there:%H:%M:%S}" if (there := _at(time)) else "?"


def day(time: float) -> str:
    """``22 Nov 2026``, in UTC."""
    return f"{there.day} {there:%b %Y}" if (there := _at(time)) else "?"


def iso(time: float) -> str:
    """As ``datetime`` attributes have it."""
    return there.isoformat(timespec="milliseconds") if (there := _at(time)) else ""


def short_id(run_id: str) -> str:
    """The beginning of the id without what all ids begin with: enough to find the run by."""
    return visible(run_id.removeprefix("wrun_")[:_SHORT_ID])


def resume_command(token: str) -> str:
    """What one types to resume the hook with that token; what stands for the payload is to be replaced."""
    return f"python -m workflow_runtime resume {shlex.quote(token)} '{{…}}'"


def cancel_command(run_id: str) -> str:
    """What one types to cancel the run."""
    return f"python -m workflow_runtime cancel {shlex.quote(run_id)}"


def _at(time: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(time, UTC)
    except (OverflowError, ValueError, OSError):
        return None


FILTERS: Mapping[str, Callable[..., Any]] = {
    "duration": duration,
    "clock": clock,
    "day": day,
    "iso": iso,
    "short_id": short_id,
    "visible": visible,
    "name_of": name_of,
}
