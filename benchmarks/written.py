"""What the sets gave, as the files of ``.bench``: JSON with every sample, Markdown for a pull request, pictures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path

from benchmarks.measured.bars import Bar, Group, picture
from benchmarks.measured.report import Row, as_data, machine, markdown, markdown_of_targets
from benchmarks.peers.plot import TELLING, svg
from benchmarks.peers.table import as_data as columns_as_data
from benchmarks.peers.table import markdown as markdown_of_columns
from benchmarks.sets import Found

WORDS = """\
## What the words mean

- **median**, **least**, **most**: of the rounds. Each round measures all rows once, so that a machine that is slow for a while is slow for all alike.
- **ms** of a run: from the call that starts it to its awaited result; over HTTP, from the request to the answer that has the result. Less is better.
- **steps/s**, **a second**: steps that were completed, of many runs at once. More is better.
- **the floor**, **the least**: what the disk, the server or Python asks for in any case, measured in the same round. Figures of two machines compare by their floors.
- **in a row**: each step begins when the one before has ended. **at once**: all begin together, and the slowest is awaited. **the first of 10**: the fastest is.
- **bold** in a comparison: the best of its measurement. **Best in** counts these.
"""


def write(found: Mapping[str, Found], rounds: int, folder: Path) -> str:
    """Write ``results.json``, ``results.md`` and a picture for each set; gives the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    text = as_markdown(found, rounds)
    (folder / "results.json").write_text(as_json(found, rounds), "utf-8")
    (folder / "results.md").write_text(text, "utf-8")
    for name, one in found.items():
        drawn = svg(one.columns, TELLING) if one.columns else picture(groups(one.rows))
        (folder / f"{name}.svg").write_text(drawn, "utf-8")
    return text


def as_json(found: Mapping[str, Found], rounds: int) -> str:
    """Every sample."""
    sets = {
        name: columns_as_data(one.columns, rounds) if one.columns else as_data(one.rows, one.targets)
        for name, one in found.items()
    }
    return json.dumps({"version": 1, "machine": machine(), "rounds": rounds, "sets": sets}, indent=2) + "\n"


def as_markdown(found: Mapping[str, Found], rounds: int) -> str:
    """The promises first, then each set, then what the words mean."""
    there = machine()
    parts = [
        "# Benchmarks\n",
        f"Rounds: {rounds}. Python {there['python']}, SQLite {there['sqlite']}, {there['processors']} processors, {there['system']}.\n",
    ]
    targets = [target for one in found.values() for target in one.targets]
    if targets:
        kept = sum(target.met for target in targets)
        parts.append(f"## Promises: {kept} of {len(targets)} kept\n\n{markdown_of_targets(targets)}")
    for name, one in found.items():
        table = markdown_of_columns(one.columns, rounds, lines_are_peers=True) if one.columns else markdown(one.rows)
        parts.append(f"## {name}\n\n{table}")
    return "\n".join([*parts, WORDS])


def groups(rows: Sequence[Row]) -> list[Group]:
    """What is compared in a picture: the rows of a group that have one unit."""
    by_unit = groupby(rows, key=lambda row: (row.group, row.unit))
    bars = [
        (title, unit, [Bar(row.name, row.median) for row in some if row.median > 0]) for (title, unit), some in by_unit
    ]
    return [Group(f"{title}, {unit}".rstrip(", "), found) for title, unit, found in bars if found]
