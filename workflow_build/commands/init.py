"""``workflow-build init``: set a project up."""

from __future__ import annotations

import os
from pathlib import Path

import click

from workflow_build import config as configuration
from workflow_build.commands.options import expected_errors
from workflow_build.mounting import Mount
from workflow_build.setup_project import Setup, apply, diff, plan_setup


@click.command("init", short_help="Set a project up: its settings, its .gitignore, and what the app needs.")
@click.argument("project", default=".", type=click.Path(path_type=Path))
@click.option(
    "--target", "targets", multiple=True, metavar="NAME", help="Framework to write a handler for; repeatable."
)
@click.option("--app", metavar="MODULE:ATTR", help="The app, or app factory.")
@click.option("--out", metavar="DIR", help="Output folder, relative to PROJECT; must be importable.")
@click.option("--ignore-output", is_flag=True, help="Have git ignore the output folder; each deploy builds it then.")
@click.option("--dry-run", is_flag=True, help="Show what would be written, as a diff.")
def init_command(
    project: Path, targets: tuple[str, ...], app: str | None, out: str | None, ignore_output: bool, dry_run: bool
) -> None:
    """Write [tool.workflow-build] into pyproject.toml of PROJECT, what nobody commits into .gitignore, and say what else to do.

    What stands in the files stays as it is. A project that is set up already is left alone.
    """
    with expected_errors():
        config = configuration.load(project, configuration.Flags(targets, app, out))
        setup = plan_setup(config, ignore_output=ignore_output, world=os.environ.get("WORKFLOW_WORLD"))
        if not dry_run:
            apply(setup)
    if dry_run:
        click.echo(diff(setup, config.project), nl=False)
    for change in () if dry_run else setup.changes:
        click.echo(f"{'wrote' if change.old is None else 'added to'} {change.path.name}")
    if not any(change.path.name == "pyproject.toml" for change in setup.changes):
        click.echo("pyproject.toml has [tool.workflow-build] already; it stays as it is")
    click.echo(_advice(setup))


def _advice(setup: Setup) -> str:
    """What is left for people to do."""
    lacking = setup.lacking
    lines = [f"add to {lacking.place}:", "", f"    {lacking.line}", ""] if lacking else []
    lines += [line for mount in setup.mounts for line in _mounting(mount)]
    if not setup.mounts:
        lines.append("no web framework was found: name one with --target, or run a worker without a web app")
    lines.append("then run workflow-build")
    if setup.ignored:
        lines.append(f"git ignores {setup.out}/: run workflow-build before each deploy, too")
    else:
        lines.append(f"commit {setup.out}/ with your code; in CI, workflow-build --check says when it is stale")
    return "\n".join(lines)


def _mounting(mount: Mount) -> list[str]:
    if mount.mounted_in:
        return [f"{mount.mounted_in} mounts the handler already"]
    if mount.is_command:
        return ["run the worker, once it is built:", "", *(f"    {line}" for line in mount.lines), ""]
    where = f"inside {mount.factory}, before it returns" if mount.factory else "below the app"
    place = f"{mount.place.path}:{mount.place.line}, {where}" if mount.place else "the module that makes the app"
    if mount.lines[0].startswith("#"):  # the lines go into several files, and say into which
        place = "the app"
    return [f"add to {place}:", "", *(f"    {line}" for line in mount.lines), ""]
