"""Bringing the schema up to date: numbered SQL files, each once, by one process at a time.

Functions carry their version in their name and tables only grow, so a worker goes on while a newer one migrates. A file that breaks with that
says so in its first line, ``-- needs: N``: from then on, workers must know schema N or a later one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources

from workflow_runtime.errors import WorldError
from workflow_runtime.worlds.postgres.connect import Connection, connect_once
from workflow_runtime.worlds.postgres.faults import FAILURES, explain
from workflow_runtime.worlds.postgres.options import Options

_NEEDS = re.compile(r"-- needs: (\d+)\n")
_OUR_SCHEMA = re.compile(r"\bworkflow\.")


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, its name, the oldest schema that a worker must know once it is applied, and its SQL."""

    number: int
    name: str
    needs: int
    sql: str


def migrations() -> list[Migration]:
    """The numbered files of ``migrations/``, in order. Raises ``WorldError`` when a packager has dropped them."""
    folder = resources.files(__package__).joinpath("migrations")
    found = folder.iterdir() if folder.is_dir() else ()
    files = sorted((file for file in found if file.name.endswith(".sql")), key=lambda file: file.name)
    if not files:
        raise WorldError(f"{__package__} has lost its .sql files; have your packager keep the package's data files")
    return [_migration(file.name, file.read_text(encoding="utf-8")) for file in files]


def _migration(name: str, sql: str) -> Migration:
    needs = _NEEDS.match(sql)
    assert needs is not None, f"{name} must begin with what it needs"
    return Migration(int(name.split("_")[0]), name.removesuffix(".sql"), int(needs[1]), sql)


async def migrate(options: Options) -> list[str]:
    """Apply what is missing; gives the names of what was applied. Raises ``WorldError``."""
    connection = await connect_once(options.direct)
    try:
        applied = await _migrate(connection, options)
        await connection.close()
        return applied
    except FAILURES as error:
        raise explain(error, options.where) from error
    finally:
        connection.terminate()


async def check_schema(connection: Connection, options: Options) -> bool:
    """Whether the schema is up to date. Raises ``WorldError`` when this version is too old for it."""
    if not await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", f"{options.quoted}.migrations"):
        return False
    applied = await connection.fetch(f"SELECT number, needs FROM {options.quoted}.migrations")
    known = migrations()[-1].number
    needs = max((row["needs"] for row in applied), default=0)
    if needs > known:
        raise WorldError(
            f"{options.where}: the schema needs a worker that knows version {needs}, and this workflow_runtime knows {known} at most; "
            "upgrade this process's workflow-build package"
        )
    return {row["number"] for row in applied} >= {migration.number for migration in migrations()}


async def _migrate(connection: Connection, options: Options) -> list[str]:
    applied = []
    async with connection.transaction():
        await connection.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{options.quoted}.migrations"
        )
        if await check_schema(connection, options):
            return []
        await _prepare(connection, options)
        done = {row["number"] for row in await connection.fetch(f"SELECT number FROM {options.quoted}.migrations")}
        for migration in migrations():
            if migration.number not in done:
                await connection.execute(_OUR_SCHEMA.sub(f"{options.quoted}.", migration.sql))
                await connection.execute(
                    f"INSERT INTO {options.quoted}.migrations (number, name, needs) VALUES ($1, $2, $3)",
                    migration.number,
                    migration.name,
                    migration.needs,
                )
                applied.append(migration.name)
    return applied


async def _prepare(connection: Connection, options: Options) -> None:
    """The schema and its table of migrations. Asked for only where they are missing, so that no more rights are needed than that."""
    if not await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", options.quoted):
        await connection.execute(f"CREATE SCHEMA {options.quoted}")
    await connection.execute(
        f"CREATE TABLE IF NOT EXISTS {options.quoted}.migrations ("
        "number integer PRIMARY KEY, name text NOT NULL, needs integer NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
    )
