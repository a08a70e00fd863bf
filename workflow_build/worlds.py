"""The world that a command works on, and how it is opened."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, unquote

from workflow_build.errors import UsageError
from workflow_build.model import Config
from workflow_runtime.errors import WorldError
from workflow_runtime.worlds.base import World
from workflow_runtime.worlds.urls import open_world_url, shown_url, split_world_url

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ChosenWorld:
    """A world by its URL."""

    url: str

    @property
    def label(self) -> str:
        """The URL without what may be a password."""
        return shown_url(self.url)


def chosen_world(config: Config, named: str | None, *, must_exist: bool) -> ChosenWorld:
    """The world that ``--world`` names, else ``WORKFLOW_WORLD``, else the project's SQLite file. Raises ``UsageError``.

    ``must_exist`` refuses a SQLite file that is not there: asked what runs it has, a new one would say none.
    """
    default = f"sqlite:///{quote((config.project / '.workflow' / 'workflow.db').as_posix())}"
    url = named or os.environ.get("WORKFLOW_WORLD") or default
    try:
        parts = split_world_url(url)
    except WorldError as error:
        raise UsageError(str(error)) from None
    if parts.scheme in ("memory", ""):
        raise UsageError(f"{url!r} names no world that outlives its process; give --world or WORKFLOW_WORLD")
    if must_exist and parts.scheme == "sqlite" and not (path := Path(unquote(parts.path.removeprefix("/")))).is_file():
        raise UsageError(
            f"there is no database {path.absolute()}; name the world that the app uses: --world or WORKFLOW_WORLD"
        )
    return ChosenWorld(url)


def with_world(chosen: ChosenWorld, work: Callable[[World], Awaitable[T]]) -> T:
    """What ``work`` gives with the world open. Raises ``UsageError`` when the world fails."""

    async def run() -> T:
        world = open_world_url(chosen.url)
        await world.open()
        try:
            return await work(world)
        finally:
            await world.close()

    try:
        return asyncio.run(run())
    except WorldError as error:
        raise UsageError(f"the world {chosen.label} could not be asked: {error}") from error
