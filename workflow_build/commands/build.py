"""``workflow-build [build]``: compile the project."""

from __future__ import annotations

import os
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import click

from workflow_build.build import Options, Result
from workflow_build.commands.options import console, expected_errors, project_options
from workflow_build.commands.progress import progress
from workflow_build.commands.usage import HELP
from workflow_build.config import Flags
from workflow_build.errors import UsageError
from workflow_build.session import Session
from workflow_build.summary import summary


def _explain(context: click.Context, _: click.Parameter, code: str | None) -> None:
    if code is not None:
        from workflow_build import report

        with expected_errors():
            report.print_page(console(), report.rule_of(code))
        context.exit(0)


def _watch(session: Session, options: Options, verbosity: int) -> NoReturn:
    if options.only_check:
        raise UsageError("--watch writes what --check would only compare; give one of them")
    from workflow_build.commands.watching import watch  # a single build goes without what watches

    watch(session, options, verbosity)
    sys.exit(0)


@click.command("build", short_help="Compile the project (the default).", help=HELP)
@project_options
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 with a diff if the output is stale.")
@click.option("--no-routes", is_flag=True, help="Do not import the app to read its routes.")
@click.option("--watch", "watched", is_flag=True, help="Build again whenever the source changes, until Ctrl-C.")
@click.option(
    "--prune-bundles",
    is_flag=True,
    help="Remove the bundles of earlier builds. Runs that were started with one of them and have not ended can then not go on: "
    "make sure that there are none, which is not checked.",
)
@click.option("--no-cache", is_flag=True, help="Neither use nor keep what builds have found out before.")
@click.option(
    "--format",
    "style",
    default="text",
    type=click.Choice(["text", "json", "github", "sarif"]),
    help="How findings are shown.",
)
@click.option(
    "--explain",
    metavar="CODE",
    is_eager=True,
    expose_value=False,
    callback=_explain,
    help="Say what a finding means, with examples, and exit.",
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
    watched: bool,
    prune_bundles: bool,
    no_cache: bool,
    style: str,
    quiet: bool,
    verbose: bool,
) -> None:
    """Build once."""
    verbosity = -1 if quiet else int(verbose)
    flags, options = Flags(targets, app, out, prune_bundles), Options(only_check, not no_routes, timeout)
    with expected_errors(), closing(Session(project, flags, cache=not no_cache)) as session:
        if watched:
            _watch(session, options, verbosity)
        with progress(is_wanted=style == "text" and not quiet) as tell:
            result = session.build(replace(options, tell=tell))
    if verbose and session.problem:
        click.echo(f"workflow-build: {session.problem}", err=True)
    _tell(result, style, verbosity)
    sys.exit(1 if result.failed else 0)


def _tell(result: Result, style: str, verbosity: int) -> None:
    if style == "text" and verbosity == 0 and not result.diagnostics and not result.output.stale:
        click.echo(summary(result))
        return
    from workflow_build import report  # what paints takes longer to load than a build with nothing to do takes

    if style == "json":
        click.echo(report.json_text(result))
    elif style == "sarif":
        click.echo(report.sarif_text(result))
    elif style == "github":
        report.print_github(console(), result, Path(os.environ.get("GITHUB_WORKSPACE") or Path.cwd()))
    else:
        screen = console()
        report.print_diagnostics(screen, result.diagnostics, result.config.project, verbosity)
        report.print_output(screen, result, verbosity)
