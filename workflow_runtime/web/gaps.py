"""Where nothing of a run runs for long, so that a time axis may be folded there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from workflow_runtime.seeing.rows import RowKind, RunView

SHORTEST = 1.0
"""Seconds that a gap has at least."""
SHARE = 0.12
"""What it takes of the whole run at least."""
_AT_MOST = 6


def idle_gaps(view: RunView, children: Iterable[RunView], now: float) -> list[list[Any]]:
    """Begin and end of each gap, in ms since the run began. The end of one that goes on is None."""
    end = view.ended_or(now)
    busy = sorted(span for one in (view, *children) for span in _busy(one, end))
    gaps: list[tuple[float, float]] = []
    reached = view.started
    for begin, stop in busy:
        if begin > reached:
            gaps.append((reached, begin))
        reached = max(reached, stop)
    if end > reached:
        gaps.append((reached, end))
    shortest = max(SHORTEST, SHARE * (end - view.started))
    long = sorted((gap for gap in gaps if gap[1] - gap[0] >= shortest), key=lambda gap: gap[0] - gap[1])[:_AT_MOST]
    open_end = view.info.ended_at is None
    return [
        [round((a - view.started) * 1000), None if open_end and b == end else round((b - view.started) * 1000)]
        for a, b in sorted(long)
    ]


def _busy(view: RunView, end: float) -> Iterable[tuple[float, float]]:
    for row in view.rows:
        if row.kind is RowKind.STEP:
            for attempt in row.attempts:
                yield attempt.started, end if attempt.ended is None else attempt.ended
