"""Where a time stands on a line of characters. Idle time, in which no step works, takes no more room than work does."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate

from workflow_runtime.seeing.rows import Attempt, Row

_IDLE_SHARE = 0.2
"""How much of the line one idle stretch may take."""


class Axis:
    """From times to columns, 0 to ``width``."""

    def __init__(self, rows: Iterable[Row], start: float, end: float, width: int) -> None:
        self.width = width
        self.end = end
        busy = _merged(_span(attempt, end) for row in rows for attempt in row.attempts)
        marks = [start, *(time for span in busy for time in span), max(start, end)]
        self._times = [time for at, time in enumerate(marks) if not at or time > marks[at - 1]]
        lengths = [later - earlier for earlier, later in zip(self._times, self._times[1:], strict=False)]
        working = {first for first, _ in busy}
        total = sum(length for at, length in enumerate(lengths) if self._times[at] in working)
        most = total * _IDLE_SHARE if total else float("inf")
        weights = [length if self._times[at] in working else min(length, most) for at, length in enumerate(lengths)]
        self._weights = [0.0, *accumulate(weights)]

    def column(self, time: float) -> float:
        """The column of the time; what lies outside is at an end."""
        whole = self._weights[-1]
        if whole <= 0:
            return 0.0
        at = bisect_right(self._times, time) - 1
        if at < 0:
            return 0.0
        if at >= len(self._times) - 1:
            return float(self.width)
        earlier, later = self._times[at], self._times[at + 1]
        share = (time - earlier) / (later - earlier)
        weight = self._weights[at] + share * (self._weights[at + 1] - self._weights[at])
        return weight / whole * self.width


def _span(attempt: Attempt, end: float) -> tuple[float, float]:
    return attempt.started, max(attempt.started, end if attempt.ended is None else attempt.ended)


def _merged(spans: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    merged: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return merged
