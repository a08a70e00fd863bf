"""Promises about what is delivered first and what is kept back: priorities and limits."""

from __future__ import annotations

import asyncio
import math
import time

import pytest

from workflow_runtime.errors import WorldError
from workflow_runtime.events import Event
from workflow_runtime.testing.harness import (
    A_WHILE,
    SOON,
    Harness,
    append,
    far_from_now,
    fresh,
    new_run,
    nothing_comes,
    run_cancelled,
    run_completed,
    run_continued,
    take,
)
from workflow_runtime.worlds.base import Limit, Message, QueueDepth, World

NAME = "step//shop.payments//limited"


def _message(run_id: str = "wrun_1", limit: Limit | None = None, *, due: float = 0.0) -> Message:
    return Message(fresh("msg"), run_id, due=due, limit=limit)


async def _sent(world: World, *messages: Message) -> None:
    for message in messages:
        await world.send(message)


async def _taken(world: World, limit: int = 100) -> list[Message]:
    return [delivery.message for delivery in await asyncio.wait_for(world.receive(limit), SOON)]


class PriorityPromises:
    """The order of delivery."""

    async def test_a_run_has_the_priority_that_it_was_created_with(self, world: World) -> None:
        runs = [await new_run(world, priority=priority) for priority in (7, -7)] + [await new_run(world)]
        assert [run.priority for run in runs] == [7, -7, 0]
        await append(world, runs[0].id, run_completed())
        assert (await world.load(runs[0].id)).run.priority == 7
        assert [run.priority for run in await world.list_runs()] == [0, -7, 7]

    @pytest.mark.parametrize("priority", ["1", 1.5, 2**31])
    async def test_a_priority_that_is_none_is_refused(self, world: World, harness: Harness, priority: object) -> None:
        with pytest.raises(WorldError):
            await new_run(world, priority=priority)
        assert await world.list_runs() == []

    async def test_messages_of_runs_with_the_highest_priority_come_first(self, world: World, other: World) -> None:
        low, plain, high = [(await new_run(world, priority=priority)).id for priority in (-3, 0, 5)]
        sent = [_message(low, due=1.0), _message(plain, due=2.0), _message(high, due=30.0), _message(high, due=20.0)]
        sent += [_message("wrun_nobody", due=3.0), _message(high, due=far_from_now())]
        await _sent(world, *sent)
        got = [message for limit in (1, 2, 9) for message in await _taken(other, limit)]
        assert got == [sent[n] for n in (3, 2, 1, 4, 0)]

    async def test_a_message_handed_back_keeps_its_priority(self, world: World) -> None:
        high = (await new_run(world, priority=5)).id
        await _sent(world, first := _message(high, due=30.0))
        delivery = await take(world)
        await _sent(world, second := _message(due=1.0))
        await delivery.again()
        assert await _taken(world) == [first, second]


