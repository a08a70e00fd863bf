"""No engine at all: one durable commit of one small row after the other. PG_URL is a Postgres database, SQLITE_FILE a file."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable

from meter import AT_ONCE, EACH, RUNS, Row, serve

TABLE = "CREATE TABLE IF NOT EXISTS floor (id {id}, run text, body {body})"
BODY = b"x" * 300


async def postgres(url: str) -> dict[str, Row]:
    """Commits by asyncpg: so many in a row on one connection, and on sixteen at once."""
    import asyncpg

    connections = [await asyncpg.connect(url) for _ in range(AT_ONCE)]
    await connections[0].execute(TABLE.format(id="bigserial PRIMARY KEY", body="bytea"))
    prepared = [await one.prepare("INSERT INTO floor (run, body) VALUES ($1, $2)") for one in connections]
    return _rows(lambda number: prepared[number].fetch("run", BODY), AT_ONCE)


async def sqlite(path: str) -> dict[str, Row]:
    """Commits by sqlite3 with the journal and the durability that our world asks for."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = wal")
    connection.execute("PRAGMA synchronous = full")
    connection.execute(TABLE.format(id="INTEGER PRIMARY KEY", body="BLOB"))

    async def commit(_: int) -> None:
        connection.execute("INSERT INTO floor (run, body) VALUES ('run', ?)", (BODY,))

    return _rows(commit, 1)


def _rows(commit: Callable[[int], Awaitable[object]], most: int) -> dict[str, Row]:
    async def in_a_row(count: int) -> None:
        for _ in range(count):
            await commit(0)

    async def many() -> float:
        async def client(number: int) -> None:
            for _ in range(RUNS * EACH // most):
                await commit(number)

        began = time.perf_counter()
        await asyncio.gather(*(client(number) for number in range(most)))
        return RUNS * EACH / (time.perf_counter() - began)

    return {**{f"seq-{count}": _row(in_a_row, count) for count in (1, 10, 50, 100)}, "throughput-16": many}


def _row(flow: Callable[[int], Awaitable[None]], count: int) -> Row:
    async def row() -> None:
        await flow(count)

    return row


async def main() -> None:
    """Serve the rows."""
    url = os.environ.get("PG_URL")
    measured = await postgres(url) if url else await sqlite(os.environ["SQLITE_FILE"])
    await serve({"version": "asyncpg" if url else f"sqlite {sqlite3.sqlite_version}"}, measured)


asyncio.run(main())
