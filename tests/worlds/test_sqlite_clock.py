"""What the SQLite world does with its queue when the system's clock is put forward or back."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from workflow_runtime.testing.harness import A_WHILE, fresh, held, new_run, nothing_comes, take
from workflow_runtime.worlds.base import Message
from workflow_runtime.worlds.sqlite import SqliteWorld

HOUR = 3600.0
PutClock = Callable[[float], None]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[SqliteWorld]:
    world = SqliteWorld(tmp_path / "world.db")
    await world.open()
    yield world
    await world.close()


@pytest.fixture
def put_clock(monkeypatch: pytest.MonkeyPatch) -> PutClock:
    """Puts this process's clock so many seconds ahead of the real one."""
    real = time.time

    def put(seconds: float) -> None:
        monkeypatch.setattr(time, "time", lambda: real() + seconds)

    return put


async def test_what_was_due_stays_due_when_the_clock_is_put_back(world: SqliteWorld, put_clock: PutClock) -> None:
    run = await new_run(world)
    await world.send(message := Message(fresh("msg"), run.id))
    put_clock(-HOUR)
    assert (await take(world)).message == message


async def test_who_waits_already_gets_what_was_due_when_the_clock_is_put_back(
    world: SqliteWorld, put_clock: PutClock
) -> None:
    run = await new_run(world)
    delivery = await held(world, run.id)
    receiving = asyncio.create_task(take(world))
    await asyncio.sleep(A_WHILE)
    await delivery.again(A_WHILE)
    put_clock(-HOUR)
    assert (await receiving).message == delivery.message


async def test_what_was_due_in_a_world_that_died_is_due_in_one_whose_clock_was_put_back(
    world: SqliteWorld, put_clock: PutClock, tmp_path: Path
) -> None:
    run = await new_run(world)
    in_hand = await held(world, run.id)
    await world.send(waiting := Message(fresh("msg"), run.id))
    world.crash()
    put_clock(-HOUR)
    other = SqliteWorld(tmp_path / "world.db")
    await other.open()
    got = {(await take(other)).message.id for _ in range(2)}
    assert got == {in_hand.message.id, waiting.id}
    await other.close()


async def test_what_is_not_due_yet_waits_for_its_time_by_whatever_clock(
    world: SqliteWorld, put_clock: PutClock
) -> None:
    run = await new_run(world)
    await world.send(message := Message(fresh("msg"), run.id, due=time.time() + HOUR / 2))
    put_clock(-HOUR)
    await nothing_comes(world)
    put_clock(HOUR)
    assert (await take(world)).message == message


async def test_a_pause_is_kept_while_others_open_the_world(world: SqliteWorld, tmp_path: Path) -> None:
    run = await new_run(world)
    await (await held(world, run.id)).again(60.0)
    other = SqliteWorld(tmp_path / "world.db")
    await other.open()
    await nothing_comes(other)
    await other.close()
