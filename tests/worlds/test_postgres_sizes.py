"""What is large: commits, logs, queues, lists of messages under one limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from tests.worlds.conftest import PostgresHarness
from workflow_runtime.events import EventKind
from workflow_runtime.testing.harness import (
    append,
    event,
    far_from_now,
    fresh,
    new_run,
    run_completed,
    step_created,
    take,
)
from workflow_runtime.worlds.base import Limit, Message
from workflow_runtime.worlds.postgres import PostgresWorld, options_of


@pytest.fixture
async def world(postgres_harness: PostgresHarness) -> AsyncIterator[PostgresWorld]:
    world = await postgres_harness.make()
    assert isinstance(world, PostgresWorld)
    yield world
    await world.close()


async def test_a_commit_of_thousands_of_events_and_keyed_messages_lands_whole(world: PostgresWorld) -> None:
    run = await new_run(world)
    events = [event(EventKind.WAIT_CREATED, f"wait_{n:06d}", until=far_from_now()) for n in range(8000)]
    sends = [Message(fresh("msg"), run.id, key=f"{run.id}:{wait.entity}", due=far_from_now()) for wait in events]
    await world.commit(run.id, 1, events, sends=sends)
    assert (await world.load(run.id, after=8000)).events[0].entity == "wait_007999"
    assert (await world.queue_depth()).delayed == 8000
    await append(world, run.id, run_completed())
    assert (await world.queue_depth()).delayed == 0


async def test_a_message_under_a_limit_that_is_taken_does_not_hide_those_of_others(world: PostgresWorld) -> None:
    """Thousands that have to wait stand before one that has not."""
    run = await new_run(world)
    limit = Limit("step//busy", concurrency=1)
    waiting = [Message(fresh("msg"), run.id, limit=limit) for _ in range(3000)]
    await world.commit(run.id, 1, [], sends=waiting)
    first = await take(world)
    assert first.message.limit == limit
    await world.send(free := Message(fresh("msg"), run.id))
    assert (await take(world)).message == free
    await first.ack()
    assert (await take(world)).message.limit == limit


async def test_who_waits_for_a_time_asks_nothing_until_then(world: PostgresWorld) -> None:
    run = await new_run(world)
    sends = [Message(fresh("msg"), run.id, key=f"k{n}", due=far_from_now()) for n in range(1000)]
    await world.commit(run.id, 1, [], sends=sends)
    receiving = asyncio.create_task(world.receive(10))
    await asyncio.sleep(0.2)
    asked = world.asked
    for number in range(3):
        await world.send(Message(fresh("msg"), run.id, due=far_from_now()))
        await asyncio.sleep(0.1)
        assert world.asked == asked + number + 1, "a message for later wakes nobody who looks before"
    await world.send(soon := Message(fresh("msg"), run.id, due=time.time() + 0.1))
    assert [delivery.message for delivery in await receiving] == [soon]


async def test_runs_at_once_share_transactions(world: PostgresWorld) -> None:
    runs = [await new_run(world) for _ in range(24)]
    asked = world.asked
    for slot in range(1, 11):
        await asyncio.gather(*(world.commit(run.id, slot, [step_created(f"step_{slot}")]) for run in runs))
    assert world.asked - asked < 24 * 10 / 2
    assert [(await world.load(run.id)).run.slot for run in runs] == [11] * 24


async def test_a_step_in_a_row_is_one_round_trip(world: PostgresWorld) -> None:
    run = await new_run(world)
    asked = world.asked
    for slot in range(1, 4):
        await world.commit(run.id, slot, [step_created(f"step_{slot}")])
    assert world.asked == asked + 3


async def test_a_world_in_a_schema_with_a_strange_but_plain_name(postgres_harness: PostgresHarness) -> None:
    options = options_of(postgres_harness.url.replace("schema=test", "schema=Test$Select"))
    world = PostgresWorld(options)
    await world.open()
    run = await new_run(world)
    assert [listed.id for listed in await world.list_runs()] == [run.id]
    await world.close()
