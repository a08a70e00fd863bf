"""What this process shares: one open world, chosen by ``WORKFLOW_WORLD``."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

from workflow_runtime.project import registered_projects
from workflow_runtime.worlds.base import World
from workflow_runtime.worlds.urls import open_world_url

_world: World | None = None
_holders = 0


def world_url() -> str:
    """``WORKFLOW_WORLD``, or else a SQLite file: ``.workflow/workflow.db`` in the project's folder.

    When the project is installed rather than run from its folder, the current folder takes its place.
    """
    if url := os.environ.get("WORKFLOW_WORLD"):
        return url
    roots = [project.root for project in registered_projects()]
    home = next((root for root in roots if (root / "pyproject.toml").is_file()), Path.cwd())
    return f"sqlite:///{quote((home / '.workflow' / 'workflow.db').as_posix())}"


async def process_world() -> World:
    """This process's world, opened on first use. Raises ``WorldError`` when it can not be opened."""
    global _world
    if _world is None:
        _world = open_world_url(world_url())
    await _world.open()
    return _world


@asynccontextmanager
async def held_world() -> AsyncIterator[World]:
    """This process's world, which is closed when its last holder is gone; the next use opens it again."""
    global _world, _holders
    world = await process_world()
    _holders += 1
    try:
        yield world
    finally:
        _holders -= 1
        if not _holders:
            _world = None
            await world.close()
