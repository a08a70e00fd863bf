"""``workflow-build routes``: show where the app has the workflow routes."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from workflow_build import config as configuration
from workflow_build import report
from workflow_build.build import inspect_routes
from workflow_build.commands.options import console, expected_errors, project_options
from workflow_build.model import Severity


@click.command("routes", short_help="Show where the app has the workflow routes.")
@project_options
@click.option(
    "--format", "style", default="text", type=click.Choice(["text", "json"]), help="How the routes are shown."
)
def routes_command(
    project: Path, targets: tuple[str, ...], app: str | None, out: str | None, timeout: float, style: str
) -> None:
    """Read the routes from the app's own table, confirm each by a request inside of the process, and show them.

    Works on what is built already, and writes nothing.
    """
    with expected_errors():
        config = configuration.load(project, configuration.Flags(targets, app, out))
        found = inspect_routes(config, timeout)
    diagnostics = [finding for one in found for finding in one.diagnostics]
    if style == "json":
        click.echo(report.routes_json_text(found))
    else:
        screen = console()
        report.print_routes(screen, found)
        report.print_diagnostics(screen, diagnostics, config.project, 0)
    sys.exit(1 if any(finding.severity is Severity.ERROR for finding in diagnostics) else 0)
