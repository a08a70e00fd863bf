"""Promises about who runs a step."""

from __future__ import annotations

import asyncio

import pytest

from workflow_runtime.errors import WorldError
from workflow_runtime.events import EventKind
from workflow_runtime.testing.harness import (
    Harness,
    append,
    event,
    far_from_now,
    fresh,
    held,
    kinds,
    new_step,
    run_completed,
    step_completed,
    step_created,
    step_retrying,
)
from workflow_runtime.worlds.base import Recorded, StartStatus, StepStart, World

_STEP = "step_000001"


async def _start(world: World, run_id: str, message_id: str, now: float = 0.0) -> StepStart:
    return await world.start_step(run_id, _STEP, message_id, now)


class StepPromises:
    """``start_step``."""

    async def test_a_start_appends_step_started_owned_by_the_message_and_gives_the_call(self, world: World) -> None:
        run = await new_step(world, input={"args": [1]})
        start = await _start(world, run.id, "msg_a", now=7.0)
        assert start == StepStart(StartStatus.STARTED, attempt=1, input={"args": [1]}, workflow=run.workflow)
        last = (await world.load(run.id)).events[-1]
        assert (last.kind, last.entity, last.time) == (EventKind.STEP_STARTED, _STEP, 7.0)
        assert last.data == {"attempt": 1, "message": "msg_a"}

    async def test_attempts_count_starts_and_failures_count_what_counts(self, world: World) -> None:
        run = await new_step(world)
        seen = []
        for attempt, counted in enumerate((True, False, True), 1):
            start = await _start(world, run.id, "msg_a")
            seen.append((start.attempt, start.failures, start.retryings))
            await world.record(run.id, step_retrying(_STEP, attempt, counted=counted))
        start = await _start(world, run.id, "msg_a")
        assert [*seen, (start.attempt, start.failures, start.retryings)] == [(1, 0, 0), (2, 1, 1), (3, 1, 2), (4, 2, 3)]

    async def test_starts_and_failures_that_were_committed_count_as_well(self, world: World) -> None:
        run = await new_step(world)
        await append(
            world, run.id, event(EventKind.STEP_STARTED, _STEP, attempt=1, message="msg_a"), step_retrying(_STEP)
        )
        start = await _start(world, run.id, "msg_b")
        assert (start.status, start.attempt, start.failures) == (StartStatus.STARTED, 2, 1)

    async def test_a_step_that_waits_for_its_retry_time_does_not_start_before(self, world: World) -> None:
        run = await new_step(world)
        await _start(world, run.id, "msg_a")
        await world.record(run.id, step_retrying(_STEP, retry_at=50.0))
        early = await _start(world, run.id, "msg_a", now=49.9)
        assert (early.status, early.retry_at) == (StartStatus.TOO_EARLY, 50.0)
        assert (await kinds(world, run.id))[-1] is EventKind.STEP_RETRYING
        assert (await _start(world, run.id, "msg_a", now=50.0)).status is StartStatus.STARTED

    async def test_a_step_with_an_outcome_does_not_start(self, world: World) -> None:
        for outcome in (step_completed(_STEP), event(EventKind.STEP_FAILED, _STEP, attempt=1, error=None)):
            run = await new_step(world)
            await _start(world, run.id, "msg_a")
            await world.record(run.id, outcome)
            assert (await _start(world, run.id, "msg_a")).status is StartStatus.ENDED
            assert (await kinds(world, run.id))[-1] is outcome.kind

    async def test_a_step_whose_outcome_was_committed_does_not_start(self, world: World) -> None:
        run = await new_step(world)
        await _start(world, run.id, "msg_a")
        await append(world, run.id, step_completed(_STEP), step_created("step_000002"))
        assert (await _start(world, run.id, "msg_b")).status is StartStatus.ENDED
        assert await world.record(run.id, step_completed(_STEP)) == Recorded(False)

    async def test_a_cancelled_step_does_not_start_and_has_no_outcome(self, world: World) -> None:
        for started in (False, True):
            run = await new_step(world)
            if started:
                await _start(world, run.id, "msg_a")
            await append(world, run.id, event(EventKind.STEP_CANCELLED, _STEP))
            assert (await _start(world, run.id, "msg_a")).status is StartStatus.ENDED
            for fact in (step_completed(_STEP), step_retrying(_STEP), event(EventKind.STEP_FAILED, _STEP, attempt=1)):
                assert await world.record(run.id, fact) == Recorded(False)
            assert (await kinds(world, run.id))[-1] is EventKind.STEP_CANCELLED

    async def test_the_cancellation_of_a_step_is_no_fact(self, world: World) -> None:
        run = await new_step(world)
        with pytest.raises(WorldError):
            await world.record(run.id, event(EventKind.STEP_CANCELLED, _STEP))
        assert (await _start(world, run.id, "msg_a")).status is StartStatus.STARTED

    async def test_a_step_of_an_ended_run_does_not_start(self, world: World) -> None:
        run = await new_step(world)
        await append(world, run.id, run_completed())
        assert (await _start(world, run.id, "msg_a")).status is StartStatus.ENDED

    async def test_a_step_that_a_message_in_hand_runs_is_not_started_by_another(
        self, world: World, other: World
    ) -> None:
        run = await new_step(world)
        owner = await held(world, run.id)
        await _start(world, run.id, owner.message.id)
        for place in (world, other):
            assert (await _start(place, run.id, "msg_other")).status is StartStatus.RUNNING
        assert await world.record(run.id, step_completed(_STEP, attempt=1)) == Recorded(True)

    async def test_the_owning_message_may_start_its_step_again_at_once(self, world: World) -> None:
        run = await new_step(world)
        owner = await held(world, run.id)
        assert [(await _start(world, run.id, owner.message.id)).attempt for _ in range(3)] == [1, 2, 3]

    async def test_another_message_takes_the_step_over_when_the_owning_one_is_gone(self, world: World) -> None:
        run = await new_step(world)
        owner = await held(world, run.id)
        await _start(world, run.id, owner.message.id)
        await owner.ack()
        assert (await _start(world, run.id, "msg_other")).attempt == 2

    async def test_another_message_takes_the_step_over_when_the_owning_one_was_handed_back(self, world: World) -> None:
        run = await new_step(world)
        owner = await held(world, run.id)
        await _start(world, run.id, owner.message.id)
        await owner.again(far_from_now())
        assert (await _start(world, run.id, "msg_other")).attempt == 2

    async def test_another_message_takes_the_step_over_when_the_owning_ones_holder_has_died(
        self, world: World, harness: Harness
    ) -> None:
        run = await new_step(world)
        dying = await harness.make()
        owner = await held(dying, run.id)
        await _start(dying, run.id, owner.message.id)
        await harness.crash(dying)
        assert (await _start(world, run.id, "msg_other")).attempt == 2

    async def test_the_outcome_of_an_attempt_that_was_taken_over_is_dropped(self, world: World) -> None:
        run = await new_step(world)
        await _start(world, run.id, "msg_a")
        await _start(world, run.id, "msg_b")
        assert await world.record(run.id, step_completed(_STEP, attempt=1)) == Recorded(False)
        assert await world.record(run.id, step_completed(_STEP, attempt=2)) == Recorded(True)

    async def test_of_many_starts_at_once_one_starts(self, world: World, other: World) -> None:
        run = await new_step(world)
        owners = [await held(world, run.id, fresh("msg")) for _ in range(6)]
        starts = await asyncio.gather(
            *(_start((world, other)[n % 2], run.id, owner.message.id) for n, owner in enumerate(owners))
        )
        assert sorted(start.status for start in starts) == [StartStatus.RUNNING] * 5 + [StartStatus.STARTED]
        assert (await kinds(world, run.id)).count(EventKind.STEP_STARTED) == 1
