"""Promises about worlds and runs as a whole."""

from __future__ import annotations

import asyncio

import pytest

from workflow_runtime.errors import RunNotFoundError
from workflow_runtime.events import EventKind
from workflow_runtime.testing.harness import (
    A_WHILE,
    SOON,
    Harness,
    append,
    created,
    event,
    fresh,
    held,
    kinds,
    new_run,
    nothing_comes,
    run_completed,
    step_created,
    take,
)
from workflow_runtime.worlds.base import Message, RunStatus, World


class RunPromises:
    """``open`` and ``close``, ``create_run``, ``load``, ``list_runs``, ``wait_for_end``."""

    async def test_opening_twice_is_opening_once(self, world: World) -> None:
        run = await new_run(world)
        await world.open()
        assert (await world.load(run.id)).run == run

    async def test_closing_twice_is_closing_once(self, harness: Harness) -> None:
        world = await harness.make()
        await world.close()
        await world.close()

    async def test_closing_hands_messages_in_hand_back_at_once(self, world: World, harness: Harness) -> None:
        run = await new_run(world)
        leaving = await harness.make()
        delivery = await held(leaving, run.id)
        waiting = asyncio.create_task(take(world))
        await asyncio.sleep(A_WHILE)
        await leaving.close()
        again = await waiting
        assert again.message == delivery.message
        assert again.count == 2

    async def test_what_was_written_outlives_the_world_that_wrote_it(self, harness: Harness, world: World) -> None:
        writer = await harness.make()
        run = await new_run(writer)
        await append(writer, run.id, step_created("step_000001"))
        await harness.crash(writer)
        assert await kinds(world, run.id) == [EventKind.RUN_CREATED, EventKind.STEP_CREATED]

    async def test_all_methods_may_be_called_from_any_event_loop(self, world: World) -> None:
        run = await new_run(world)

        def elsewhere() -> list[EventKind]:
            async def work() -> list[EventKind]:
                await append(world, run.id, step_created("step_000001"))
                await (await held(world, run.id)).ack()
                return await kinds(world, run.id)

            return asyncio.run(work())

        waiting = asyncio.create_task(asyncio.wait_for(world.wait_for_end(run.id), SOON))
        assert await asyncio.to_thread(elsewhere) == [EventKind.RUN_CREATED, EventKind.STEP_CREATED]
        await append(world, run.id, run_completed())
        assert (await waiting).slot == 3

    async def test_creating_writes_the_run_and_sends_its_first_message(self, world: World) -> None:
        run_id, message = fresh("wrun"), fresh("msg")
        event = created(input=[1])
        run = await world.create_run(run_id, event, Message(message, run_id))
        assert (run.id, run.status, run.slot) == (run_id, RunStatus.PENDING, 1)
        assert (run.workflow, run.bundle) == (event.data["workflow"], event.data["bundle"])
        assert (run.created_at, run.started_at, run.ended_at) == (event.time, None, None)
        [logged] = (await world.load(run_id)).events
        assert (logged.kind, logged.slot, logged.time, logged.data) == (event.kind, 1, event.time, event.data)
        assert (await take(world)).message == Message(message, run_id)

    async def test_creating_a_run_that_is_there_writes_nothing_and_returns_it_as_it_is(
        self, world: World, harness: Harness
    ) -> None:
        run = await new_run(world)
        await append(world, run.id, event(EventKind.RUN_STARTED))
        again = await world.create_run(run.id, created(input="other", time=999.0), Message(fresh("msg"), run.id))
        assert again == (await world.load(run.id)).run
        assert (again.created_at, again.status, again.slot) == (run.created_at, RunStatus.RUNNING, 2)
        assert await harness.stored_messages(run.id) == []

    async def test_a_run_created_by_many_at_once_is_created_once(
        self, world: World, other: World, harness: Harness
    ) -> None:
        run_id = fresh("wrun")
        creating = [
            (world, other)[n % 2].create_run(run_id, created(input=n), Message(fresh("msg"), run_id)) for n in range(8)
        ]
        runs = await asyncio.gather(*creating)
        assert runs == [runs[0]] * 8
        assert len(await harness.stored_messages(run_id)) == 1

    async def test_loading_gives_the_events_after_a_slot_in_order(self, world: World) -> None:
        run = await new_run(world)
        await append(world, run.id, *(step_created(f"step_{n:06d}") for n in range(2, 13)))
        log = await world.load(run.id, after=4)
        assert [logged.slot for logged in log.events] == list(range(5, 13))
        assert [logged.entity for logged in log.events] == [f"step_{n:06d}" for n in range(5, 13)]
        assert log.run.slot == 12
        assert (await world.load(run.id, after=12)).events == ()

    async def test_loading_a_run_that_is_not_there_raises(self, world: World) -> None:
        for run_id in ("wrun_nobody", "", "wrun_\ud800"):
            with pytest.raises(RunNotFoundError):
                await world.load(run_id)

    async def test_a_load_sees_what_was_awaited_before(self, world: World) -> None:
        run = await new_run(world)
        for slot in range(2, 20):
            await world.commit(run.id, slot - 1, [step_created(f"step_{slot:06d}")])
            assert (await world.load(run.id)).run.slot == slot

    async def test_a_load_while_others_commit_ends_where_its_run_says(self, world: World, other: World) -> None:
        run = await new_run(world)

        async def commit() -> None:
            for slot in range(1, 150):
                await other.commit(run.id, slot, [step_created(f"step_{slot:06d}")])

        committing = asyncio.create_task(commit())
        while not committing.done():
            await kinds(world, run.id)  # fails when it does not
            await asyncio.sleep(0)
        await committing

    async def test_runs_are_listed_newest_first_up_to_the_limit(self, world: World) -> None:
        runs = [await new_run(world, time=when) for when in (300.0, 100.0, 200.0, 200.0)]
        newest = [runs[0].id, runs[3].id, runs[2].id, runs[1].id]
        assert [run.id for run in await world.list_runs()] == newest
        assert [run.id for run in await world.list_runs(limit=2)] == newest[:2]
        assert await world.list_runs(limit=0) == []

    async def test_runs_are_listed_by_status_and_workflow(self, world: World) -> None:
        ended, pending, foreign = (
            await new_run(world),
            await new_run(world),
            await new_run(world, workflow="workflow//b"),
        )
        await append(world, ended.id, run_completed())

        async def listed(status: RunStatus | None = None, workflow: str | None = None) -> set[str]:
            return {run.id for run in await world.list_runs(status=status, workflow=workflow)}

        assert await listed(RunStatus.COMPLETED) == {ended.id}
        assert await listed(RunStatus.PENDING) == {pending.id, foreign.id}
        assert await listed(workflow="workflow//b") == {foreign.id}
        assert await listed(RunStatus.COMPLETED, "workflow//b") == set()

    @pytest.mark.parametrize(
        ("end", "status"),
        [
            (EventKind.RUN_COMPLETED, RunStatus.COMPLETED),
            (EventKind.RUN_FAILED, RunStatus.FAILED),
            (EventKind.RUN_CANCELLED, RunStatus.CANCELLED),
        ],
    )
    async def test_a_run_shows_where_it_stands_and_since_when(
        self, world: World, end: EventKind, status: RunStatus
    ) -> None:
        run = await new_run(world)
        await append(world, run.id, event(EventKind.RUN_STARTED, time=101.0))
        started = (await world.load(run.id)).run
        assert (started.status, started.started_at, started.ended_at) == (RunStatus.RUNNING, 101.0, None)
        await append(world, run.id, event(end, time=102.0))
        ended = (await world.load(run.id)).run
        assert (ended.status, ended.started_at, ended.ended_at) == (status, 101.0, 102.0)

    async def test_waiting_for_a_run_that_has_ended_returns_at_once(self, world: World) -> None:
        run = await new_run(world)
        await append(world, run.id, run_completed())
        assert await world.wait_for_end(run.id, timeout=0) == (await world.load(run.id)).run

    async def test_waiting_returns_once_the_run_ends_here_or_elsewhere(self, world: World, other: World) -> None:
        run = await new_run(world)
        waiting = [asyncio.create_task(place.wait_for_end(run.id)) for place in (world, other, world)]
        await asyncio.sleep(A_WHILE)
        await append(world, run.id, step_created("step_000001"))
        assert not any(task.done() for task in waiting)
        await append(other, run.id, run_completed())
        ended = await asyncio.wait_for(asyncio.gather(*waiting), SOON)
        assert [run.status for run in ended] == [RunStatus.COMPLETED] * 3

    async def test_waiting_raises_when_the_time_is_up(self, world: World) -> None:
        run = await new_run(world)
        for timeout in (0.0, 0.05):
            with pytest.raises(TimeoutError):
                await world.wait_for_end(run.id, timeout)

    async def test_waiting_for_a_run_that_is_not_there_raises(self, world: World) -> None:
        with pytest.raises(RunNotFoundError):
            await world.wait_for_end("wrun_nobody", 1.0)

    async def test_an_empty_queue_gives_nothing(self, world: World) -> None:
        await new_run(world)
        await nothing_comes(world)
