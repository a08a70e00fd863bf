"""``workflow-build clean``: remove what builds have written."""

from __future__ import annotations

from pathlib import Path

import click

from workflow_build import config as configuration
from workflow_build.cache.store import FOLDER
from workflow_build.clean import clean
from workflow_build.commands.options import expected_errors


@click.command("clean", short_help="Remove what builds have written.")
@click.argument("project", default=".", type=click.Path(path_type=Path))
@click.option("--out", metavar="DIR", help="Output folder, relative to PROJECT.")
@click.option(
    "--bundles", "old_bundles", is_flag=True, help="Also bundles of earlier builds, which runs in flight may need."
)
def clean_command(project: Path, out: str | None, old_bundles: bool) -> None:
    """Remove the written files of PROJECT: what the manifest lists, folders that are empty then, and the cache. Files of yours stay."""
    with expected_errors():
        config = configuration.load(project, configuration.Flags(out=out))
        done = clean(config, old_bundles=old_bundles)
    place = config.out.relative_to(config.project).as_posix()
    if not done.removed and not done.cache:
        click.echo(f"{place}: nothing to remove")
        return
    if done.removed:
        click.echo(f"{place}: {len(done.removed)} file{'s' * (len(done.removed) != 1)} removed")
    if done.cache:
        click.echo(f"{FOLDER}: the cache is removed")
    if done.kept:
        click.echo(f"kept, since no build wrote them: {', '.join(done.kept)}")
