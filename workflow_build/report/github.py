"""Findings and stale files as workflow commands, which GitHub shows beside the code."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.text import Text

from workflow_build.build import Result
from workflow_build.model import Diagnostic, Severity
from workflow_build.report.text import trail_lines
from workflow_build.summary import never_built, place, summary

LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.HINT: "notice"}
REASONS = {
    "changed": "{path} is not what a build would write",
    "missing": "{path} is missing",
    "extra": "{path} is left from an earlier build",
}


def print_github(console: Console, result: Result, workspace: Path) -> None:
    """The summary, then one command for each finding and each stale file; paths are relative to ``workspace``."""
    console.print(Text(summary(result)), soft_wrap=True)
    for found in result.diagnostics:
        console.print(Text(_finding(found, result.config.project, workspace)), soft_wrap=True)
    for command in _stale(result, workspace):
        console.print(Text(command), soft_wrap=True)


def _finding(found: Diagnostic, project: Path, workspace: Path) -> str:
    properties = [f"title={_property(found.code)}"]
    where = found.location
    if where is not None:
        path = _relative(project / where.path, workspace)
        properties = [f"file={_property(path)}", f"line={where.line}", f"col={where.column}", *properties]
        if where.end_line:
            properties[2:2] = [f"endLine={where.end_line}"]
        if where.end_line == where.line:
            properties[4:4] = [f"endColumn={where.end_column}"]
    text = "\n".join([found.message, found.hint, *trail_lines(found)])
    return f"::{LEVELS[found.severity]} {','.join(properties)}::{_data(text)}"


def _stale(result: Result, workspace: Path) -> Iterator[str]:
    if never_built(result):
        yield f"::error title=stale::{_data(summary(result))}"
        return
    for stale in result.output.stale:
        path = f"{place(result)}/{stale.path}"
        message = REASONS[stale.reason].format(path=path)
        file = _relative(result.config.project / path, workspace)
        yield f"::error file={_property(file)},title=stale::{_data(message)}; run workflow-build and commit the result"


def _relative(path: Path, workspace: Path) -> str:
    return Path(os.path.relpath(path, workspace)).as_posix()


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
