"""Who waits is told, and does not find out by looking; and nobody is told for nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from tests.worlds.conftest import PostgresHarness
from workflow_runtime.testing.harness import (
    A_WHILE,
    SOON,
    append,
    far_from_now,
    fresh,
    held,
    new_run,
    run_completed,
    take,
)
from workflow_runtime.worlds.base import Limit, Message, World
from workflow_runtime.worlds.postgres import PostgresWorld, session


@pytest.fixture
async def worlds(postgres_harness: PostgresHarness, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[World]]:
    """Two worlds, in which nobody looks anyway."""
    monkeypatch.setattr(session, "_LOOK_ANYWAY", 3600.0)
    worlds = [await postgres_harness.make() for _ in range(2)]
    yield worlds
    for world in worlds:
        await world.close()


async def test_a_receiver_elsewhere_is_told_of_messages_now_and_earlier_than_expected(worlds: list[World]) -> None:
    here, there = worlds
    await here.send(Message(fresh("msg"), "wrun_1", due=far_from_now()))
    for due in (0.0, time.time() + A_WHILE, 0.0):
        waiting = asyncio.create_task(take(there))
        await asyncio.sleep(A_WHILE / 2)
        await here.send(message := Message(fresh("msg"), "wrun_1", due=due))
        assert (await waiting).message == message


async def test_a_receiver_elsewhere_is_told_of_what_is_handed_back_and_of_places_that_are_free(
    worlds: list[World],
) -> None:
    here, there = worlds
    limit = Limit("step//one", concurrency=1)
    await here.send(Message(fresh("msg"), "wrun_1", limit=limit))
    first = await take(here)
    await here.send(second := Message(fresh("msg"), "wrun_1", limit=limit))
    waiting = asyncio.create_task(take(there))
    await asyncio.sleep(A_WHILE)
    assert not waiting.done()
    await first.ack()
    got = await waiting
    assert got.message == second
    waiting = asyncio.create_task(take(here))
    await asyncio.sleep(A_WHILE)
    await got.again()
    assert (await waiting).message == second


async def test_who_waits_for_a_run_or_a_stream_elsewhere_is_told(worlds: list[World]) -> None:
    here, there = worlds
    run = await new_run(here)
    ended = asyncio.create_task(there.wait_for_end(run.id))
    for name in ("s", "ü" * 3000, "NUL \0"):
        read = asyncio.create_task(there.read_chunks(run.id, name, 0, wait=3600.0))
        await asyncio.sleep(A_WHILE / 2)
        await here.write_chunks(run.id, name, [b"0"])
        assert (await asyncio.wait_for(read, SOON)).chunks == (b"0",)
    assert not ended.done()
    rest = asyncio.create_task(there.read_chunks(run.id, "s", 1, wait=3600.0))
    await asyncio.sleep(A_WHILE / 2)
    await append(here, run.id, run_completed())
    assert (await asyncio.wait_for(ended, SOON)).status.ended
    assert (await asyncio.wait_for(rest, SOON)).closed


async def test_one_that_leaves_tells_those_who_get_its_messages(
    worlds: list[World], postgres_harness: PostgresHarness
) -> None:
    leaving = await postgres_harness.make()
    delivery = await held(leaving, "wrun_1")
    waiting = asyncio.create_task(take(worlds[0]))
    await asyncio.sleep(A_WHILE)
    await leaving.close()
    assert (await waiting).message == delivery.message


async def test_a_world_alone_notifies_nobody(postgres_harness: PostgresHarness) -> None:
    world = await postgres_harness.make()
    assert isinstance(world, PostgresWorld)
    service = world._live().service
    assert not service.others
    other = await postgres_harness.make()
    for _ in range(200):  # two seconds: it is told, and does not learn it by its next heartbeat
        if not service.others:
            await asyncio.sleep(0.01)
    assert service.others
    await other.close()
    await world.close()
