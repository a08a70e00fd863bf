"""The SQLite world keeps every promise of the world interface."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from workflow_runtime.testing.conformance import WorldConformance
from workflow_runtime.testing.harness import (
    A_WHILE,
    SOON,
    Harness,
    append,
    held,
    new_run,
    run_completed,
    step_created,
    take,
)
from workflow_runtime.worlds.base import Message, RunStatus
from workflow_runtime.worlds.sqlite import SqliteWorld, streams
from workflow_runtime.worlds.sqlite import world as world_module
from workflow_runtime.worlds.sqlite.streams import read_chunks
from workflow_runtime.worlds.sqlite.writer import Writer


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


async def test_what_can_not_be_looked_up_does_not_stop_those_who_look_around(sqlite_harness: Harness) -> None:
    world, other = await sqlite_harness.make(), await sqlite_harness.make()
    run = await new_run(world)
    strange = asyncio.create_task(world.read_chunks(run.id, "\ud800", 0, wait=1000.0))
    waiting = asyncio.create_task(world.wait_for_end(run.id))
    await asyncio.sleep(A_WHILE)
    await append(other, run.id, step_created("step_000001"))  # the writer looks around now
    await asyncio.sleep(A_WHILE)
    await append(other, run.id, run_completed())
    assert (await asyncio.wait_for(strange, SOON)).closed
    assert (await asyncio.wait_for(waiting, SOON)).status is RunStatus.COMPLETED
    await world.close()
    await other.close()


async def test_a_fault_while_looking_around_does_not_end_the_writer(
    sqlite_harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KeyError("a bug")

    monkeypatch.setattr(Writer, "_state", fail)
    world, other = await sqlite_harness.make(), await sqlite_harness.make()
    run = await new_run(world)
    waiting = asyncio.create_task(world.wait_for_end(run.id))
    await asyncio.sleep(A_WHILE)
    await append(other, run.id, run_completed())
    assert (await asyncio.wait_for(waiting, SOON)).status is RunStatus.COMPLETED
    await new_run(world)
    await world.close()
    await other.close()


async def test_a_reader_that_waits_reads_again_only_when_its_own_stream_has_changed(
    sqlite_harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str] = []

    def count(*arguments: object, **named: object) -> object:
        reads.append(str(named["name"]))
        return read_chunks(*arguments, **named)  # type: ignore[arg-type]  # handed on as they came

    monkeypatch.setattr(streams, "read_chunks", count)
    world, other = await sqlite_harness.make(), await sqlite_harness.make()
    run = await new_run(world)
    waiting = asyncio.create_task(world.read_chunks(run.id, "s", 0, wait=1000.0))
    await asyncio.sleep(A_WHILE)
    for writer in (world, other):
        for _ in range(6):
            await writer.write_chunks(run.id, "another", [b"0"])
            await asyncio.sleep(A_WHILE / 5)
    assert len(reads) <= 2  # the first look around wakes all, since it can not know what they have seen
    await other.write_chunks(run.id, "s", [b"1"])
    assert (await asyncio.wait_for(waiting, SOON)).chunks == (b"1",)
    await world.close()
    await other.close()
