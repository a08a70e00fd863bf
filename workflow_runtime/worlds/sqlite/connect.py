"""Opening the file: connections with the right pragmas, and the schema brought up to date."""

from __future__ import annotations

import os
import sqlite3
import time
from importlib import resources
from pathlib import Path

from workflow_runtime.errors import WorldError
from workflow_runtime.worlds.sqlite.faults import UNWRITABLE, explain

OLDEST = (3, 31, 0)  # the oldest release of SQLite that takes all of the statements
APPLICATION_ID = 0x574B464C  # "WKFL", in the file's header: tells our files from other programs'
_RETRY = 0.01  # seconds; SQLite does not wait by itself for what the switch to WAL needs


def open_writer(path: Path, busy_timeout: float) -> sqlite3.Connection:
    """A connection that writes, to a file that is made and migrated as needed. Raises ``WorldError``."""
    if sqlite3.sqlite_version_info < OLDEST:
        raise WorldError(
            f"SQLite world {path}: this Python has SQLite {sqlite3.sqlite_version}, and {'.'.join(map(str, OLDEST))} is needed; "
            "use a Python with a newer one, or the Postgres world"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WorldError(f"SQLite world {path}: can not make its folder: {error}") from error
    connection = _connect(path, busy_timeout)
    try:
        _refuse_foreign(connection, path)
        _use_wal(connection, path, busy_timeout)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA temp_store = MEMORY")
        _migrate(connection, path)
        _refuse_read_only(path)
    except sqlite3.Error as error:
        connection.close()
        raise explain(error, path) from error
    except WorldError:
        connection.close()
        raise
    return connection


def open_reader(path: Path, busy_timeout: float) -> sqlite3.Connection:
    """A connection that only reads, to a file that ``open_writer`` has opened. Raises ``WorldError``."""
    connection = _connect(path, busy_timeout)
    connection.execute("PRAGMA query_only = 1")
    return connection


def migrations() -> list[tuple[int, str]]:
    """The numbered files of ``migrations/``, in order: number and SQL. Raises ``WorldError`` when a packager has dropped them."""
    folder = resources.files(__package__).joinpath("migrations")
    found = folder.iterdir() if folder.is_dir() else ()
    files = sorted((file for file in found if file.name.endswith(".sql")), key=lambda file: file.name)
    if not files:
        raise WorldError(f"{__package__} has lost its .sql files; have your packager keep the package's data files")
    return [(int(file.name.split(".")[0]), file.read_text(encoding="utf-8")) for file in files]


def _connect(path: Path, busy_timeout: float) -> sqlite3.Connection:
    try:
        # The threads that use it are not the one that opens it; each connection still has one thread at a time.
        return sqlite3.connect(path, timeout=busy_timeout, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise explain(error, path) from error


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _refuse_foreign(connection: sqlite3.Connection, path: Path) -> None:
    """Before anything is written: the file is empty, or one of ours that we understand."""
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if not tables and not _pragma(connection, "user_version"):
        return
    if _pragma(connection, "application_id") != APPLICATION_ID:
        raise WorldError(
            f"SQLite world {path}: the file holds the tables of another program; choose another path in WORKFLOW_WORLD"
        )
    _refuse_newer(connection, path)


def _refuse_newer(connection: sqlite3.Connection, path: Path) -> None:
    version, known = _pragma(connection, "user_version"), migrations()[-1][0]
    if version > known:
        raise WorldError(
            f"SQLite world {path}: the file has schema version {version}, and this workflow_runtime knows {known} at most; "
            "upgrade this process's workflow-build package"
        )


def _refuse_read_only(path: Path) -> None:
    """SQLite opens such a file all the same, to read it, and goes on refusing to write when the file can be written again."""
    if not os.access(path, os.W_OK):
        raise WorldError(f"SQLite world {path}: {UNWRITABLE}")


def _use_wal(connection: sqlite3.Connection, path: Path, busy_timeout: float) -> None:
    deadline = time.monotonic() + busy_timeout
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname != "SQLITE_BUSY" or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY)
            continue
        if mode != "wal":
            raise WorldError(f"SQLite world {path}: the file system can not do write-ahead logging; use a local disk")
        return


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    if _pragma(connection, "user_version") == migrations()[-1][0]:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        _refuse_newer(connection, path)  # another process may have been faster, and newer
        version = _pragma(connection, "user_version")
        for number, script in migrations():
            if number > version:
                for statement in _statements(script):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _statements(script: str) -> list[str]:
    """The statements of a script; ``executescript`` would end our transaction."""
    statements, current = [], ""
    for line in script.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    return statements
