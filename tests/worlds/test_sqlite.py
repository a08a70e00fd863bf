"""The SQLite world keeps every promise of the world interface."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from workflow_runtime.testing.conformance import WorldConformance
from workflow_runtime.testing.harness import A_WHILE, Harness, held, take
from workflow_runtime.worlds.base import Message
from workflow_runtime.worlds.sqlite import SqliteWorld
from workflow_runtime.worlds.sqlite import world as world_module


class TestSqliteWorld(WorldConformance):
    @pytest.fixture
    def harness(self, sqlite_harness: Harness) -> Harness:
        return sqlite_harness


async def test_a_world_that_is_closed_leaves_no_owner_behind(tmp_path: Path) -> None:
    world = SqliteWorld(tmp_path / "world.db")
    await world.open()
    await held(world, "wrun_1")
    await world.close()
    with closing(sqlite3.connect(world.path)) as connection:
        assert connection.execute("SELECT owner FROM messages").fetchall() == [(None,)]


async def test_a_send_wakes_who_receives_and_not_only_the_next_look_around(
    sqlite_harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world_module, "_LOOK_FOR_THE_DEAD", 3600.0)
    receiver, other = await sqlite_harness.make(), await sqlite_harness.make()
    for sender in (receiver, other):
        receiving = asyncio.create_task(take(receiver))
        await asyncio.sleep(A_WHILE)
        await sender.send(Message(f"msg_{id(sender)}", "wrun_1"))
        assert (await receiving).message.id == f"msg_{id(sender)}"
    await receiver.close()
    await other.close()
