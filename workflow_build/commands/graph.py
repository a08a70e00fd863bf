"""``workflow-build graph``: draw what a workflow does."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from workflow_build import config as configuration
from workflow_build import report
from workflow_build.commands.options import console, expected_errors
from workflow_build.describe import survey
from workflow_build.graph.render import FORMATS, choose, printed, rendered, save
from workflow_build.model import Severity


@click.command("graph", short_help="Draw what a workflow does.")
@click.argument("project", default=".", metavar="[PROJECT]")
@click.argument("workflow", required=False)
@click.option("--format", "style", default="text", type=click.Choice(FORMATS), help="How it is drawn; default text.")
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file, not to standard output."
)
def graph_command(project: str, workflow: str | None, style: str, output: Path | None) -> None:
    """Draw what WORKFLOW does: its steps, branches, loops and what goes on at the same time.

    WORKFLOW is a name, a qualified name or an id; without one all workflows are drawn, which svg can not. A first argument that is no
    folder is taken for it. Only reads the source.
    """
    if workflow is None and not Path(project).is_dir():
        project, workflow = ".", project
    with expected_errors():
        config = configuration.load(Path(project), configuration.Flags())
        found = survey(config)
        failed = any(finding.severity is Severity.ERROR for finding in found.diagnostics)
        if failed:
            report.print_diagnostics(console(), found.diagnostics, config.project, 0)
            sys.exit(1)
        graphs = choose(found.graphs, workflow, single=style == "svg")
        if output is not None:
            save(output, rendered(graphs, style))
        elif style == "text":
            printed(graphs, console())
        else:
            click.echo(rendered(graphs, style), nl=False)
