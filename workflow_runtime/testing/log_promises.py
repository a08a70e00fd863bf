"""Promises about ``commit`` and ``record``."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from workflow_runtime.errors import RunNotFoundError, WorldError
from workflow_runtime.events import Event, EventKind, Json
from workflow_runtime.testing.harness import (
    STEP,
    Harness,
    append,
    event,
    fresh,
    held,
    kinds,
    new_run,
    new_step,
    nothing_comes,
    run_completed,
    step_completed,
    step_created,
    step_retrying,
    take,
)
from workflow_runtime.worlds.base import Committed, Message, Recorded, Refused, RunStatus, StartStatus, World

_STRANGE_VALUES: list[Json] = [
    "NUL \0 inside",
    "half of a pair \ud800, the other half \udfff",
    "two halves that are no pair to Python \ud83d" + "\ude00",
    "a pair 😀, a line separator \u2028, \x1f\x7f",
    "\0\ud800",
    {"\0\udfff": {"": []}},
    2**200,
    -1.5e300,
    [[], {}, None, True, False, "", 0, -0.0],
    {"quotes": "\"'`;--", "escape": "\\u0000 \\"},
]


class LogPromises:
    """``commit`` and ``record``."""

    async def test_a_commit_appends_at_the_slots_after_the_one_it_knew(self, world: World) -> None:
        run = await new_run(world)
        events = [event(EventKind.RUN_STARTED, time=101.0), step_created("step_000001", [1])]
        answer = await world.commit(run.id, 1, events)
        assert isinstance(answer, Committed)
        assert [(e.kind, e.entity, e.slot) for e in answer.events] == [
            (EventKind.RUN_STARTED, "", 2),
            (EventKind.STEP_CREATED, "step_000001", 3),
        ]
        assert (await world.load(run.id, after=1)).events == answer.events

    async def test_a_commit_at_another_slot_than_the_last_writes_nothing_and_tells_what_was_missed(
        self, world: World, harness: Harness
    ) -> None:
        run = await new_run(world)
        mine = await held(world, run.id)
        missed = await append(world, run.id, event(EventKind.RUN_STARTED), step_created("step_000001"))
        sends = [Message(fresh("msg"), run.id)]
        answer = await world.commit(run.id, 1, [step_created("step_000002")], sends=sends, ack=mine)
        assert answer == Refused(missed.events)
        assert await world.commit(run.id, 2, [], sends=sends, ack=mine) == Refused(missed.events[1:])
        assert await world.commit(run.id, 9, [run_completed()], sends=sends, ack=mine) == Refused(())
        assert (await world.load(run.id)).run.slot == 3
        assert await harness.stored_messages(run.id) == [mine.message.id]

    async def test_events_sends_and_ack_are_one_transaction(self, world: World, harness: Harness) -> None:
        run = await new_run(world)
        mine, sent = await held(world, run.id), Message(fresh("msg"), run.id)
        await world.commit(run.id, 1, [step_created("step_000001")], sends=[sent], ack=mine)
        assert await kinds(world, run.id) == [EventKind.RUN_CREATED, EventKind.STEP_CREATED]
        assert await harness.stored_messages(run.id) == [sent.id]
        assert (await take(world)).message == sent

    async def test_a_commit_without_events_sends_and_acks(self, world: World, harness: Harness) -> None:
        run = await new_run(world)
        mine, sent = await held(world, run.id), Message(fresh("msg"), run.id)
        assert await world.commit(run.id, 1, [], sends=[sent], ack=mine) == Committed(())
        assert await harness.stored_messages(run.id) == [sent.id]

    @pytest.mark.parametrize(
        "broken",
        [
            event(EventKind.STEP_CREATED, "step_000002", step=STEP, input=object()),
            event(EventKind.STEP_CREATED, "step_000002", step=STEP, input=float("nan")),
            event(EventKind.STEP_CREATED, "", step=STEP, input=None),
            event(EventKind.STEP_CREATED, "step_\ud800", step=STEP, input=None),
            event(EventKind.STEP_STARTED, "step_000001"),
            event(EventKind.STEP_CREATED, "step_000002", time=float("inf"), step=STEP, input=None),
            event(EventKind.RUN_CREATED, workflow="w", bundle="b", input=None),
        ],
        ids=["unserializable", "nan", "no entity", "bad text", "no attempt", "endless time", "second creation"],
    )
    async def test_a_batch_lands_whole_or_not_at_all(self, world: World, harness: Harness, broken: Event) -> None:
        run = await new_run(world)
        mine = await held(world, run.id)
        with pytest.raises(WorldError):
            await world.commit(
                run.id, 1, [step_created("step_000001"), broken], sends=[Message(fresh("msg"), run.id)], ack=mine
            )
        assert await kinds(world, run.id) == [EventKind.RUN_CREATED]
        assert await harness.stored_messages(run.id) == [mine.message.id]

    async def test_a_message_that_can_not_be_stored_keeps_the_whole_commit_out(self, world: World) -> None:
        run = await new_run(world)
        for bad in (Message("msg_\ud800", run.id), Message(fresh("msg"), run.id, due=float("nan"))):
            with pytest.raises(WorldError):
                await world.commit(run.id, 1, [step_created("step_000001")], sends=[bad])
        assert await kinds(world, run.id) == [EventKind.RUN_CREATED]

    async def test_of_many_commits_at_one_slot_one_wins(self, world: World, other: World) -> None:
        run = await new_run(world)
        answers = await asyncio.gather(
            *((world, other)[n % 2].commit(run.id, 1, [step_created(f"step_{n:06d}")]) for n in range(10))
        )
        [winner] = [answer for answer in answers if isinstance(answer, Committed)]
        assert answers.count(Refused(winner.events)) == 9
        assert (await world.load(run.id, after=1)).events == winner.events

    async def test_facts_and_decisions_that_race_leave_no_hole_and_lose_nothing(
        self, world: World, other: World
    ) -> None:
        run = await new_run(world)
        steps = [f"step_{n:06d}" for n in range(12)]
        await append(world, run.id, *map(step_created, steps))
        for step_id in steps:
            await world.start_step(run.id, step_id, "msg", 0.0)
        recorded = [(world, other)[n % 2].record(run.id, step_completed(s)) for n, s in enumerate(steps)]
        decided = [world.commit(run.id, 25 + n, [step_created(f"step_1{n:05d}")]) for n in range(6)]
        answers = await asyncio.gather(*recorded, *decided)
        assert answers.count(Recorded(True)) == 12
        landed = sum(isinstance(answer, Committed) for answer in answers)
        assert len(await kinds(world, run.id)) == 1 + 12 + 12 + 12 + landed

    @pytest.mark.parametrize("value", _STRANGE_VALUES, ids=range(len(_STRANGE_VALUES)))
    async def test_values_come_back_as_they_were(self, world: World, value: Json) -> None:
        run = await new_run(world, input=value)
        await append(world, run.id, step_created("step_000001", value))
        assert [logged.data["input"] for logged in (await world.load(run.id)).events] == [value, value]
        assert (await world.start_step(run.id, "step_000001", "msg", 0.0)).input == value

    async def test_the_log_shares_no_object_with_its_writers_and_readers(self, world: World) -> None:
        run = await new_run(world)
        value: list[Any] = [1]
        await append(world, run.id, step_created("step_000001", value))
        value.append(2)
        for _ in range(2):
            read = (await world.load(run.id)).events[1].data["input"]
            assert read == [1]
            read.append(3)

    async def test_writing_to_a_run_that_is_not_there_raises(self, world: World) -> None:
        with pytest.raises(RunNotFoundError):
            await world.commit("wrun_nobody", 0, [step_created("step_000001")])
        with pytest.raises(RunNotFoundError):
            await world.record("wrun_nobody", event(EventKind.RUN_CANCELLED))
        with pytest.raises(RunNotFoundError):
            await world.start_step("wrun_nobody", "step_000001", "msg", 0.0)

    async def test_nothing_follows_the_end_of_a_run(self, world: World) -> None:
        run = await new_step(world)
        await append(world, run.id, run_completed())
        assert await world.commit(run.id, 3, [step_created("step_000002")]) == Refused(())
        for fact in (event(EventKind.RUN_CANCELLED), event(EventKind.RUN_FAILED), step_completed("step_000001")):
            assert await world.record(run.id, fact) == Recorded(False)
        assert (await world.start_step(run.id, "step_000001", "msg", 0.0)).status is StartStatus.ENDED
        assert (await kinds(world, run.id))[-1] is EventKind.RUN_COMPLETED
        assert (await world.load(run.id)).run.status is RunStatus.COMPLETED

    async def test_a_commit_with_something_behind_the_end_is_refused_whole(self, world: World) -> None:
        run = await new_run(world)
        with pytest.raises(WorldError):
            await world.commit(run.id, 1, [run_completed(), step_created("step_000001")])
        assert await kinds(world, run.id) == [EventKind.RUN_CREATED]

    @pytest.mark.parametrize("by_record", [False, True], ids=["commit", "record"])
    async def test_the_end_of_a_run_removes_its_messages_that_nobody_has_in_hand(
        self, world: World, harness: Harness, by_record: bool
    ) -> None:
        run, bystander = await new_run(world), await new_run(world)
        in_hand, mine = await held(world, run.id), await held(world, run.id)
        await world.send(Message(fresh("msg"), run.id, due=1e12))
        await world.send(kept := Message(fresh("msg"), bystander.id, due=1e12))
        if by_record:
            await world.record(run.id, event(EventKind.RUN_CANCELLED, reason=None), ack=mine)
        else:
            await world.commit(run.id, 1, [run_completed()], sends=[Message(fresh("msg"), run.id)], ack=mine)
        assert await harness.stored_messages(run.id) == [in_hand.message.id]
        assert await harness.stored_messages(bystander.id) == [kept.id]

    async def test_a_fact_lands_at_whatever_slot_is_next(self, world: World) -> None:
        run = await new_step(world)
        await world.start_step(run.id, "step_000001", "msg", 0.0)
        await append(world, run.id, step_created("step_000002"))
        assert await world.record(run.id, step_completed("step_000001", output=[7])) == Recorded(True)
        last = (await world.load(run.id)).events[-1]
        assert (last.kind, last.slot, last.data["output"]) == (EventKind.STEP_COMPLETED, 5, [7])

    async def test_a_fact_its_sends_and_its_ack_are_one_transaction(self, world: World, harness: Harness) -> None:
        run = await new_run(world)
        mine, sent = await held(world, run.id), Message(fresh("msg"), run.id)
        assert await world.record(run.id, event(EventKind.RUN_STARTED), sends=[sent], ack=mine) == Recorded(True)
        assert await kinds(world, run.id) == [EventKind.RUN_CREATED, EventKind.RUN_STARTED]
        assert await harness.stored_messages(run.id) == [sent.id]

    @pytest.mark.parametrize(
        ("before", "fact"),
        [
            ([step_created("s")], step_completed("s")),
            ([step_created("s")], step_completed("unknown")),
            ([step_created("s"), "start"], step_completed("s", attempt=2)),
            ([step_created("s"), "start", "start"], step_completed("s", attempt=1)),
            ([step_created("s"), "start", step_completed("s")], step_completed("s")),
            ([step_created("s"), "start", step_completed("s")], event(EventKind.STEP_FAILED, "s", attempt=1, error=None)),
            ([step_created("s"), "start", step_completed("s")], step_retrying("s")),
            ([step_created("s"), "start", step_retrying("s")], step_retrying("s")),
            ([step_created("s"), "start", step_retrying("s")], step_completed("s")),
            ([event(EventKind.WAIT_CREATED, "w"), event(EventKind.WAIT_COMPLETED, "w")], event(EventKind.WAIT_COMPLETED, "w")),
            ([event(EventKind.WAIT_CREATED, "w"), event(EventKind.WAIT_CANCELLED, "w")], event(EventKind.WAIT_COMPLETED, "w")),
            ([], event(EventKind.WAIT_COMPLETED, "unknown")),
            ([event(EventKind.RUN_STARTED)], event(EventKind.RUN_STARTED)),
            ([run_completed()], event(EventKind.RUN_CANCELLED, reason=None)),
        ],
        ids=[
            "step not started", "no such step", "attempt to come", "attempt gone by", "completed", "failed after completed",
            "retrying after completed", "same retrying", "completed while waiting", "same wait", "wait cancelled", "no such wait", "run started", "run ended",
        ],
    )  # fmt: skip
    async def test_a_fact_that_the_entitys_state_forbids_is_dropped_with_its_sends_but_acked(
        self, world: World, harness: Harness, before: list[Event | str], fact: Event
    ) -> None:
        run = await new_run(world)
        mine = await held(world, run.id, "msg_owner")
        for done in before:
            if isinstance(done, Event):
                await append(world, run.id, done)
            else:
                await world.start_step(run.id, "s", "msg_owner", 1e9)
        log = await world.load(run.id)
        answer = await world.record(run.id, fact, sends=[Message(fresh("msg"), run.id)], ack=mine)
        assert answer == Recorded(False)
        assert await world.load(run.id) == log
        assert await harness.stored_messages(run.id) == []

    async def test_an_elapsed_wait_is_recorded_once(self, world: World) -> None:
        run = await new_run(world)
        await append(world, run.id, event(EventKind.WAIT_CREATED, "wait_000001", until=1.0))
        answers = await asyncio.gather(
            *(world.record(run.id, event(EventKind.WAIT_COMPLETED, "wait_000001")) for _ in range(5))
        )
        assert sorted(answer.landed for answer in answers) == [False] * 4 + [True]

    async def test_a_decision_is_no_fact(self, world: World) -> None:
        run = await new_run(world)
        with pytest.raises(WorldError):
            await world.record(run.id, step_created("step_000001"))
        assert await kinds(world, run.id) == [EventKind.RUN_CREATED]

    async def test_a_cancellation_is_a_fact_that_ends_the_run(self, world: World) -> None:
        run = await new_run(world)
        assert await world.record(run.id, event(EventKind.RUN_CANCELLED, time=105.0, reason="no")) == Recorded(True)
        ended = await world.wait_for_end(run.id, 0)
        assert (ended.status, ended.ended_at) == (RunStatus.CANCELLED, 105.0)
        await nothing_comes(world)
