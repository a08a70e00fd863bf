"""The world that a command works on: that of ``WORKFLOW_WORLD``, or ``.workflow/workflow.db`` below the current folder."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from workflow_runtime.errors import RunNotFoundError, WorldError

if TYPE_CHECKING:
    from workflow_runtime.worlds.base import World

NOT_FOUND = 1
"""The exit code when there is no such run, hook or stream."""


def with_world(work: Callable[[World], Awaitable[int]], *, makes: bool = False) -> int:
    """The exit code that ``work`` gives on the open world. Raises ``WorldError`` where there is none to look at.

    A file that is not there is made only if ``makes``, and a run that is not there is said to be so, with the world's name.
    """
    from workflow_runtime.process import held_world, world_url
    from workflow_runtime.seeing.payloads import visible
    from workflow_runtime.worlds.urls import shown_url

    url = world_url()
    _refuse(url, makes=makes)

    async def run() -> int:
        async with held_world() as world:
            return await work(world)

    if isinstance(sys.stdout, TextIOWrapper):  # what the encoding lacks is shown by its escape
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = asyncio.run(run())
        sys.stdout.flush()
        return code
    except RunNotFoundError as error:
        print(f"error: no run {visible(error.run_id)} in {shown_url(url)}", file=sys.stderr)
        return NOT_FOUND
    except BrokenPipeError:  # the reader has seen enough; what is left must not be written when Python ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def print_json(**content: object) -> None:
    """Print what a command did as one JSON document, which says its version."""
    from workflow_runtime.inspect.as_json import document

    print(document(**content))


def _refuse(url: str, *, makes: bool) -> None:
    parts = urlsplit(url)
    if parts.scheme == "memory":
        raise WorldError("WORKFLOW_WORLD is memory://, a world that no other process can see; ask the app itself")
    path = Path(unquote(parts.path.removeprefix("/")))
    if parts.scheme == "sqlite" and not makes and not path.exists():
        raise WorldError(
            f"there is no file {path}, so that there are no runs; run this in the project's folder, or set WORKFLOW_WORLD"
        )
