"""A run that is started where a receiver waits begins with its message in that one's hands."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from workflow_runtime.events import Event, EventKind
from workflow_runtime.worlds.base import Delivery, Limit, Message
from workflow_runtime.worlds.signals import Signals, Ticket
from workflow_runtime.worlds.sqlite import SqliteWorld
from workflow_runtime.worlds.sqlite.handing import Receiver
from workflow_runtime.worlds.sqlite.records import QUEUE


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[SqliteWorld]:
    """Open, of one process."""
    made = SqliteWorld(tmp_path / "runs.db")
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def other(world: SqliteWorld) -> AsyncIterator[SqliteWorld]:
    """Another process's on the same file."""
    made = SqliteWorld(world.path)
    await made.open()
    yield made
    await made.close()


def created() -> Event:
    data = {"workflow": "workflow//app//main", "bundle": "b", "seed": "s", "input": {"args": []}}
    return Event(EventKind.RUN_CREATED, time.time(), "", data)


async def begin(world: SqliteWorld, run_id: str, **more: Any) -> None:
    await world.create_run(run_id, created(), Message(f"wmsg_{run_id}", run_id, **more))


async def waiting(world: SqliteWorld, limit: int = 1) -> asyncio.Task[list[Delivery]]:
    """A call of ``receive`` that has found nothing and waits."""
    task = asyncio.create_task(world.receive(limit))
    while not world._receivers._waiting:  # noqa: ASYNC110 - nobody is told
        await asyncio.sleep(0.001)
    return task


async def test_it_is_created_and_taken_in_one_transaction_with_its_log(world: SqliteWorld) -> None:
    receiving = await waiting(world)
    before = world.transactions
    await begin(world, "wrun_1")
    [delivery] = await receiving
    assert world.transactions - before == 1
    assert (delivery.message.run_id, delivery.count) == ("wrun_1", 1)
    assert delivery.log == await world.load("wrun_1")
    assert (await world.queue_depth()).in_hand == 1
    assert await delivery.extend()
    await delivery.ack()
    assert await world.list_messages() == []


async def test_who_has_waited_long_enough_still_waits_for_what_is_on_its_way() -> None:
    with Signals().ticket(QUEUE) as ticket:
        receiver = Receiver(1, ticket, asyncio.get_running_loop(), promised=2)
        waiting = asyncio.create_task(receiver.wait(0.01))
        for _ in range(2):
            await asyncio.sleep(0.05)
            assert not waiting.done()
            receiver.keep_promise()
        await asyncio.wait_for(waiting, 10)


async def test_no_more_are_handed_over_than_there_is_room_for(world: SqliteWorld) -> None:
    receiving = await waiting(world, 2)
    await asyncio.gather(*(begin(world, f"wrun_{number}") for number in range(5)))
    got = await receiving
    rest = await world.receive(9)
    assert len(got) == 2
    assert sorted(one.message.run_id for one in (*got, *rest)) == [f"wrun_{number}" for number in range(5)]


@pytest.mark.parametrize("more", [{"limit": Limit("workflow//app//main", 1)}, {"key": "k"}, {"due": 10.0}])
async def test_what_is_not_plain_goes_through_the_queue(world: SqliteWorld, more: dict[str, Any]) -> None:
    receiving = await waiting(world)
    await begin(world, "wrun_1", **more)
    [delivery] = await receiving
    assert delivery.log is None
    assert delivery.message.run_id == "wrun_1"


async def test_a_run_of_a_paused_workflow_waits_in_the_queue(world: SqliteWorld) -> None:
    await world.pause("workflow//app//main")
    receiving = await waiting(world)
    await begin(world, "wrun_1")
    assert (await world.queue_depth()).in_hand == 0
    await world.unpause("workflow//app//main")
    assert [one.message.run_id for one in await receiving] == ["wrun_1"]


async def test_creating_it_again_hands_nothing_over_twice(world: SqliteWorld) -> None:
    receiving = await waiting(world)
    await begin(world, "wrun_1")
    await receiving
    again = await waiting(world)
    await begin(world, "wrun_1")
    await asyncio.sleep(0.05)
    assert not again.done()
    again.cancel()


async def test_what_a_cancelled_receiver_got_is_for_others(
    world: SqliteWorld, other: SqliteWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiving = await waiting(world)
    with monkeypatch.context() as patch:
        patch.setattr(Ticket, "ring", lambda _: None)  # it has got it, and does not know
        await begin(world, "wrun_1")
    receiving.cancel()
    [delivery] = await asyncio.wait_for(other.receive(1), 10)
    assert delivery.message.run_id == "wrun_1"


async def test_what_was_for_a_receiver_that_is_gone_when_it_stands_is_for_others(
    world: SqliteWorld, other: SqliteWorld
) -> None:
    receiving = await waiting(world)
    starting = asyncio.create_task(begin(world, "wrun_1"))
    await asyncio.sleep(0)
    receiving.cancel()
    await starting
    [delivery] = await asyncio.wait_for(other.receive(1), 10)
    assert delivery.message.run_id == "wrun_1"


async def test_a_run_whose_start_is_cancelled_when_it_stands_is_for_whoever_receives(world: SqliteWorld) -> None:
    receiving = await waiting(world)
    starting = asyncio.create_task(begin(world, "wrun_1"))
    await asyncio.sleep(0)
    starting.cancel()
    [delivery] = await asyncio.wait_for(receiving, 10)
    assert delivery.message.run_id == "wrun_1"


async def test_what_a_dead_process_had_been_handed_is_taken_over(world: SqliteWorld, other: SqliteWorld) -> None:
    receiving = await waiting(other)
    await begin(other, "wrun_1")
    await receiving
    other.crash()
    [delivery] = await asyncio.wait_for(world.receive(1), 10)
    assert (delivery.message.run_id, delivery.count) == ("wrun_1", 2)


async def test_who_waits_on_another_loop_is_told_as_ever(world: SqliteWorld) -> None:
    receiving = await waiting(world)
    await asyncio.to_thread(lambda: asyncio.run(begin(world, "wrun_1")))
    [delivery] = await receiving
    assert delivery.log is None
