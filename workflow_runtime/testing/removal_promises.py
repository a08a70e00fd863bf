"""Promises about removing runs that have ended."""

from __future__ import annotations

from dataclasses import replace

import pytest

from workflow_runtime.errors import RunNotFoundError
from workflow_runtime.events import EventKind
from workflow_runtime.testing.harness import (
    SOON,
    Harness,
    append,
    child_created,
    created,
    event,
    far_from_now,
    fresh,
    hook_created,
    hook_received,
    kinds,
    new_run,
    new_step,
    run_cancelled,
    run_completed,
    step_completed,
    step_created,
    take,
    watch_created,
)
from workflow_runtime.worlds.base import Message, Recorded, RunInfo, RunStatus, StartStatus, World

_STEP = "step_000001"


async def _ended(world: World, at: float, **of_created: object) -> RunInfo:
    run = await new_run(world, **of_created)
    await append(world, run.id, run_completed(at))
    return (await world.load(run.id)).run


async def _left(world: World) -> set[str]:
    return {run.id for run in await world.list_runs()}


class RemovalPromises:
    """``delete_ended``."""

    async def test_runs_that_ended_before_are_removed(self, world: World, other: World) -> None:
        runs = [await _ended(world, at) for at in (50.0, 150.0, 200.0)]
        failed, pending, running = await new_run(world), await new_run(world), await new_run(world)
        await append(world, failed.id, event(EventKind.RUN_FAILED, time=60.0, error=None))
        await append(world, running.id, event(EventKind.RUN_STARTED, time=10.0))
        assert await world.delete_ended(200.0) == 3
        assert await _left(other) == {runs[2].id, pending.id, running.id}
        assert await world.delete_ended(200.0) == 0
        assert await world.delete_ended(200.1) == 1

    async def test_the_oldest_ends_are_removed_first_up_to_the_limit(self, world: World) -> None:
        runs = [await _ended(world, at) for at in (30.0, 10.0, 20.0, 40.0)]
        assert await world.delete_ended(100.0, 2) == 2
        assert await _left(world) == {runs[0].id, runs[3].id}
        assert await world.delete_ended(100.0, 0) == 0
        assert await world.delete_ended(100.0, 1) == 1
        assert await _left(world) == {runs[3].id}

    async def test_a_run_stays_while_its_first_parent_lives(self, world: World) -> None:
        root = await new_run(world)
        child = await _ended(world, 10.0, parent=root.id, root=root.id)
        grandchild = await _ended(world, 10.0, parent=child.id, root=root.id)
        orphan = await _ended(world, 10.0, parent="wrun_nobody", root="wrun_nobody")
        alone = await _ended(world, 10.0)
        assert await world.delete_ended(100.0) == 2
        assert await _left(world) == {root.id, child.id, grandchild.id}
        assert {orphan.id, alone.id}.isdisjoint(await _left(world))
        await append(world, root.id, run_completed(500.0))
        assert await world.delete_ended(100.0) == 2
        assert await _left(world) == {root.id}

    async def test_a_cancelled_run_stays_until_its_children_have_been_told(self, world: World) -> None:
        run, child, _ = await new_run(world), await new_run(world), await _ended(world, 10.0)
        await append(world, run.id, child_created("child_1", child.id))
        await world.record(run.id, replace(run_cancelled(), time=10.0))
        assert await world.delete_ended(100.0) == 1
        assert await _left(world) == {run.id, child.id}
        delivery = await take(world)
        assert delivery.message.cancels_children
        assert await world.delete_ended(100.0) == 0
        await delivery.ack()
        assert await world.delete_ended(100.0) == 1
        assert await _left(world) == {child.id}

    async def test_what_is_removed_is_not_there(self, world: World, other: World, harness: Harness) -> None:
        run = await _ended(world, 10.0, attributes={"a": "b"})
        await world.send(Message(fresh("msg"), run.id, due=far_from_now()))
        assert await world.delete_ended(11.0) == 1
        assert await harness.stored_messages(run.id) == []
        assert await other.list_runs(attributes={"a": "b"}) == []
        for call in (
            other.load(run.id),
            other.list_streams(run.id),
            other.wait_for_end(run.id, SOON),
            other.commit(run.id, run.slot, []),
            other.record(run.id, event(EventKind.RUN_CANCELLED, reason=None)),
            other.list_runs(before=run.id),
        ):
            with pytest.raises(RunNotFoundError):
                await call

    async def test_a_message_of_it_that_is_in_hand_is_gone(self, world: World) -> None:
        run = await _ended(world, 10.0)
        await world.send(Message(fresh("msg"), run.id))
        delivery = await take(world)
        await world.delete_ended(11.0)
        assert not await delivery.extend()
        await delivery.ack()

    async def test_a_run_with_the_id_of_a_removed_one_is_a_new_run(self, world: World) -> None:
        run = await new_step(world)
        hook, wait = hook_created("hook_1", "token"), event(EventKind.WAIT_CREATED, "wait_1", until=1.0)
        await append(world, run.id, hook, wait, event(EventKind.ATTRIBUTES_SET, attributes={"a": "b"}))
        await world.start_step(run.id, _STEP, "msg", 0.0)
        await world.record(run.id, step_completed(_STEP))
        await world.record(run.id, hook_received("hook_1", "key"))
        await world.write_chunks(run.id, "out", [b"0", b"1"])
        await append(world, run.id, run_completed(10.0))
        assert await world.delete_ended(11.0) == 1
        again = await world.create_run(run.id, created(), Message(fresh("msg"), run.id))
        assert (again.status, again.slot, again.attributes) == (RunStatus.PENDING, 1, {})
        assert await kinds(world, run.id) == [EventKind.RUN_CREATED]
        assert await world.list_runs(attributes={"a": "b"}) == []
        assert await world.list_streams(run.id) == []
        assert await world.list_hooks(run.id) == []
        await append(world, run.id, step_created(_STEP), hook_created("hook_1", "token"))
        assert await world.write_chunks(run.id, "out", [b"2"]) == 0
        assert await world.record(run.id, event(EventKind.WAIT_COMPLETED, "wait_1")) == Recorded(False)
        assert await world.record(run.id, hook_received("hook_1", "key")) == Recorded(True)
        start = await world.start_step(run.id, _STEP, "msg", 0.0)
        assert (start.status, start.attempt) == (StartStatus.STARTED, 1)

    async def test_a_removed_run_watches_nothing_and_has_no_children(self, world: World, harness: Harness) -> None:
        run, watched = await new_run(world), await new_run(world)
        await append(world, run.id, watch_created("watch_1", watched.id), child_created("child_1", watched.id))
        await append(world, run.id, run_completed(10.0))
        assert await world.delete_ended(11.0) == 1
        await world.create_run(run.id, created(), first := Message(fresh("msg"), run.id))
        await append(world, watched.id, run_completed())
        assert await harness.stored_messages(run.id) == [first.id]
        await world.record(run.id, event(EventKind.RUN_CANCELLED, reason=None))
        assert await harness.stored_messages(run.id) == []

    async def test_who_watches_what_is_removed_is_told_at_once(self, world: World) -> None:
        removed, watcher = await _ended(world, 10.0), await new_run(world)
        await world.delete_ended(11.0)
        await append(world, watcher.id, watch_created("watch_1", removed.id))
        assert (await take(world)).message.watched == removed.id
