"""What this process shares: one open world, chosen by ``WORKFLOW_WORLD``."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import quote

from workflow_runtime.project import registered_projects
from workflow_runtime.worlds.base import World
from workflow_runtime.worlds.urls import open_world_url

_INSTALLED = {"site-packages", "dist-packages"}
_world: World | None = None
_holders = 0
_inherited: list[World] = []
"""Worlds of the processes that this one was forked from: closing them, even by forgetting them, could harm the parents."""
_choosing = threading.Lock()  # two event loops may ask at once
_idle_handlers: set[str] = set()
"""The packages whose handler was made in this process, but whose worker does not run."""

logger = logging.getLogger("workflow_runtime.process")


_only_looks = False
_is_given = False
"""Whether the world is one that was put in the place of the process's own."""


def only_look() -> None:
    """This process looks at an app and must do no work: its world is one in memory, whatever the environment says."""
    global _only_looks
    _only_looks = True


def world_url() -> str:
    """``WORKFLOW_WORLD``, or else a SQLite file: ``.workflow/workflow.db`` in the project's folder.

    When the project is installed rather than run from its folder, the current folder takes its place.
    """
    if _only_looks:
        return "memory://"
    return os.environ.get("WORKFLOW_WORLD") or f"sqlite:///{quote((_default_folder() / 'workflow.db').as_posix())}"


def _default_folder() -> Path:
    roots = [project.root for project in registered_projects()]
    home = next((root for root in roots if not _INSTALLED & set(root.parts)), Path.cwd())
    return home / ".workflow"


def _keep_out_of_git(folder: Path) -> None:
    """A database is no source; a folder that can not be written is reported when the world is opened."""
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True)
        (folder / ".gitignore").write_text("*\n", "utf-8")


async def process_world() -> World:
    """This process's world, opened on first use. Raises ``WorldError`` when it can not be opened."""
    while True:
        world = _chosen_world()
        await world.open()
        if world is _world:
            return world
        await world.close()  # its last holder went while it was opened


def _chosen_world() -> World:
    global _world
    with _choosing:
        if _world is None:
            if not (_only_looks or os.environ.get("WORKFLOW_WORLD")):
                _keep_out_of_git(_default_folder())
            _world = open_world_url(world_url())
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
        with _choosing:
            _holders -= 1
            last = not _holders
            if last:
                _world = None
        if last:
            await world.close()


@contextmanager
def world_in_place(world: World) -> Iterator[None]:
    """Within the block, ``world`` is this process's, whatever the environment says. It is not closed in the end. For tests."""
    global _world, _holders, _is_given
    before, _world, _holders, _is_given = (_world, _holders, _is_given), world, 1, True
    try:
        yield
    finally:
        _world, _holders, _is_given = before


def leave_world_to_parent() -> None:
    """In a process that was forked: have no world, and never close what the parent holds."""
    global _world, _holders, _choosing
    if _world is not None:
        _inherited.append(_world)
    _world, _holders, _choosing = None, 0, threading.Lock()


def worker_idle(package: str) -> None:
    """Note that the handler of ``package`` is there and its worker is not running."""
    _idle_handlers.add(package)


def worker_running(package: str) -> None:
    """Note that the worker of ``package`` runs."""
    _idle_handlers.discard(package)


def warn_of_idle_handlers(run_id: str) -> None:
    """Say, once per handler, that this process has a handler but no worker: the run waits for another process."""
    while _idle_handlers and not _is_given:  # whoever gives a world sees to it that somebody works on it
        logger.warning(
            "run %s is stored, but the worker of %s is not running in this process: was mount(app) called on the "
            "outermost app, and did the app's lifespan start? Until some process runs a worker, runs stay pending",
            run_id,
            _idle_handlers.pop(),
        )
