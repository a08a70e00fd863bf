"""What is started where a worker waits is given to it, and what this process has written itself it does not ask for; nothing is lost or doubled by it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

import asyncpg
import pytest

from tests.worlds.conftest import PostgresHarness
from workflow_runtime.events import EventKind
from workflow_runtime.testing.harness import (
    SOON,
    WORKFLOW,
    append,
    created,
    event,
    far_from_now,
    fresh,
    run_cancelled,
    run_completed,
    step_created,
    take,
)
from workflow_runtime.worlds.base import Committed, Delivery, Limit, Message, Refused, RunStatus
from workflow_runtime.worlds.postgres import PostgresWorld, options_of, session
from workflow_runtime.worlds.postgres.connect import Connection

Worlds = tuple[PostgresWorld, PostgresWorld]


@pytest.fixture
async def worlds(postgres_harness: PostgresHarness, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Worlds]:
    """Two worlds, in which nobody looks anyway: who is not told waits for ever."""
    monkeypatch.setattr(session, "_LOOK_ANYWAY", 3600.0)
    here, there = cast(Worlds, (await postgres_harness.make(), await postgres_harness.make()))
    yield here, there
    for world in (here, there):
        await world.close()


async def receiver(world: PostgresWorld, limit: int = 1) -> asyncio.Task[list[Delivery]]:
    """A call of ``receive`` that waits."""
    receiving = asyncio.ensure_future(world.receive(limit))
    while not ((hatch := world._live().hatch()) and hatch.waited_for("", Message("", ""))):  # noqa: ASYNC110  # nothing tells
        await asyncio.sleep(0)
    return receiving


async def began(world: PostgresWorld, **of_message: Any) -> Message:
    """A new run's first message."""
    message = Message(fresh("msg"), fresh("wrun"), **of_message)
    await world.create_run(message.run_id, created({"a": [1]}, attributes={"k": "v"}), message)
    return message


