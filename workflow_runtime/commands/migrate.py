"""``python -m workflow_runtime migrate``: bring the schema of a Postgres world up to date."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from workflow_runtime.errors import WorldError

if TYPE_CHECKING:
    from workflow_runtime.commands import Commands


def add(commands: Commands) -> None:
    """Declare the command."""
    help = "bring the Postgres schema that WORKFLOW_WORLD names up to date"
    commands.add_parser(
        "migrate",
        help=help,
        description=f"{help}. Workers of the version before go on meanwhile. Several at once do no harm.",
    )


def run(_options: argparse.Namespace) -> int:
    """Migrate; gives the exit code. Raises ``WorldError``."""
    import asyncio

    from workflow_runtime.process import world_url
    from workflow_runtime.worlds.urls import open_world_url

    open_world_url(url := world_url())
    if not url.startswith(("postgresql:", "postgres:")):
        raise WorldError("only a Postgres world is migrated by hand; others do that when they are opened")
    from workflow_runtime.worlds.postgres.migrating import migrate
    from workflow_runtime.worlds.postgres.options import options_of

    options = options_of(url)
    applied = asyncio.run(migrate(options))
    for name in applied:
        print(f"applied {name}")
    print(f"{options.where} is up to date")
    return 0
