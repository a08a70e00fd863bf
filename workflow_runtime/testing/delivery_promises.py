"""Promises about a message in hand: ``take``, ``extend`` and what the queue's depth says of it."""

from __future__ import annotations

import asyncio

import pytest

from workflow_runtime.events import EventKind
from workflow_runtime.testing.harness import (
    Harness,
    append,
    event,
    far_from_now,
    fresh,
    held,
    new_run,
    new_step,
    nothing_comes,
    run_completed,
    step_created,
    take,
)
from workflow_runtime.worlds.base import Message, QueueDepth, World


def _message(due: float = 0.0) -> Message:
    return Message(fresh("msg"), "wrun_1", due=due)


class DeliveryPromises:
    """``take``, ``extend``, ``queue_depth``."""

    async def test_extending_says_whether_to_go_on(self, world: World) -> None:
        run = await new_run(world)
        delivery = await held(world, run.id)
        assert await delivery.extend()
        await append(world, run.id, run_completed())
        assert not await delivery.extend()
        assert not await delivery.extend()
        await delivery.ack()
        assert not await delivery.extend()

    @pytest.mark.parametrize("end", [EventKind.STEP_COMPLETED, EventKind.STEP_FAILED, EventKind.STEP_CANCELLED])
    async def test_extending_says_not_to_go_on_with_a_step_that_has_ended(self, world: World, end: EventKind) -> None:
        run = await new_step(world, "step_1")
        await append(world, run.id, step_created("step_2"))
        held_for = []
        for step_id in ("step_1", "step_2", None):
            await world.send(Message(fresh("msg"), run.id, step_id))
            held_for.append(await take(world))
        await world.start_step(run.id, "step_1", held_for[0].message.id, 0.0)
        assert all([await delivery.extend() for delivery in held_for])
        await append(world, run.id, event(end, "step_1", attempt=1))
        assert [await delivery.extend() for delivery in held_for] == [False, True, True]

    async def test_a_step_that_is_not_known_has_not_ended(self, world: World) -> None:
        run = await new_run(world)
        await world.send(Message(fresh("msg"), run.id, "step_unknown"))
        assert await (await take(world)).extend()

    async def test_a_message_can_be_taken_by_its_id(self, world: World, other: World) -> None:
        await world.send(first := _message())
        await world.send(second := _message())
        taken = await other.take(second.id)
        assert taken is not None
        assert (taken.message, taken.count) == (second, 1)
        assert await taken.extend()
        assert (await take(world)).message == first
        await nothing_comes(world)

    async def test_a_message_that_is_gone_in_hand_or_not_due_can_not_be_taken(self, world: World, other: World) -> None:
        await world.send(in_hand := _message())
        held_by = await other.take(in_hand.id)
        assert held_by is not None
        await world.send(later := _message(due=far_from_now()))
        for place in (world, other):
            for message_id in (in_hand.id, later.id, "msg_nobody", "", "msg_\ud800"):
                assert await place.take(message_id) is None
        await held_by.again()
        again = await world.take(in_hand.id)
        assert again is not None
        assert again.count == 2
        await again.ack()
        assert await world.take(in_hand.id) is None

    async def test_a_message_whose_owner_has_died_can_be_taken(self, world: World, harness: Harness) -> None:
        dying = await harness.make()
        delivery = await held(dying, "wrun_1")
        await harness.crash(dying)
        again = await world.take(delivery.message.id)
        assert again is not None
        assert (again.message, again.count) == (delivery.message, 2)
        await nothing_comes(world)

    async def test_of_many_that_take_a_message_at_once_one_has_it(self, world: World, other: World) -> None:
        await world.send(message := _message())
        taken = await asyncio.gather(*((world, other)[n % 2].take(message.id) for n in range(10)))
        assert taken.count(None) == 9

    async def test_a_message_in_hand_is_taken_over_with_its_receipt(self, world: World, other: World) -> None:
        former = await held(world, "wrun_1")
        assert former.receipt.isascii()
        assert former.receipt.isprintable()
        assert len(former.receipt) <= 200
        taken = await other.take(former.message.id, former.receipt)
        assert taken is not None
        assert (taken.message, taken.count) == (former.message, former.count)
        assert not await former.extend()
        await former.again()
        await former.ack()
        assert await taken.extend()
        await nothing_comes(world)
        await taken.again()
        assert (await take(world)).count == 2

    async def test_a_receipt_that_does_not_hold_is_as_none(self, world: World, other: World) -> None:
        former = await held(world, "wrun_1")
        later = await other.take(former.message.id, former.receipt)
        assert later is not None
        for receipt in (former.receipt, "", "nothing of ours", "\ud800", "9" * 40 + ".\0"):
            assert await other.take(former.message.id, receipt) is None
        await later.again()
        again = await other.take(former.message.id, former.receipt)
        assert again is not None
        assert again.count == 2
        assert await other.take("msg_nobody", again.receipt) is None

    async def test_of_many_that_take_a_message_over_at_once_one_has_it(self, world: World, other: World) -> None:
        former = await held(world, "wrun_1")
        places = [(world, other)[n % 2] for n in range(10)]
        taken = await asyncio.gather(*(place.take(former.message.id, former.receipt) for place in places))
        assert taken.count(None) == 9

    async def test_what_was_taken_over_comes_again_when_its_new_owner_dies_and_not_when_its_former_one_does(
        self, world: World, harness: Harness
    ) -> None:
        first, second = await harness.make(), await harness.make()
        former = await held(first, "wrun_1")
        taken = await second.take(former.message.id, former.receipt)
        assert taken is not None
        await harness.crash(first)
        await nothing_comes(world)
        assert await taken.extend()
        await harness.crash(second)
        assert (await take(world)).message == former.message

    async def test_cancelling_a_take_loses_nothing(self, world: World) -> None:
        for number in range(20):
            await world.send(message := _message())
            taking = asyncio.create_task(world.take(message.id))
            for _ in range(number):
                await asyncio.sleep(0)
            taking.cancel()
            [answer] = await asyncio.gather(taking, return_exceptions=True)
            if isinstance(answer, BaseException):
                answer = await take(world)
            assert answer is not None
            assert answer.message == message
            await answer.ack()

    async def test_the_depth_of_the_queue_tells_what_waits_for_whom(self, world: World, harness: Harness) -> None:
        assert await world.queue_depth() == QueueDepth(0, 0, 0)
        dying = await harness.make()
        await held(dying, "wrun_1")
        mine = await held(world, "wrun_1")
        for due in (0.0, 1.0, 2.0, far_from_now()):
            await world.send(_message(due=due))
        assert await world.queue_depth() == QueueDepth(due=3, in_hand=2, delayed=1)
        await harness.crash(dying)
        assert await world.queue_depth() == QueueDepth(due=4, in_hand=1, delayed=1)
        await mine.again(3600.0)
        assert await world.queue_depth() == QueueDepth(due=4, in_hand=0, delayed=2)
