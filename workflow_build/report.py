"""Report: say what a build found and did, for people, for programs, and for GitHub. Text goes to a stream that is given."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from workflow_build.build import Result
from workflow_build.model import Diagnostic, Location, Routes, Severity

STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "bold yellow", Severity.HINT: "bold cyan"}
GITHUB_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.HINT: "notice"}


def print_output(console: Console, result: Result, verbosity: int) -> None:
    """Diffs of what is stale, the files at ``verbosity`` 1, then, from 0 on, one line that sums up."""
    for stale in result.output.stale:
        console.print(Text(stale.diff.rstrip("\n") or f"{stale.path}: {stale.reason}"), soft_wrap=True)
    if verbosity > 0:
        for verb, paths in (("wrote", result.output.written), ("removed", result.output.removed)):
            for path in paths:
                console.print(Text(f"  {verb} {path}", style="dim"), soft_wrap=True)
    if verbosity >= 0 or result.output.stale:
        console.print(Text(summary(result)), soft_wrap=True)


def print_diagnostics(console: Console, found: Iterable[Diagnostic], project: Path, verbosity: int) -> None:
    """Each finding: what, where, the code, what to do. Below 0, ``verbosity`` leaves only errors."""
    for diagnostic in found:
        if verbosity >= 0 or diagnostic.severity is Severity.ERROR:
            console.print(_frame(diagnostic, project), soft_wrap=True)


def print_routes(console: Console, found: Sequence[Routes]) -> None:
    """The routes as a table on a terminal, as aligned columns elsewhere."""
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
        column.overflow = "ignore"
    console.print(table, soft_wrap=True)


def summary(result: Result) -> str:
    """One line: ``3 workflows, 7 steps → shop/_workflow (fastapi)  2 files written``."""
    if result.output.stale:
        return f"{_count(len(result.output.stale), 'file')} stale; run workflow-build"
    errors = sum(found.severity is Severity.ERROR for found in result.diagnostics)
    what = f"{_count(len(result.functions.workflows), 'workflow')}, {_count(len(result.functions.steps), 'step')}"
    if result.stopped:
        return f"{what}  {_count(errors, 'error')}; nothing was written"
    place = result.config.out.relative_to(result.config.project).as_posix()
    done = [f"{_count(len(result.output.written), 'file')} written"] if result.output.written else []
    done += [f"{len(result.output.removed)} removed"] if result.output.removed else []
    done += [_count(errors, "error")] if errors else []
    targets = f" ({', '.join(result.config.targets)})" if result.config.targets else ""
    return f"{what} → {place}{targets}  {', '.join(done) or 'up to date'}"


def json_text(result: Result) -> str:
    """Everything about a build as one JSON object."""
    content = {
        "version": 1,
        "ok": not result.failed,
        "out": result.config.out.relative_to(result.config.project).as_posix(),
        "targets": result.config.targets,
        "workflows": [function.id for function in result.functions.workflows],
        "steps": [function.id for function in result.functions.steps],
        "diagnostics": [asdict(found) for found in result.diagnostics],
        **asdict(result.output),
        "routes": [{"target": one.target, **asdict(route)} for one in result.routes for route in one.routes],
    }
    return json.dumps(content, indent=2)


def routes_json_text(found: Sequence[Routes]) -> str:
    """The routes and what is wrong with them as one JSON object."""
    content = {
        "version": 1,
        "routes": [{"target": one.target, **asdict(route)} for one in found for route in one.routes],
        "diagnostics": [asdict(diagnostic) for one in found for diagnostic in one.diagnostics],
    }
    return json.dumps(content, indent=2)


def print_github(console: Console, found: Iterable[Diagnostic], project: Path, workspace: Path) -> None:
    """Workflow commands, which GitHub shows beside the code; paths are relative to ``workspace``."""
    for diagnostic in found:
        place = diagnostic.location
        properties = [f"title={_property(diagnostic.code)}"]
        if place is not None:
            path = Path(os.path.relpath(project / place.path, workspace)).as_posix()
            properties = [f"file={_property(path)}", f"line={place.line}", f"col={place.column}", *properties]
        text = "\n".join([diagnostic.message, diagnostic.hint, *diagnostic.trail])
        command = f"::{GITHUB_LEVELS[diagnostic.severity]} {','.join(properties)}::{_data(text)}"
        console.print(Text(command), soft_wrap=True)


def _frame(diagnostic: Diagnostic, project: Path) -> Text:
    text = Text()
    text.append(f"{diagnostic.severity}", STYLES[diagnostic.severity])
    text.append(f" {diagnostic.code}", "bold")
    text.append(f": {diagnostic.message}\n")
    if diagnostic.location is not None:
        text.append_text(_code(diagnostic.location, project))
    for line in diagnostic.trail:
        text.append(f"   {line}\n", "dim")
    text.append("   → ", "bold")
    text.append(diagnostic.hint.replace("\n", "\n     ") + "\n")
    return text


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


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