class LimitPromises:
    """``Message.limit``: how many hold a place at once, and how long lies between two."""

    async def test_a_limit_comes_as_it_was_sent(self, world: World, other: World) -> None:
        for limit in (Limit("step//ü \0", 3, 0.25, of_run=True), Limit("", None, 1e9), Limit("'\"", 2**31)):
            await world.send(message := _message(limit=limit))
            assert (await take(other)).message == message

    @pytest.mark.parametrize(
        "limit",
        [Limit(NAME, 0), Limit(NAME, -1), Limit(NAME, 1, -0.5), Limit(NAME, 1, math.nan), Limit("\ud800", 1)],
        ids=repr,
    )
    async def test_a_limit_that_nothing_could_pass_is_refused(
        self, world: World, harness: Harness, limit: Limit
    ) -> None:
        with pytest.raises(WorldError):
            await world.send(_message(limit=limit))
        assert await harness.stored_messages("wrun_1") == []

    async def test_no_more_messages_are_in_hand_than_the_limit_has_places(self, world: World, other: World) -> None:
        sent = [_message(f"wrun_{number}", Limit(NAME, 3)) for number in range(12)]
        await _sent(world, *sent)
        receiving = [asyncio.create_task(place.receive(10)) for place in (world, other, world, other)]
        await asyncio.wait(receiving, timeout=A_WHILE)
        for task in receiving:
            task.cancel()
        answers = await asyncio.gather(*receiving, return_exceptions=True)
        got = [delivery.message for answer in answers if isinstance(answer, list) for delivery in answer]
        assert sorted(message.id for message in got) == [message.id for message in sent[:3]]

    async def test_what_a_limit_keeps_back_keeps_back_nothing_else(self, world: World) -> None:
        await _sent(world, *(_message(limit=Limit(NAME, 1), due=number + 1.0) for number in range(5)))
        await take(world)
        others = [_message(limit=Limit("another", 1), due=8.0), _message(due=9.0)]
        await _sent(world, *others)
        assert await _taken(world) == others

    async def test_a_place_comes_free_with_the_message_that_held_it(self, world: World, other: World) -> None:
        run = await new_run(world)
        await _sent(world, *(_message(run.id, Limit(NAME, 1), due=number + 1.0) for number in range(4)))

        async def by_commit() -> None:
            await world.commit(run.id, 1, [], ack=delivery)

        async def by_record() -> None:
            await world.record(run.id, run_cancelled(), sends=(), ack=delivery)

        async def by_ack() -> None:
            await delivery.ack()

        for give_back in (by_ack, by_commit):
            delivery = await take(world)
            waiting = asyncio.create_task(take(other))
            await asyncio.sleep(A_WHILE / 3)
            assert not waiting.done()
            await give_back()
            await (await waiting).again()
        delivery = await take(world)
        await _sent(world, last := _message("wrun_other", Limit(NAME, 1)))
        waiting = asyncio.create_task(take(other))
        await asyncio.sleep(A_WHILE / 3)
        await by_record()
        assert (await waiting).message == last

    async def test_a_message_handed_back_holds_no_place(self, world: World, other: World) -> None:
        await _sent(world, _message(limit=Limit(NAME, 1), due=1.0), second := _message(limit=Limit(NAME, 1), due=2.0))
        delivery = await take(world)
        waiting = asyncio.create_task(take(other))
        await asyncio.sleep(A_WHILE / 3)
        await delivery.again(3600.0)
        assert (await waiting).message == second

    async def test_the_places_of_the_dead_come_free(self, world: World, harness: Harness) -> None:
        dying = await harness.make()
        await _sent(world, *(_message(limit=Limit(NAME, 1), due=number + 1.0) for number in range(2)))
        delivery = await take(dying)
        await harness.crash(dying)
        again = await take(world)
        assert (again.message, again.count) == (delivery.message, 2)

    async def test_each_message_is_judged_by_its_own_limit(self, world: World) -> None:
        sent = [
            _message(limit=Limit(NAME, concurrency), due=due)
            for due, concurrency in ((1.0, 1), (2.0, 1), (3.0, 2), (4.0, 2), (5.0, None))
        ]
        await _sent(world, *sent)
        assert await _taken(world) == [sent[0], sent[2], sent[4]]
        await nothing_comes(world)

    async def test_runs_of_all_priorities_share_the_places(self, world: World) -> None:
        runs = [(await new_run(world, priority=priority)).id for priority in (0, 5, 0)]
        sent = [_message(run, Limit(NAME, 2), due=number + 1.0) for number, run in enumerate(runs)]
        await _sent(world, *sent)
        assert await _taken(world) == [sent[1], sent[0]]
        await nothing_comes(world)

    async def test_takings_of_one_name_are_so_far_apart(self, world: World, other: World) -> None:
        every = A_WHILE
        await _sent(world, *(_message(limit=Limit(NAME, None, every)) for _ in range(3)))
        before = time.time()
        first = await take(world)
        await take(other)
        assert time.time() >= before + every
        await first.again()
        assert await _taken(world, 10)
        assert time.time() >= before + 2 * every

    async def test_a_message_that_comes_again_is_taken_once_more(self, world: World) -> None:
        await _sent(world, message := _message(limit=Limit(NAME, None, A_WHILE)))
        before = time.time()
        await (await take(world)).again()
        assert (await take(world)).message == message
        assert time.time() >= before + A_WHILE

    async def test_what_is_kept_back_is_due(self, world: World) -> None:
        await _sent(world, *(_message(limit=Limit(NAME, 1)) for _ in range(3)))
        await take(world)
        assert await world.queue_depth() == QueueDepth(due=2, in_hand=1, delayed=0)

    async def test_what_a_limit_keeps_back_can_not_be_taken_either(self, world: World, other: World) -> None:
        first, second = (_message(limit=Limit(NAME, 1, every)) for every in (0.0, 0.001))
        await _sent(world, first, second)
        taken = await world.take(first.id)
        assert taken is not None
        assert await other.take(second.id) is None
        await taken.ack()
        await asyncio.sleep(0.01)
        assert await other.take(second.id) is not None
        await _sent(world, third := _message(limit=Limit(NAME, None, 3600.0)))
        assert await world.take(third.id) is None


class RunLimitPromises:
    """``Limit.of_run``: a place that a run holds until its end."""

    @pytest.mark.parametrize(
        "end", [run_completed(), run_cancelled(), run_continued("wrun_next")], ids=lambda e: e.kind
    )
    async def test_a_run_holds_its_place_until_it_ends(self, world: World, other: World, end: Event) -> None:
        runs = [(await new_run(world)).id for _ in range(2)]
        sent = [_message(run, Limit(NAME, 1, of_run=True), due=number + 1.0) for number, run in enumerate(runs)]
        await _sent(world, *sent)
        delivery = await take(world)
        assert delivery.message == sent[0]
        await delivery.ack()
        waiting = asyncio.create_task(take(other))
        await asyncio.sleep(A_WHILE)
        assert not waiting.done()
        if end.kind == run_cancelled().kind:
            await world.record(runs[0], end)
        else:
            await append(world, runs[0], end)
        assert (await waiting).message == sent[1]

    async def test_a_run_that_holds_a_place_needs_no_second_one(self, world: World, harness: Harness) -> None:
        runs = [(await new_run(world)).id for _ in range(2)]
        limit = Limit(NAME, 1, of_run=True)
        first, waits, again = (
            _message(runs[0], limit, due=1.0),
            _message(runs[1], limit, due=2.0),
            _message(runs[0], limit),
        )
        await _sent(world, first, waits)
        dying = await harness.make()
        await take(dying)
        await harness.crash(dying)
        assert (await take(world)).message == first
        await _sent(world, again)
        assert (await take(world)).message == again
        await nothing_comes(world)

    async def test_a_run_that_has_ended_or_is_not_there_holds_no_place(self, world: World) -> None:
        ended = (await new_run(world)).id
        await append(world, ended, run_completed())
        sent = [_message(run, Limit(NAME, 1, of_run=True)) for run in (ended, "wrun_nobody", (await new_run(world)).id)]
        for message in sent:
            await world.send(message)
            assert (await take(world)).message == message

    async def test_starts_of_runs_are_so_far_apart(self, world: World) -> None:
        limit = Limit(NAME, 5, A_WHILE, of_run=True)
        await _sent(world, *[_message((await new_run(world)).id, limit) for _ in range(2)])
        before = time.time()
        await (await take(world)).ack()
        await take(world)
        assert time.time() >= before + A_WHILE
