"""What was measured, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one case, one of each round."""

    group: str
    name: str
    unit: str
    samples: Sequence[float]

    @property
    def median(self) -> float:
        """The one to quote."""
        return statistics.median(self.samples)


@dataclass(frozen=True, slots=True)
class Target:
    """A promise and what was measured of it, in the same unit."""

    promise: str
    unit: str
    limit: float
    measured: float
    at_least: bool = False
    """The promise is a lower bound, not an upper one."""

    @property
    def met(self) -> bool:
        """Whether it is kept."""
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit


def show(rows: Sequence[Row], targets: Sequence[Target]) -> None:
    """Print all of it."""
    group = ""
    for row in rows:
        if row.group != group:
            group = row.group
            print(f"\n{group}")
        spread = f"{min(row.samples):.1f} to {max(row.samples):.1f}"
        print(f"  {row.name:38}{row.median:10.1f} {row.unit:10}{spread:>22}")
    print(f"\n{'promised':42}{'measured':>10}{'limit':>12}")
    for target in targets:
        limit = f"{'>=' if target.at_least else '<='} {target.limit:.1f}"
        verdict = "kept" if target.met else "MISSED"
        print(f"  {target.promise:40}{target.measured:10.1f}{limit:>12} {target.unit:10}{verdict}")


def as_json(rows: Sequence[Row], targets: Sequence[Target]) -> str:
    """The same with every sample, and where it was measured."""
    return json.dumps({"machine": machine(), **as_data(rows, targets)}, indent=2) + "\n"


def as_data(rows: Sequence[Row], targets: Sequence[Target]) -> Mapping[str, Any]:
    """Every sample, for a document that has more."""
    return {
        "rows": [asdict(row) | {"median": row.median} for row in rows],
        "targets": [asdict(target) | {"met": target.met} for target in targets],
    }


def machine() -> Mapping[str, Any]:
    """Where it is measured."""
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": platform.platform(),
        "processors": os.cpu_count(),
    }


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a table, with a line above those of each group."""
    lines, group = ["| what | median | least | most | unit |", "|---|---:|---:|---:|---|"], ""
    for row in rows:
        if row.group != group:
            group = row.group
            lines.append(f"| **{group}** | | | | |")
        figures = (row.median, min(row.samples), max(row.samples))
        lines.append(f"| {row.name} | {' | '.join(f'{figure:,.1f}' for figure in figures)} | {row.unit} |")
    return "\n".join(lines) + "\n"


def markdown_of_targets(targets: Sequence[Target]) -> str:
    """The promises as a table, the missed ones in bold."""
    lines = ["| promised | limit | measured | |", "|---|---:|---:|---|"]
    for target in targets:
        limit = f"{'≥' if target.at_least else '≤'} {target.limit:,.1f} {target.unit}"
        verdict = "kept" if target.met else "**missed**"
        lines.append(f"| {target.promise} | {limit} | {target.measured:,.1f} | {verdict} |")
    return "\n".join(lines) + "\n"