class Held:
    """Answers to one kind of statement are held back, or lost."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, statement: str) -> None:
        self.done, self.let_go, self.loses = asyncio.Event(), asyncio.Event(), False
        whole = vars(asyncpg.Connection)["_execute"]

        async def execute(connection: Connection, query: str, *arguments: object, **more: object) -> object:
            answer = await whole(connection, query, *arguments, **more)
            if statement in query and not self.done.is_set():
                self.done.set()
                await self.let_go.wait()
                if self.loses:
                    connection.terminate()
                    raise ConnectionResetError("the answer was lost")
            return answer

        monkeypatch.setattr(asyncpg.Connection, "_execute", execute)


async def test_a_run_is_in_the_hands_of_the_worker_beside_it_after_one_round_trip(worlds: Worlds) -> None:
    here, there = worlds
    receiving = await receiver(here)
    asked = here.asked
    message = await began(here, trace="00-trace")
    [delivery] = await receiving
    assert here.asked == asked + 1
    assert (delivery.message, delivery.count) == (message, 1)
    assert delivery.log == await there.load(message.run_id)
    [queued] = await there.list_messages(message.run_id)
    assert (queued.message, queued.in_hand) == (message, True)
    assert await there.take(message.id) is None
    assert await delivery.extend()
    await delivery.ack()
    assert await there.list_messages() == []


async def test_who_has_found_the_queue_empty_does_not_look_again_before_somebody_rings(worlds: Worlds) -> None:
    here, there = worlds
    receiving = await receiver(here)
    for _ in range(3):
        await began(here)
        await receiving
        asked = here.asked
        receiving = await receiver(here)
        assert here.asked == asked
    await there.send(message := Message(fresh("msg"), "wrun_1"))
    assert [got.message for got in await asyncio.wait_for(receiving, SOON)] == [message]


async def test_what_was_sent_while_nobody_waited_is_found(worlds: Worlds) -> None:
    here, there = worlds
    receiving = await receiver(here)
    await began(here)
    await receiving
    await there.send(message := Message(fresh("msg"), "wrun_1"))
    assert (await take(here)).message == message


@pytest.mark.parametrize("of_message", [{"limit": Limit("one", concurrency=1)}, {"key": "k"}])
async def test_messages_that_are_more_than_plain_go_through_the_queue(worlds: Worlds, of_message: Any) -> None:
    here, _ = worlds
    receiving = await receiver(here)
    message = await began(here, **of_message)
    [delivery] = await asyncio.wait_for(receiving, SOON)
    assert (delivery.message, delivery.log) == (message, None)


async def test_a_run_for_later_and_one_of_a_paused_workflow_wait(worlds: Worlds) -> None:
    here, there = worlds
    for workflow in (WORKFLOW, ""):
        receiving = await receiver(here)
        await there.pause(workflow)
        await began(here, due=far_from_now())
        paused = await began(here)
        depth = await there.queue_depth()
        assert (depth.in_hand, receiving.done()) == (0, False)
        await there.unpause(workflow)
        [delivery] = await asyncio.wait_for(receiving, SOON)
        assert delivery.message == paused
        await delivery.ack()


async def test_of_many_runs_at_once_each_comes_once(worlds: Worlds) -> None:
    here, there = worlds
    first, second = await receiver(here, 3), asyncio.ensure_future(here.receive(2))
    elsewhere = await receiver(there, 4)
    messages = await asyncio.gather(*(began(here) for _ in range(30)))
    got: list[str] = []
    waiting = {first: (here, 3), second: (here, 2), elsewhere: (there, 4)}
    while len(got) < len(messages):
        done, _ = await asyncio.wait(waiting, timeout=SOON, return_when=asyncio.FIRST_COMPLETED)
        assert done, f"only {len(got)} came"
        for receiving in done:
            world, limit = waiting.pop(receiving)
            found = receiving.result()
            assert 0 < len(found) <= limit
            got += [delivery.message.id for delivery in found]
            waiting[asyncio.ensure_future(world.receive(limit))] = (world, limit)
    assert sorted(got) == sorted(message.id for message in messages)
    for receiving in waiting:
        receiving.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert (await there.queue_depth()).in_hand == len(messages)


async def test_when_the_receiver_goes_meanwhile_another_gets_the_message(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = worlds
    held = Held(monkeypatch, "begin_run_")
    receiving, elsewhere = await receiver(here), await receiver(there)
    starting = asyncio.ensure_future(began(here))
    await held.done.wait()
    receiving.cancel()
    await asyncio.wait([receiving])
    held.let_go.set()
    [delivery] = await asyncio.wait_for(elsewhere, SOON)
    assert delivery.message == await starting


async def test_a_receiver_that_is_cancelled_with_a_message_in_its_hands_gives_it_back(worlds: Worlds) -> None:
    here, there = worlds
    receiving, elsewhere = await receiver(here), await receiver(there)
    hatch = here._live().hatch()
    assert hatch is not None
    hand = hatch.hand

    def hand_and_cancel(delivery: Delivery) -> bool:
        receiving.cancel()
        return hand(delivery)

    hatch.hand = hand_and_cancel  # type: ignore[method-assign]  # the moment is hard to meet otherwise
    message = await began(here)
    [delivery] = await asyncio.wait_for(elsewhere, SOON)
    assert delivery.message == message
    assert receiving.cancelled()


async def test_who_starts_a_run_and_goes_leaves_it_to_the_worker(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _ = worlds
    held = Held(monkeypatch, "begin_run_")
    receiving = await receiver(here)
    starting = asyncio.ensure_future(began(here))
    await held.done.wait()
    starting.cancel()
    held.let_go.set()
    [delivery] = await asyncio.wait_for(receiving, SOON)
    assert (await here.load(delivery.message.run_id)).run.slot == 1


async def test_a_run_that_began_although_the_answer_was_lost_comes_once(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = worlds
    held = Held(monkeypatch, "begin_run_")
    held.loses = True
    held.let_go.set()
    receiving = await receiver(here)
    message = await began(here)
    [delivery] = await asyncio.wait_for(receiving, SOON)
    assert held.done.is_set()
    assert delivery.message == message
    await delivery.ack()
    assert await there.list_messages() == []
    assert [run.id for run in await there.list_runs()] == [message.run_id]


async def test_beginning_a_run_that_is_there_hands_nothing_over(worlds: Worlds) -> None:
    here, there = worlds
    receiving = await receiver(here)
    run_id = (await began(there, due=far_from_now())).run_id
    again = await here.create_run(run_id, created("other"), Message(fresh("msg"), run_id))
    assert again.attributes == {"k": "v"}
    message = await began(here)
    assert [delivery.message for delivery in await asyncio.wait_for(receiving, SOON)] == [message]
    assert len(await there.list_messages()) == 2


async def test_a_worker_whose_lease_has_run_out_takes_nothing_in_hand(
    worlds: Worlds, postgres_harness: PostgresHarness
) -> None:
    here, _ = worlds
    receiving = await receiver(here)
    lost = here.worker
    await postgres_harness.execute("DELETE FROM {schema}.workers WHERE id = $1", lost)
    message = await began(here)
    [delivery] = await asyncio.wait_for(receiving, SOON)
    assert delivery.message == message
    assert here.worker != lost
    assert await delivery.extend()


async def test_the_end_that_was_written_here_is_not_asked_for(worlds: Worlds) -> None:
    here, there = worlds
    receiving = await receiver(here)
    message = await began(here)
    [delivery] = await receiving
    asked = here.asked
    waiting = asyncio.ensure_future(here.wait_for_end(message.run_id))
    await asyncio.sleep(0)
    await here.commit(message.run_id, 1, [event(EventKind.RUN_STARTED, time=101.0), step_created("step_000001")])
    setting = event(EventKind.ATTRIBUTES_SET, "attr_000001", attributes={"k": None, "l": "w"})
    await here.commit(message.run_id, 3, [setting])
    await here.commit(message.run_id, 4, [run_completed(102.0)], ack=delivery)
    run = await asyncio.wait_for(waiting, SOON)
    end = await here.load(message.run_id, after=run.slot - 1)
    assert here.asked == asked + 3
    assert end == await there.load(message.run_id, after=run.slot - 1)
    assert run == (await there.load(message.run_id)).run
    assert (run.status, run.attributes) == (RunStatus.COMPLETED, {"l": "w"})


async def test_of_an_end_that_nobody_waits_for_nothing_is_kept(worlds: Worlds) -> None:
    here, there = worlds
    receiving = await receiver(here)
    message = await began(here)
    await receiving
    await here.commit(message.run_id, 1, [run_completed()])
    asked = here.asked
    assert await here.wait_for_end(message.run_id) == (await there.load(message.run_id)).run
    assert here.asked == asked + 1


async def test_an_end_that_others_bring_about_is_heard_of_before_and_while_it_is_waited_for(worlds: Worlds) -> None:
    here, there = worlds
    for first in (True, False):
        receiving = await receiver(here)
        message = await began(here)
        await receiving
        waiting = asyncio.ensure_future(here.wait_for_end(message.run_id))
        if first:
            await asyncio.sleep(0)
        else:
            waiting.cancel()
        await there.record(message.run_id, run_cancelled())
        if not first:
            waiting = asyncio.ensure_future(here.wait_for_end(message.run_id))
        assert (await asyncio.wait_for(waiting, SOON)).status is RunStatus.CANCELLED


async def test_what_others_write_in_between_is_not_overlooked(worlds: Worlds) -> None:
    here, there = worlds
    receiving = await receiver(here)
    message = await began(here)
    await receiving
    await here.commit(message.run_id, 1, [step_created("step_000001")])
    await append(there, message.run_id, event(EventKind.ATTRIBUTES_SET, "attr_000001", attributes={"seen": "yes"}))
    assert isinstance(await here.commit(message.run_id, 2, [step_created("step_000002")]), Refused)
    waiting = asyncio.ensure_future(here.wait_for_end(message.run_id))
    assert isinstance(await here.commit(message.run_id, 3, [run_completed()]), Committed)
    run = await asyncio.wait_for(waiting, SOON)
    assert run.attributes == {"k": "v", "seen": "yes"}
    assert run == (await there.load(message.run_id)).run


async def test_who_waits_for_what_is_known_looks_for_himself_after_some_seconds(
    worlds: Worlds, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = worlds
    receiving = await receiver(here)
    message = await began(here)
    await receiving
    monkeypatch.setattr(session, "_LOOK_ANYWAY", 0.2)
    monkeypatch.setattr(there._live().service, "tell", lambda _topics: None)  # it dies before it can say a word
    waiting = asyncio.ensure_future(here.wait_for_end(message.run_id))
    await there.record(message.run_id, run_cancelled())
    assert (await asyncio.wait_for(waiting, SOON)).status is RunStatus.CANCELLED


async def test_a_commit_that_is_called_off_has_landed_or_not_and_the_world_goes_on(
    worlds: Worlds, postgres_harness: PostgresHarness
) -> None:
    here, there = worlds
    receiving = await receiver(here)
    message = await began(here)
    await receiving
    options = options_of(postgres_harness.url)
    blocking = await asyncpg.connect(options.dsn)
    async with blocking.transaction():
        await blocking.execute(f"SELECT 1 FROM {options.quoted}.runs WHERE id = $1 FOR UPDATE", message.run_id)
        committing = asyncio.ensure_future(here.commit(message.run_id, 1, [step_created("step_000001")]))
        while not await blocking.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):  # noqa: ASYNC110  # it has no event
            await asyncio.sleep(0.01)
        committing.cancel()
        await asyncio.wait([committing])
    await blocking.close()
    assert committing.cancelled()
    answer = await here.commit(message.run_id, 1, [run_completed()])
    if isinstance(answer, Refused):
        assert [missed.kind for missed in answer.missed] == [EventKind.STEP_CREATED]
        answer = await here.commit(message.run_id, 2, [run_completed()])
    assert isinstance(answer, Committed)
    assert await here.wait_for_end(message.run_id) == (await there.load(message.run_id)).run
