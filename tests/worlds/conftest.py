"""The two worlds of the package as the conformance suite wants them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from workflow_runtime.worlds.base import World
from workflow_runtime.worlds.memory import MemoryWorld
from workflow_runtime.worlds.memory_store import MemoryStore
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


@pytest.fixture
def memory_harness() -> MemoryHarness:
    return MemoryHarness()


@pytest.fixture
def sqlite_harness(tmp_path: Path) -> SqliteHarness:
    return SqliteHarness(tmp_path / "world.db")
