"""Promises about runs that begin with a log: ``create_run`` with ``log`` and ``sends``."""

from __future__ import annotations

import pytest

from workflow_runtime.errors import WorldError
from workflow_runtime.events import Event, EventKind
from workflow_runtime.testing.harness import (
    Harness,
    append,
    child_created,
    created,
    event,
    far_from_now,
    fresh,
    hook_created,
    kinds,
    new_run,
    run_cancelled,
    run_completed,
    step_completed,
    step_created,
    take,
    watch_created,
)
from workflow_runtime.worlds.base import Message, Recorded, RunInfo, RunStatus, StartStatus, World

_STARTED = event(EventKind.RUN_STARTED, time=101.0)


async def _begun(world: World, *log: Event, sends: tuple[Message, ...] = (), run_id: str | None = None) -> RunInfo:
    """A run with that log, whose first message comes when no test lives any more."""
    first = Message(fresh("msg"), run_id or fresh("wrun"), due=far_from_now())
    return await world.create_run(first.run_id, created(), first, log=log, sends=sends)


class BeginningPromises:
    """``create_run`` with a log."""

    async def test_a_run_can_begin_with_a_log(self, world: World, other: World) -> None:
        run = await _begun(
            world, _STARTED, step_created("step_1"), event(EventKind.ATTRIBUTES_SET, attributes={"a": "b"})
        )
        log = await other.load(run.id)
        assert log.run == run
        assert (run.status, run.started_at, run.slot, run.attributes) == (RunStatus.RUNNING, 101.0, 4, {"a": "b"})
        assert await kinds(other, run.id) == [
            EventKind.RUN_CREATED,
            _STARTED.kind,
            EventKind.STEP_CREATED,
            EventKind.ATTRIBUTES_SET,
        ]
        assert [run.id for run in await other.list_runs(attributes={"a": "b"})] == [run.id]

    async def test_its_messages_are_sent_with_it(self, world: World, harness: Harness) -> None:
        run_id = fresh("wrun")
        more = Message(fresh("msg"), run_id, "step_1")
        await _begun(world, _STARTED, step_created("step_1"), sends=(more,), run_id=run_id)
        assert (await take(world)).message == more
        assert len(await harness.stored_messages(run_id)) == 2

    async def test_its_steps_and_waits_are_as_the_log_has_left_them(self, world: World) -> None:
        started = event(EventKind.STEP_STARTED, "step_1", attempt=1, message="msg_former")
        run = await _begun(
            world, _STARTED, step_created("step_1"), started, step_completed("step_1"), step_created("step_2", [1]),
            event(EventKind.WAIT_CREATED, "wait_1", until=1.0), event(EventKind.WAIT_CREATED, "wait_2", until=1.0),
            event(EventKind.WAIT_COMPLETED, "wait_1"),
        )  # fmt: skip
        assert (await world.start_step(run.id, "step_1", "msg", 0.0)).status is StartStatus.ENDED
        start = await world.start_step(run.id, "step_2", "msg", 0.0)
        assert (start.status, start.input) == (StartStatus.STARTED, [1])
        assert await world.record(run.id, event(EventKind.WAIT_COMPLETED, "wait_1")) == Recorded(False)
        assert await world.record(run.id, event(EventKind.WAIT_COMPLETED, "wait_2")) == Recorded(True)

    async def test_its_hooks_watches_and_children_are_its_own(self, world: World) -> None:
        owner, watched = await new_run(world), await new_run(world)
        await append(world, owner.id, hook_created("hook_1", "taken"))
        run = await _begun(
            world, _STARTED, hook_created("hook_1", "taken"), hook_created("hook_2", "free"),
            watch_created("watch_1", watched.id), child_created("child_1", "wrun_child"),
        )  # fmt: skip
        assert (await kinds(world, run.id))[2] is EventKind.HOOK_CONFLICT
        assert [hook.token for hook in await world.list_hooks(run.id)] == ["free"]
        await append(world, watched.id, run_completed())
        assert (await take(world)).message.watch_id == "watch_1"
        await world.record(run.id, run_cancelled())
        assert (await take(world)).message.cancels_children

    async def test_a_log_may_end_the_run(self, world: World, harness: Harness) -> None:
        run = await _begun(world, _STARTED, hook_created("hook_1", "free"), run_completed(110.0))
        assert (run.status, run.ended_at) == (RunStatus.COMPLETED, 110.0)
        assert await world.wait_for_end(run.id, 0) == run
        assert await world.hook_by_token("free") is None
        assert await harness.stored_messages(run.id) == []

    async def test_a_run_that_is_there_stays_as_it_is(self, world: World, harness: Harness) -> None:
        run = await new_run(world)
        more = Message(fresh("msg"), run.id)
        assert await _begun(world, _STARTED, sends=(more,), run_id=run.id) == run
        assert await kinds(world, run.id) == [EventKind.RUN_CREATED]
        assert await harness.stored_messages(run.id) == []

    @pytest.mark.parametrize(
        "log",
        [[created()], [run_completed(), _STARTED], [event(EventKind.STEP_COMPLETED, "", attempt=1)]],
        ids=["created twice", "goes on after its end", "no entity"],
    )
    async def test_a_log_that_can_not_be_refuses_the_run(
        self, world: World, harness: Harness, log: list[Event]
    ) -> None:
        with pytest.raises(WorldError):
            await _begun(world, *log, run_id="wrun_refused")
        with pytest.raises(WorldError):
            await _begun(world, run_id="wrun_refused", sends=(Message("msg", "wrun_refused", due=float("nan")),))
        assert await world.list_runs() == []
        assert await harness.stored_messages("wrun_refused") == []
