"""What was measured, as Markdown for a page or a comment, and as JSON for programs."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.peers.plan import Peer

TITLES = {
    "seq-0": "no step",
    "seq-1": "1 step",
    "seq-10": "10 steps in a row",
    "seq-50": "50 steps in a row",
    "seq-100": "100 steps in a row",
    "all-10": "10 steps at once",
    "all-50": "50 steps at once",
    "race-10": "the first of 10",
    "payload-seq-10": "10 KB through 10 steps in a row",
    "payload-all-10": "10 KB through 10 steps at once",
    "stream-first": "start to the first chunk of a stream",
    "throughput-16": "steps per second, 16 runs at once",
}
HIGHER_IS_BETTER = frozenset({"throughput-16"})


@dataclass(slots=True)
class Column:
    """A peer and what it took."""

    peer: Peer
    version: str
    samples: dict[str, list[float]] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def median(self, row: str) -> float | None:
        """The row's figure; None when it has none."""
        found = self.samples.get(row)
        return statistics.median(found) if found else None

    @property
    def is_floor(self) -> bool:
        """Whether no engine is in it: it is shown beside the others, and wins nothing."""
        return self.peer.key.startswith("floor-")

    @property
    def is_ours(self) -> bool:
        """Whether it is this project."""
        return not self.peer.packages and not self.is_floor


def markdown(columns: Sequence[Column], rounds: int, *, lines_are_peers: bool = False) -> str:
    """A table with a line for each measurement, or for each peer, the best of each measurement in bold; then who was best how often, and
    what the words mean.
    """
    cells, wins = _cells(columns)
    head = ["", *map(name_of, columns)]
    table = [head, *([title, *row] for title, row in cells.items())]
    if lines_are_peers:
        table = [list(line) for line in zip(*table, strict=True)]
    lines = [f"| {' | '.join(line)} |".replace("|  |", "| |") for line in table]
    lines.insert(1, "|---|" + "---:|" * (len(table[0]) - 1))
    ranking = sorted(wins.items(), key=lambda item: (-item[1], item[0]))
    lines += ["", f"Best in: {', '.join(f'{name} {count}' for name, count in ranking)}."]
    lines += [
        "",
        f"Medians; rounds: {rounds}. Each round asks all of them for each measurement, one after the other; each runs one step before, uncounted. {_machine()}",
        "Milliseconds run from the call that starts a run to its awaited result. Versions:",
        "",
    ]
    lines += [f"- {column.peer.title}, {column.peer.store}: {column.version}" for column in columns]
    failed = [(column, row, error) for column in columns for row, error in column.errors.items()]
    lines += [f"- {name_of(column)} failed `{row}`: {error}" for column, row, error in failed]
    return "\n".join(lines) + "\n"


def _cells(columns: Sequence[Column]) -> tuple[dict[str, list[str]], dict[str, int]]:
    """The figures of each measurement that anybody has, by its title; and how often each peer was best."""
    cells: dict[str, list[str]] = {}
    wins: dict[str, int] = {}
    for row, title in TITLES.items():
        medians = [column.median(row) for column in columns]
        if all(median is None for median in medians):
            continue
        best = _best(row, columns, medians)
        if best is not None:
            name = name_of(columns[best])
            wins[name] = wins.get(name, 0) + 1
        unit = "" if row in HIGHER_IS_BETTER else ", ms"
        cells[f"{title}{unit}"] = [_cell(row, median, bold=at == best) for at, median in enumerate(medians)]
    return cells, wins


def as_json(columns: Sequence[Column], rounds: int) -> str:
    """Every sample."""
    return json.dumps(as_data(columns, rounds), indent=2) + "\n"


def as_data(columns: Sequence[Column], rounds: int) -> Mapping[str, Any]:
    """The same for a document that has more."""
    return {
        "machine": _machine(),
        "rounds": rounds,
        "peers": {
            column.peer.key: {
                "title": column.peer.title,
                "store": column.peer.store,
                "version": column.version,
                "samples": column.samples,
                "errors": column.errors,
            }
            for column in columns
        },
    }


def name_of(column: Column) -> str:
    """The peer and its storage, as headings say it."""
    return f"{column.peer.title} ({column.peer.store.partition(',')[0]})"


def _best(row: str, columns: Sequence[Column], medians: Sequence[float | None]) -> int | None:
    known = [
        (median, at)
        for at, (column, median) in enumerate(zip(columns, medians, strict=True))
        if median is not None and not column.is_floor
    ]
    if not known:
        return None
    return (max if row in HIGHER_IS_BETTER else min)(known)[1]


def _cell(row: str, median: float | None, *, bold: bool) -> str:
    if median is None:
        return "-"
    text = f"{median:,.0f}" if row in HIGHER_IS_BETTER or median >= 100 else f"{median:.1f}"
    return f"**{text}**" if bold else text


def _machine() -> str:
    return f"Python {platform.python_version()}, {os.cpu_count()} processors, {platform.system()}."
