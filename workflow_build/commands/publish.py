"""``workflow-build publish``: store bundles in the world."""

from __future__ import annotations

import os
from pathlib import Path

import click

from workflow_build import config as configuration
from workflow_build.commands.options import expected_errors
from workflow_build.errors import UsageError
from workflow_build.publish import bundles_to_publish, publish
from workflow_build.worlds import chosen_world, with_world
from workflow_runtime.publishing import SECRET

HELP = f"""Store the bundles of PROJECT in the world, where a worker finds the code of runs that started before a deploy.

All bundles in the output folder are stored, those of earlier builds included; what the world has already stays. Each is signed with
{SECRET}, which the app's processes must have too: a worker refuses a bundle with another signature.

\b
Example, in a deploy:
  workflow-build && workflow-build predeploy && workflow-build publish

\b
Exit codes:
  0  all bundles are in the world
  1  one could not be stored, or the world has something else in its place
  2  there is no {SECRET}, no build, or no such world
"""


@click.command("publish", short_help="Store the bundles in the world, for runs that outlive a deploy.", help=HELP)
@click.argument("project", default=".", type=click.Path(path_type=Path))
@click.option("--world", metavar="URL", help="The world that the app uses; default WORKFLOW_WORLD.")
@click.option("--out", metavar="DIR", help="Output folder, relative to PROJECT.")
@click.option("--replace", is_flag=True, help="Store anew what is signed with another secret: the secret has changed.")
def publish_command(project: Path, world: str | None, out: str | None, replace: bool) -> None:
    """Publish once."""
    with expected_errors():
        secret = os.environ.get(SECRET, "")
        if not secret:
            raise UsageError(
                f"{SECRET} is not set; bundles are signed with it, so give this command the secret that the app's processes have"
            )
        config = configuration.load(project, configuration.Flags(out=out))
        bundles = bundles_to_publish(config)
        chosen = chosen_world(config, world, must_exist=False)
        done = with_world(chosen, lambda opened: publish(opened, bundles, secret, replace=replace))
    count = len(done.new)
    anew = f", {len(done.replaced)} signed anew" if done.replaced else ""
    click.echo(f"{chosen.label}: {count} bundle{'s' * (count != 1)} published, {len(done.known)} there already{anew}")
