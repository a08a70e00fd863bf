"""The figures of peers as a picture: for each measurement a group of bars, one bar a peer, the best on top."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.measured.bars import FLOOR, OURS, THEIRS, Bar, Group, picture
from benchmarks.peers.table import HIGHER_IS_BETTER, TITLES, Column, name_of

TELLING = ("seq-1", "seq-10", "seq-100", "all-50", "throughput-16")
"""The rows that a picture shows."""


def svg(columns: Sequence[Column], rows: Sequence[str]) -> str:
    """The picture. Times are better short, rates long; each group says which it is."""
    groups = []
    for row in rows:
        more = row in HIGHER_IS_BETTER
        bars = [Bar(name_of(one), median, _colour(one)) for one in columns if (median := one.median(row))]
        if bars:
            meaning = "more is better" if more else "milliseconds, less is better"
            ranked = sorted(bars, key=lambda bar: bar.value, reverse=more)
            groups.append(Group(f"{TITLES[row]}, {meaning}", ranked))
    return picture(groups)


def _colour(column: Column) -> str:
    return FLOOR if column.is_floor else OURS if column.is_ours else THEIRS
