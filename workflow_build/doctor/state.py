"""Whether the world can be reached, found out without leaving a trace in it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from workflow_build.doctor.finding import Finding, Level, Patient
from workflow_runtime.errors import WorldError
from workflow_runtime.worlds.sqlite.connect import APPLICATION_ID, migrations
from workflow_runtime.worlds.urls import open_world_url

CHECK = "world"
PATIENCE = 10.0
"""Seconds that a world may take to answer."""


def check_world(patient: Patient) -> Finding | None:
    """``WORKFLOW_WORLD``, or the default of the project: can it be opened and read? A database that is not there is not made."""
    url = patient.environ.get("WORKFLOW_WORLD") or "sqlite:///.workflow/workflow.db"
    try:
        open_world_url(url)
        if urlsplit(url).scheme == "sqlite":
            return _sqlite(patient.config.project / unquote(urlsplit(url).path.removeprefix("/")))
        asyncio.run(asyncio.wait_for(_read(url), PATIENCE))
    except (WorldError, TimeoutError) as error:
        said = str(error) or f"it gave no answer within {PATIENCE:g} s"
        return Finding(CHECK, Level.PROBLEM, said, "mend WORKFLOW_WORLD, or what it names")
    if urlsplit(url).scheme == "memory":
        return Finding(
            CHECK,
            Level.WARNING,
            "WORKFLOW_WORLD is memory://, and all runs are gone with the process",
            "use it in tests alone",
        )
    return Finding(CHECK, Level.OK, "WORKFLOW_WORLD answers")


async def _read(url: str) -> None:
    world = open_world_url(url)
    await world.open()
    try:
        await world.list_runs(limit=1)
    finally:
        await world.close()


def _sqlite(path: Path) -> Finding:
    advice = "let the user that the app runs as write there, or name another path in WORKFLOW_WORLD"
    if not path.exists():
        folder = next(folder for folder in path.parents if folder.exists())
        if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
            return Finding(CHECK, Level.OK, f"{path} is not there yet; the first start makes it")
        return Finding(CHECK, Level.PROBLEM, f"{path} is not there, and {folder} can not be written", advice)
    try:
        with closing(_open_without_a_trace(path)) as connection:
            ours = connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
            schema = connection.execute("PRAGMA user_version").fetchone()[0]
            empty = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0
    except sqlite3.Error as error:
        return Finding(
            CHECK,
            Level.PROBLEM,
            f"{path} can not be read: {error}",
            "mend or move it, or name another path in WORKFLOW_WORLD",
        )
    if not (ours or empty):
        return Finding(
            CHECK, Level.PROBLEM, f"{path} belongs to another program", "name another path in WORKFLOW_WORLD"
        )
    if schema > migrations()[-1][0]:
        return Finding(
            CHECK,
            Level.PROBLEM,
            f"{path} was written by a newer workflow-build (schema {schema})",
            "upgrade workflow-build here",
        )
    if not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK | os.X_OK)):
        return Finding(CHECK, Level.PROBLEM, f"{path} and its folder must be writable, and are not", advice)
    return Finding(CHECK, Level.OK, f"{path} can be read and written")


def _open_without_a_trace(path: Path) -> sqlite3.Connection:
    """Reading a file in WAL mode makes files beside it, unless SQLite is told that nobody writes; without such files nobody does."""
    idle = not path.with_name(f"{path.name}-wal").exists()
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro{'&immutable=1' if idle else ''}", uri=True)
