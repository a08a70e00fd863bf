"""Findings, output and routes for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from workflow_build.build import Result
from workflow_build.model import Diagnostic, Location, Routes, Severity
from workflow_build.rules import RULES
from workflow_build.summary import never_built, summary

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.HINT: "bold cyan"}
PAGES = frozenset(rule.code for rule in RULES)
UNBOUNDED = 10_000
"""Columns that no table needs."""


def print_output(console: Console, result: Result, verbosity: int) -> None:
    """Diffs of what is stale, the files at ``verbosity`` 1, then, from 0 on, one line that sums up."""
    for stale in () if never_built(result) else result.output.stale:
        console.print(Text(stale.diff.rstrip("\n") or f"{stale.path}: {stale.reason}"), soft_wrap=True)
    if verbosity > 0:
        for verb, paths in (("wrote", result.output.written), ("removed", result.output.removed)):
            for path in paths:
                console.print(Text(f"  {verb} {path}", style="dim"), soft_wrap=True)
    if verbosity >= 0 or result.output.stale:
        console.print(Text(summary(result)), soft_wrap=True)


def print_diagnostics(console: Console, found: Iterable[Diagnostic], project: Path, verbosity: int) -> None:
    """Each finding: what, where, the code, what to do; and once for each code, how to read more.

    Below 0, ``verbosity`` leaves only errors.
    """
    explained: set[str] = set()
    for diagnostic in found:
        if verbosity >= 0 or diagnostic.severity is Severity.ERROR:
            text = _frame(diagnostic, project)
            if diagnostic.code in PAGES - explained:
                text.append(f"   more: workflow-build --explain {diagnostic.code}\n", "dim")
                explained.add(diagnostic.code)
            console.print(text, soft_wrap=True)


def print_routes(console: Console, found: Sequence[Routes]) -> None:
    """The routes as a table on a terminal, as aligned columns elsewhere. Never cut: a path is there to be copied."""
    rows = [(target.target, route) for target in found for route in target.routes]
    if not rows:
        return
    table = Table(
        "target", "route", "methods", "path", "confirmed", box=None if not console.is_terminal else Table().box
    )
    for target, route in rows:
        methods = ", ".join(route.methods) or "any"
        path = f"{route.host or ''}{route.path}"
        table.add_row(*(Text(cell) for cell in (target, route.kind, methods, path, "yes" if route.confirmed else "no")))
    for column in table.columns:
        column.no_wrap = True
    options = console.options.update(max_width=UNBOUNDED)
    table.width = Measurement.get(console, options, table).maximum
    console.print(table, crop=False, soft_wrap=True)


def _frame(diagnostic: Diagnostic, project: Path) -> Text:
    text = Text()
    text.append(f"{diagnostic.severity}", STYLES[diagnostic.severity])
    text.append(f" {diagnostic.code}", "bold")
    text.append(f": {diagnostic.message}\n")
    if diagnostic.location is not None:
        text.append_text(_code(diagnostic.location, project))
    for line in trail_lines(diagnostic):
        text.append(f"   {line}\n", "dim")
    text.append("   → ", "bold")
    text.append(diagnostic.hint.replace("\n", "\n     ") + "\n")
    return text


def trail_lines(diagnostic: Diagnostic) -> list[str]:
    """The call path, one line each, with places where they are known; nothing when it is the finding's own function alone."""
    if len(diagnostic.trail) < 2:
        return []
    if len(diagnostic.flow) != len(diagnostic.trail):
        return list(diagnostic.trail)
    stops = zip(diagnostic.trail, diagnostic.flow, strict=True)
    return [f"{name}  {place.path}:{place.line}" for name, place in stops]


def _code(place: Location, project: Path) -> Text:
    """The place and, if it can still be read, its line with the columns underlined."""
    text = Text(f"  {place.path}:{place.line}:{place.column}\n", "blue")
    line = _line(project / place.path, place.line)
    if not line.strip():
        return text
    number = str(place.line)
    end = place.end_column if place.end_line == place.line else len(line) + 1
    width = max(1, min(end, len(line) + 1) - place.column) if place.end_line else 1
    # Tabs stay in the padding, so that the marks stand below what they mean at any tab width.
    padding = "".join("\t" if char == "\t" else " " for char in line[: place.column - 1])
    text.append(f"  {number} | ", "dim").append(f"{line}\n")
    text.append(f"  {' ' * len(number)} | ", "dim").append(f"{padding}{'^' * width}\n", "red")
    return text


def _line(path: Path, number: int) -> str:
    try:
        lines = path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return lines[number - 1] if 0 < number <= len(lines) else ""
