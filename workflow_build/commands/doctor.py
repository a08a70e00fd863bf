"""``workflow-build doctor``: find what would go wrong later."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from workflow_build import config as configuration
from workflow_build.commands.options import console, expected_errors
from workflow_build.doctor import Report, examine
from workflow_build.doctor.finding import Level

STYLES = {Level.OK: "green", Level.WARNING: "bold yellow", Level.PROBLEM: "bold red"}


@click.command("doctor", short_help="Find what would go wrong at packing, deploying or starting.")
@click.argument("project", default=".", type=click.Path(path_type=Path))
@click.option("--format", "style", default="text", type=click.Choice(["text", "json"]), help="How findings are shown.")
def doctor_command(project: Path, style: str) -> None:
    """Look at PROJECT for what would lose the written files, or keep them from working, and say what to do.

    Writes nothing, and runs none of the project's code. Exit code 1: there is a problem; warnings do not count.
    """
    with expected_errors():
        report = examine(configuration.load(project))
    if style == "json":
        click.echo(_json(report))
    else:
        _print(console(), report)
    sys.exit(1 if report.failed else 0)


def _json(report: Report) -> str:
    findings = [asdict(found) for found in report.findings]
    return json.dumps({"version": 1, "ok": not report.failed, "findings": findings}, indent=2)


def _print(screen: Console, report: Report) -> None:
    width = max(len(level) for level in Level)
    for found in report.findings:
        text = Text(f"{found.level:{width}}", STYLES[found.level])
        text.append(f"  {found.check}: {found.message}", "default")
        if found.advice:
            text.append("".join(f"\n{' ' * width}    {line}" for line in found.advice.splitlines()), "default")
        screen.print(text, soft_wrap=True)
    counts = Counter(found.level for found in report.findings)
    problems, warnings = counts[Level.PROBLEM], counts[Level.WARNING]
    screen.print(Text(f"{problems} problem{'s' * (problems != 1)}, {warnings} warning{'s' * (warnings != 1)}"))
