"""Promises about the queue: ``send``, ``receive`` and deliveries."""

from __future__ import annotations

import asyncio
import time

from workflow_runtime.events import EventKind
from workflow_runtime.ids import wait_key
from workflow_runtime.testing.harness import (
    A_WHILE,
    SOON,
    Harness,
    append,
    event,
    far_from_now,
    fresh,
    held,
    new_run,
    nothing_comes,
    take,
)
from workflow_runtime.worlds.base import Delivery, Message, World


def _message(run_id: str = "wrun_1", *, key: str | None = None, due: float = 0.0) -> Message:
    return Message(fresh("msg"), run_id, key=key, due=due)


async def _receive(world: World, limit: int = 100) -> list[Delivery]:
    return await asyncio.wait_for(world.receive(limit), SOON)


class QueuePromises:
    """``send``, ``receive`` and what a delivery can do."""

    async def test_a_message_comes_as_it_was_sent(self, world: World, other: World) -> None:
        full = Message(
            fresh("msg"), "wrun_1", "step_000001", "step//a//b", "key \0 ü", 12.5, "w", "wrun_2", True, "00-\0ü"
        )
        for message in (full, _message()):
            await world.send(message)
            delivery = await take(other)
            assert (delivery.message, delivery.count) == (message, 1)
            await delivery.ack()

    async def test_a_message_in_hand_goes_to_nobody_else(self, world: World, other: World) -> None:
        delivery = await held(world, "wrun_1")
        await asyncio.gather(nothing_comes(world), nothing_comes(other))
        assert await delivery.extend()

    async def test_receivers_at_once_share_the_messages_between_them(self, world: World, other: World) -> None:
        sent = [_message() for _ in range(40)]
        for message in sent:
            await world.send(message)
        got: list[str] = []

        async def work(place: World) -> None:
            while len(got) < len(sent):
                got.extend(d.message.id for d in await place.receive(3))

        workers = [asyncio.create_task(work(place)) for place in (world, other, world, other)]
        await asyncio.wait(workers, timeout=SOON, return_when=asyncio.FIRST_COMPLETED)
        for worker in workers:
            worker.cancel()
        assert sorted(got) == sorted(message.id for message in sent)

    async def test_an_acked_message_is_gone_for_good(self, world: World, harness: Harness) -> None:
        delivery = await held(world, "wrun_1")
        await delivery.ack()
        assert await harness.stored_messages("wrun_1") == []
        await nothing_comes(world)

    async def test_acking_what_is_gone_does_nothing(self, world: World, harness: Harness) -> None:
        delivery = await held(world, "wrun_1", "msg_same")
        await delivery.ack()
        await delivery.ack()
        again = await held(world, "wrun_1", "msg_same")
        await delivery.ack()
        assert await harness.stored_messages("wrun_1") == ["msg_same"]
        assert await again.extend()

    async def test_a_message_handed_back_comes_again_with_its_id_and_the_next_count(self, world: World) -> None:
        delivery = await held(world, "wrun_1")
        for count in (2, 3):
            await delivery.again()
            again = await take(world)
            assert (again.message, again.count) == (delivery.message, count)
            delivery = again

    async def test_a_message_handed_back_for_later_does_not_come_before(self, world: World) -> None:
        delivery = await held(world, "wrun_1")
        handed_back = time.time()
        await delivery.again(A_WHILE)
        assert (await take(world)).message == delivery.message
        assert time.time() >= handed_back + A_WHILE

    async def test_who_has_lost_a_message_can_do_nothing_to_it(self, world: World, harness: Harness) -> None:
        lost = await held(world, "wrun_1")
        await lost.again()
        now = await take(world)
        await lost.ack()
        await lost.again(3600.0)
        await world.commit((await new_run(world)).id, 1, [], ack=lost)
        assert not await lost.extend()
        assert await now.extend()
        assert await harness.stored_messages("wrun_1") == [now.message.id]

    async def test_a_message_whose_owner_has_died_is_delivered_again(self, world: World, harness: Harness) -> None:
        dying = await harness.make()
        delivery = await held(dying, "wrun_1")
        await nothing_comes(world)
        await harness.crash(dying)
        again = await take(world)
        assert (again.message, again.count) == (delivery.message, 2)

    async def test_one_with_the_id_of_a_message_in_the_queue_is_dropped(self, world: World, harness: Harness) -> None:
        message = _message()
        await world.send(message)
        await world.send(message)
        delivery = await take(world)
        await world.send(message)
        assert await delivery.extend()
        assert await harness.stored_messages("wrun_1") == [message.id]
        await delivery.ack()
        await world.send(message)
        assert (await take(world)).count == 1

    async def test_one_with_the_key_of_a_message_that_waits_is_dropped(self, world: World, harness: Harness) -> None:
        first = _message(key="k", due=far_from_now())
        await world.send(first)
        await world.send(_message(key="k", due=first.due + 1))
        await world.send(other := _message(key="another", due=first.due))
        assert sorted(await harness.stored_messages("wrun_1")) == sorted([first.id, other.id])
        await nothing_comes(world)

    async def test_the_waiting_one_becomes_due_at_the_earlier_time(self, world: World) -> None:
        first = _message(key="k", due=far_from_now())
        await world.send(first)
        waiting = asyncio.create_task(take(world))
        await asyncio.sleep(A_WHILE)
        await world.send(_message(key="k"))
        assert (await waiting).message == first
        await nothing_comes(world)

    async def test_one_that_is_due_later_does_not_delay_the_waiting_one(self, world: World) -> None:
        await world.send(first := _message(key="k"))
        await world.send(_message(key="k", due=far_from_now()))
        assert (await take(world)).message == first

    async def test_a_message_in_work_swallows_none(self, world: World) -> None:
        await world.send(first := _message(key="k"))
        in_work = await take(world)
        await world.send(second := _message(key="k"))
        assert (in_work.message, (await take(world)).message) == (first, second)

    async def test_a_cancelled_wait_takes_its_message_along(self, world: World) -> None:
        run = await new_run(world)
        await append(world, run.id, event(EventKind.WAIT_CREATED, "wait_1", until=1.0))
        kept = _message(run.id, key=wait_key(run.id, "wait_2"))
        await world.send(_message(run.id, key=wait_key(run.id, "wait_1")))
        await world.send(kept)
        await append(world, run.id, event(EventKind.WAIT_CANCELLED, "wait_1"))
        assert [d.message for d in await _receive(world)] == [kept]

    async def test_a_cancelled_wait_leaves_a_message_in_hand_alone(self, world: World) -> None:
        run = await new_run(world)
        await append(world, run.id, event(EventKind.WAIT_CREATED, "wait_1", until=1.0))
        await world.send(_message(run.id, key=wait_key(run.id, "wait_1")))
        delivery = await take(world)
        await append(world, run.id, event(EventKind.WAIT_CANCELLED, "wait_1"))
        assert await delivery.extend()

    async def test_a_keyed_message_whose_owner_has_died_swallows(self, world: World, harness: Harness) -> None:
        dying = await harness.make()
        await dying.send(first := _message(key="k"))
        await take(dying)
        await harness.crash(dying)
        await world.send(_message(key="k"))
        assert await harness.stored_messages("wrun_1") == [first.id]

    async def test_keyed_messages_sent_at_once_become_one(self, world: World, other: World, harness: Harness) -> None:
        await asyncio.gather(*((world, other)[n % 2].send(_message(key="k", due=1e12)) for n in range(10)))
        assert len(await harness.stored_messages("wrun_1")) == 1

    async def test_a_message_is_not_delivered_before_it_is_due(self, world: World) -> None:
        await world.send(message := _message(due=time.time() + A_WHILE))
        assert (await take(world)).message == message
        assert time.time() >= message.due

    async def test_messages_come_earliest_due_first_up_to_the_limit(self, world: World) -> None:
        sent = [_message(due=due) for due in (30.0, 10.0, 20.0, 20.0, 0.0)]
        for message in sent:
            await world.send(message)
        got = [d.message for limit in (2, 1, 9) for d in await _receive(world, limit)]
        assert got == [sent[n] for n in (1, 2, 3, 0, 4)]

    async def test_receiving_waits_until_a_message_is_sent_here_or_elsewhere(self, world: World, other: World) -> None:
        for sender in (world, other):
            waiting = asyncio.create_task(take(world))
            await asyncio.sleep(A_WHILE)
            assert not waiting.done()
            await sender.send(message := _message())
            assert (await waiting).message == message

    async def test_receiving_waits_until_a_message_is_handed_back_elsewhere(self, world: World, other: World) -> None:
        delivery = await held(other, "wrun_1")
        waiting = asyncio.create_task(take(world))
        await asyncio.sleep(A_WHILE)
        await delivery.again()
        assert (await waiting).message == delivery.message

    async def test_cancelling_a_receive_loses_nothing(self, world: World) -> None:
        sent = {_message().id for _ in range(30)}
        got: set[str] = set()
        for number, message_id in enumerate(sorted(sent)):
            receiving = asyncio.create_task(world.receive(1))
            await asyncio.sleep(0)
            await world.send(Message(message_id, "wrun_1"))
            for _ in range(number % 6):
                await asyncio.sleep(0.0004)
            receiving.cancel()
            [answer] = await asyncio.gather(receiving, return_exceptions=True)
            got |= {d.message.id for d in answer} if isinstance(answer, list) else set()
        while got != sent:
            got |= {d.message.id for d in await _receive(world)}
