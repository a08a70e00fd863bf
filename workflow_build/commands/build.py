"""``workflow-build [build]``: compile the project."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from workflow_build import config as configuration
from workflow_build import report
from workflow_build.build import build
from workflow_build.commands.options import console, expected_errors, project_options

HELP = """Compile the workflows and steps of PROJECT (default: the current folder).

\b
Examples:
  workflow-build                                build what is here
  workflow-build services/shop --app shop.main:app
  workflow-build --check                        in CI: exit 1 with a diff if the output is stale
  workflow-build routes                         show where the app has the workflow routes

\b
Settings live in [tool.workflow-build] of pyproject.toml: roots, out, targets, app, pure,
exclude. Flags win; what neither says is detected.

\b
Exit codes:
  0  built, or fresh
  1  there are errors, or the output is stale
  2  the command or the configuration is wrong
"""


@click.command("build", short_help="Compile the project (the default).", help=HELP)
@project_options
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 with a diff if the output is stale.")
@click.option("--no-routes", is_flag=True, help="Do not import the app to read its routes.")
@click.option(
    "--format", "style", default="text", type=click.Choice(["text", "json", "github"]), help="How findings are shown."
)
@click.option("-q", "--quiet", is_flag=True, help="Only errors.")
@click.option("-v", "--verbose", is_flag=True, help="Also each file that was written.")
def build_command(
    project: Path,
    targets: tuple[str, ...],
    app: str | None,
    out: str | None,
    timeout: float,
    only_check: bool,
    no_routes: bool,
    style: str,
    quiet: bool,
    verbose: bool,
) -> None:
    """Build once."""
    with expected_errors():
        config = configuration.load(project, configuration.Flags(targets, app, out))
        result = build(config, only_check=only_check, with_routes=not no_routes, timeout=timeout)
    verbosity = -1 if quiet else int(verbose)
    if style == "json":
        click.echo(report.json_text(result))
        sys.exit(1 if result.failed else 0)
    screen = console()
    if style == "github":
        workspace = Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd())
        report.print_github(screen, result.diagnostics, config.project, workspace)
    else:
        report.print_diagnostics(screen, result.diagnostics, config.project, verbosity)
    report.print_output(screen, result, verbosity)
    sys.exit(1 if result.failed else 0)
