"""``workflow-build predeploy``: can the new build take over the runs that are live?"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from workflow_build import config as configuration
from workflow_build.commands.options import expected_errors
from workflow_build.predeploy.examine import Verdict, examine, new_steps
from workflow_build.predeploy.judge import Problem
from workflow_build.worlds import ChosenWorld, chosen_world, with_world
from workflow_runtime.publishing import SECRET
from workflow_runtime.worlds.base import RunInfo

HELP = f"""Ask the world for live runs, and say which of them could not go on under the new build of PROJECT.

A run keeps the workflow code that it started with, so a changed workflow body breaks none. But that code must be there, in the output folder
or in the world (see publish), and it calls the steps of the new build: a step that is gone, or takes other parameters, breaks it. Nothing is
written, and none of the project's code runs.

Run it after workflow-build, where the app's world can be reached. To judge bundles in the world it needs {SECRET}.

\b
Examples:
  workflow-build predeploy
  workflow-build predeploy services/shop --world sqlite:////var/lib/shop.db --format json

\b
Exit codes:
  0  every live run can go on
  1  some can not, and are listed; or the project does not build
  2  the output is stale, or the world can not be asked
"""


@click.command("predeploy", short_help="Find live runs that the new build would break.", help=HELP)
@click.argument("project", default=".", type=click.Path(path_type=Path))
@click.option("--world", metavar="URL", help="The world that the app uses; default WORKFLOW_WORLD.")
@click.option("--out", metavar="DIR", help="Output folder, relative to PROJECT.")
@click.option("--format", "style", default="text", type=click.Choice(["text", "json"]), help="How runs are listed.")
def predeploy_command(project: Path, world: str | None, out: str | None, style: str) -> None:
    """Examine once."""
    with expected_errors():
        config = configuration.load(project, configuration.Flags(out=out))
        chosen = chosen_world(config, world, must_exist=True)
        steps = new_steps(config)
        secret = os.environ.get(SECRET, "")
        verdict = with_world(chosen, lambda opened: examine(config, steps, opened, secret, _progress))
    click.echo(_json(chosen, verdict) if style == "json" else _text(chosen, verdict))
    sys.exit(1 if verdict.endangered else 0)


@contextmanager
def _progress(runs: int) -> Iterator[Callable[[], None]]:
    """A bar on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty() or os.environ.get("CI"):
        yield lambda: None
        return
    with click.progressbar(length=runs, label="live runs", file=sys.stderr) as bar:
        yield lambda: bar.update(1)


def _json(chosen: ChosenWorld, verdict: Verdict) -> str:
    runs = [
        {
            "run": one.run.id,
            "workflow": one.run.workflow,
            "status": one.run.status.value,
            "bundle": one.run.bundle,
            "problems": [asdict(problem) for problem in one.problems],
        }
        for one in verdict.endangered
    ]
    content = {"version": 1, "ok": not runs, "world": chosen.label, "live": verdict.live, "endangered": runs}
    return json.dumps(content, indent=2)


def _text(chosen: ChosenWorld, verdict: Verdict) -> str:
    """The runs by reason: many have the same."""
    by_problem: dict[Problem, list[RunInfo]] = {}
    for one in verdict.endangered:
        for problem in one.problems:
            by_problem.setdefault(problem, []).append(one.run)
    lines: list[str] = []
    for problem, runs in by_problem.items():
        lines += [problem.why, f"  do:   {problem.advice}"]
        lines += [f"  {run.id}  {run.workflow.rpartition('//')[2]}, {run.status}" for run in runs]
        lines.append("")
    live = f"{verdict.live} live run{'s' * (verdict.live != 1)}"
    end = f"{len(verdict.endangered)} can not go on under this build" if verdict.endangered else "all can go on"
    return "\n".join([*lines, f"{chosen.label}: {live}; {end}" if verdict.live else f"{chosen.label}: no live runs"])
