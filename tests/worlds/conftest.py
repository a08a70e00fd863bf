"""The two worlds of the package as the conformance suite wants them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests import postgres_servers
from workflow_runtime.worlds.base import World
from workflow_runtime.worlds.memory import MemoryWorld
from workflow_runtime.worlds.memory_store import MemoryStore
from workflow_runtime.worlds.postgres import PostgresWorld, options_of
from workflow_runtime.worlds.postgres.migrating import migrate
from workflow_runtime.worlds.sqlite import SqliteWorld


@dataclass
class MemoryHarness:
    store: MemoryStore = field(default_factory=MemoryStore)

    async def make(self) -> World:
        world = MemoryWorld(self.store)
        await world.open()
        return world

    async def crash(self, world: World) -> None:
        assert isinstance(world, MemoryWorld)
        world.crash()

    async def stored_messages(self, run_id: str) -> list[str]:
        return [queued.message.id for queued in self.store.queue.values() if queued.message.run_id == run_id]


@dataclass
class SqliteHarness:
    path: Path

    async def make(self) -> World:
        world = SqliteWorld(self.path)
        await world.open()
        return world

    async def crash(self, world: World) -> None:
        assert isinstance(world, SqliteWorld)
        world.crash()

    async def stored_messages(self, run_id: str) -> list[str]:
        connection = sqlite3.connect(self.path)
        try:
            rows = connection.execute("SELECT id FROM messages WHERE run_id = ?", (run_id,)).fetchall()
        finally:
            connection.close()
        return [row[0] for row in rows]


@dataclass
class PostgresHarness:
    """``crash`` lets the time of the lease pass."""

    url: str

    async def make(self) -> World:
        world = PostgresWorld(self.url)
        await world.open()
        return world

    async def crash(self, world: World) -> None:
        assert isinstance(world, PostgresWorld)
        worker = world.worker
        world.crash()
        await self.execute(
            "UPDATE {schema}.workers SET lease = 0, lease_until = clock_timestamp() WHERE id = $1", worker
        )

    async def stored_messages(self, run_id: str) -> list[str]:
        rows = await self.execute("SELECT id FROM {schema}.messages WHERE run_id = $1", run_id)
        return [row[0] for row in rows]

    async def empty(self) -> None:
        """Make it as good as new, which takes a twentieth of the time."""
        await migrate(options_of(self.url))
        tables = await self.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = $1", options_of(self.url).schema
        )
        statements = (f"DELETE FROM {{schema}}.{row[0]}" for row in tables if row[0] != "migrations")
        await self.execute(f"DO $$ BEGIN {'; '.join(statements)}; END $$")

    async def execute(self, statement: str, *values: object) -> list[Any]:
        """Ask past the world."""
        options = options_of(self.url)
        connection = await asyncpg.connect(options.dsn)
        try:
            return list(await connection.fetch(statement.format(schema=options.quoted), *values))
        finally:
            await connection.close()


@pytest.fixture
def memory_harness() -> MemoryHarness:
    return MemoryHarness()


@pytest.fixture
def sqlite_harness(tmp_path: Path) -> SqliteHarness:
    return SqliteHarness(tmp_path / "world.db")


@pytest.fixture(scope="session")
def postgres_schema() -> str:
    """The URL of a world that is made once; whoever uses it empties it first."""
    return postgres_servers.fresh_url()


@pytest.fixture
async def postgres_harness(postgres_schema: str) -> PostgresHarness:
    harness = PostgresHarness(postgres_schema)
    await harness.empty()
    return harness
