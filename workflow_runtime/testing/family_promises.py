"""Promises about runs that start, watch and follow each other."""

from __future__ import annotations

import asyncio

import pytest

from workflow_runtime.errors import WorldError
from workflow_runtime.events import Event, EventKind
from workflow_runtime.testing.harness import (
    Harness,
    append,
    child_created,
    created,
    event,
    fresh,
    fresh_run,
    held,
    kinds,
    new_run,
    nothing_comes,
    run_cancelled,
    run_completed,
    run_continued,
    step_created,
    take,
    watch_created,
)
from workflow_runtime.worlds.base import (
    Committed,
    Message,
    NewRun,
    Recorded,
    Refused,
    RunInfo,
    RunStatus,
    World,
)

_WATCH = "watch_000001"
_ENDS = [run_completed(), event(EventKind.RUN_FAILED, error=None), run_cancelled()]


async def _watching(world: World, watched: str) -> RunInfo:
    run = await new_run(world)
    await append(world, run.id, watch_created(_WATCH, watched))
    return run


async def _told(world: World) -> tuple[str, str | None, str | None]:
    """Whose watch the next message is about, and which run has ended."""
    delivery = await take(world)
    await delivery.ack()
    return delivery.message.run_id, delivery.message.watch_id, delivery.message.watched


class FamilyPromises:
    """``commit(runs=…)``, ``watch_created``, ``run_continued`` and what a cancellation means for children."""

    async def test_a_run_says_who_started_it(self, world: World) -> None:
        run_id = fresh("wrun")
        made = created(parent="wrun_parent", root="wrun_root", attributes={"a": "b"})
        run = await world.create_run(run_id, made, Message(fresh("msg"), run_id))
        assert (run.parent, run.root, run.attributes) == ("wrun_parent", "wrun_root", {"a": "b"})
        assert (await world.load(run_id)).run == run
        orphan = await new_run(world)
        assert (orphan.parent, orphan.root, orphan.attributes) == (None, None, {})

    async def test_runs_of_a_commit_are_created_with_their_first_messages(self, world: World, harness: Harness) -> None:
        run = await new_run(world)
        new = [fresh_run(parent=run.id, root=run.id, input=n) for n in range(2)]
        answer = await world.commit(
            run.id, 1, [child_created(f"child_{n}", child.id) for n, child in enumerate(new)], runs=new
        )
        assert isinstance(answer, Committed)
        for child in new:
            log = await world.load(child.id)
            assert (log.run.status, log.run.slot, log.run.parent) == (RunStatus.PENDING, 1, run.id)
            assert [(e.kind, e.slot, e.data) for e in log.events] == [(EventKind.RUN_CREATED, 1, child.created.data)]
            assert await harness.stored_messages(child.id) == [child.message.id]

    async def test_a_refused_commit_creates_no_run(self, world: World, harness: Harness) -> None:
        run, child = await new_run(world), fresh_run()
        assert isinstance(await world.commit(run.id, 0, [], runs=[child]), Refused)
        assert child.id not in [known.id for known in await world.list_runs()]
        assert await harness.stored_messages(child.id) == []

    @pytest.mark.parametrize(
        "broken",
        [
            NewRun("wrun_\ud800", created(), Message("msg_x", "wrun_x")),
            NewRun("wrun_x", step_created("step_000001"), Message("msg_x", "wrun_x")),
            NewRun("wrun_x", created(input=object()), Message("msg_x", "wrun_x")),
            NewRun("wrun_x", created(parent=7), Message("msg_x", "wrun_x")),
            NewRun("wrun_x", created(attributes={"a": 1}), Message("msg_x", "wrun_x")),
            NewRun("wrun_x", created(attributes=["a"]), Message("msg_x", "wrun_x")),
            NewRun("wrun_x", created(), Message("msg_\ud800", "wrun_x")),
        ],
        ids=["bad id", "not created", "unserializable", "bad parent", "bad attribute", "no attributes", "bad message"],
    )
    async def test_a_run_that_can_not_be_created_keeps_the_whole_commit_out(self, world: World, broken: NewRun) -> None:
        run, fine = await new_run(world), fresh_run()
        with pytest.raises(WorldError):
            await world.commit(run.id, 1, [step_created("step_000001")], runs=[fine, broken])
        assert await kinds(world, run.id) == [EventKind.RUN_CREATED]
        assert [known.id for known in await world.list_runs()] == [run.id]

    async def test_a_run_of_a_commit_that_is_there_stays_as_it_is(self, world: World, harness: Harness) -> None:
        run, there = await new_run(world), await new_run(world)
        await append(world, there.id, event(EventKind.RUN_STARTED))
        log = await world.load(there.id)
        again = NewRun(there.id, created(input="other"), Message(fresh("msg"), there.id))
        assert isinstance(await world.commit(run.id, 1, [child_created("child_1", there.id)], runs=[again]), Committed)
        assert await world.load(there.id) == log
        assert await harness.stored_messages(there.id) == []

    @pytest.mark.parametrize("end", _ENDS, ids=lambda end: end.kind)
    async def test_the_end_of_a_run_tells_each_that_watches_it(self, world: World, other: World, end: Event) -> None:
        watched = await new_run(world)
        watchers = [await _watching(world, watched.id) for _ in range(2)]
        await append(world, watchers[0].id, watch_created("watch_000002", watched.id))
        await nothing_comes(world)
        if end.kind is EventKind.RUN_CANCELLED:
            await other.record(watched.id, end)
        else:
            await append(other, watched.id, end)
        assert sorted([await _told(world) for _ in range(3)]) == sorted(
            [
                (watchers[0].id, _WATCH, watched.id),
                (watchers[0].id, "watch_000002", watched.id),
                (watchers[1].id, _WATCH, watched.id),
            ]
        )
        await nothing_comes(world)

    async def test_a_watch_that_is_refused_watches_nothing(self, world: World) -> None:
        watched, run = await new_run(world), await new_run(world)
        assert isinstance(await world.commit(run.id, 0, [watch_created(_WATCH, watched.id)]), Refused)
        await append(world, watched.id, run_completed())
        await nothing_comes(world)

    async def test_a_watch_of_a_run_that_has_ended_is_told_at_once(self, world: World) -> None:
        watched = await new_run(world)
        await append(world, watched.id, run_completed())
        run = await _watching(world, watched.id)
        assert await _told(world) == (run.id, _WATCH, watched.id)
        await nothing_comes(world)

    async def test_a_watch_of_a_run_that_is_not_there_is_told_at_once(self, world: World) -> None:
        run = await _watching(world, "wrun_nobody")
        assert await _told(world) == (run.id, _WATCH, "wrun_nobody")

    async def test_a_run_of_the_same_commit_can_be_watched(self, world: World) -> None:
        run, child = await new_run(world), fresh_run()
        events = [child_created("child_1", child.id), watch_created(_WATCH, child.id)]
        assert isinstance(await world.commit(run.id, 1, events, runs=[child]), Committed)
        await nothing_comes(world)
        await append(world, child.id, run_completed())
        assert await _told(world) == (run.id, _WATCH, child.id)

    async def test_a_run_that_has_ended_is_told_nothing(self, world: World, harness: Harness) -> None:
        watched = await new_run(world)
        run = await _watching(world, watched.id)
        await append(world, run.id, run_completed())
        await append(world, watched.id, run_completed())
        assert await harness.stored_messages(run.id) == []

    async def test_a_run_that_ends_while_it_watches_itself_is_told_nothing(
        self, world: World, harness: Harness
    ) -> None:
        run = await new_run(world)
        await _watching(world, run.id)
        await append(
            world, run.id, watch_created(_WATCH, run.id), watch_created("watch_2", "wrun_nobody"), run_completed()
        )
        assert await harness.stored_messages(run.id) == []

    async def test_an_end_that_was_watched_is_recorded_once(self, world: World) -> None:
        run = await _watching(world, "wrun_nobody")
        fact = event(EventKind.WATCH_COMPLETED, _WATCH, run="wrun_nobody", status="failed", error=None)
        answers = await asyncio.gather(*(world.record(run.id, fact) for _ in range(4)))
        assert sorted(answer.landed for answer in answers) == [False] * 3 + [True]
        unknown = event(EventKind.WATCH_COMPLETED, "unknown", run="wrun_nobody", status="failed")
        assert await world.record(run.id, unknown) == Recorded(False)

    async def test_a_run_that_was_continued_has_ended(self, world: World) -> None:
        run, successor = await new_run(world), fresh_run()
        answer = await world.commit(run.id, 1, [run_continued(successor.id)], runs=[successor])
        assert isinstance(answer, Committed)
        ended = await world.wait_for_end(run.id, 0)
        assert (ended.status, ended.ended_at) == (RunStatus.CONTINUED, 100.0)
        assert [r.id for r in await world.list_runs(status=RunStatus.CONTINUED)] == [run.id]
        assert await world.commit(run.id, 2, [step_created("step_1")]) == Refused(())
        assert (await world.load(successor.id)).run.status is RunStatus.PENDING

    async def test_a_watch_of_a_run_that_is_continued_watches_the_successor(self, world: World) -> None:
        watched, second, third = await new_run(world), fresh_run(), fresh_run()
        run = await _watching(world, watched.id)
        await world.commit(watched.id, 1, [run_continued(second.id)], runs=[second])
        late = await _watching(world, watched.id)
        await world.commit(second.id, 1, [run_continued(third.id)], runs=[third])
        later = await _watching(world, watched.id)
        await nothing_comes(world)
        await append(world, third.id, run_completed())
        told = sorted([await _told(world) for _ in range(3)])
        assert told == sorted((watcher.id, _WATCH, third.id) for watcher in (run, late, later))

    async def test_a_watch_of_a_run_whose_successor_has_ended_or_is_not_there_is_told_at_once(
        self, world: World
    ) -> None:
        ended, first, second = await new_run(world), await new_run(world), await new_run(world)
        await append(world, ended.id, run_completed())
        watchers = [await _watching(world, watched.id) for watched in (first, second)]
        await append(world, first.id, run_continued(ended.id))
        await append(world, second.id, run_continued("wrun_nobody"))
        told = [await _told(world), await _told(world)]
        assert told == [(watchers[0].id, _WATCH, ended.id), (watchers[1].id, _WATCH, "wrun_nobody")]
        late = await _watching(world, first.id)
        assert await _told(world) == (late.id, _WATCH, ended.id)

    async def test_runs_that_continue_each_other_in_a_circle_do_not_stop_the_world(self, world: World) -> None:
        first, second = await new_run(world), await new_run(world)
        run = await _watching(world, first.id)
        await append(world, first.id, run_continued(second.id))
        await append(world, second.id, run_continued(first.id))
        assert (await _told(world))[:2] == (run.id, _WATCH)

    @pytest.mark.parametrize("where", ["run", "", "\ud800"])
    async def test_a_watch_of_nothing_is_refused(self, world: World, where: str) -> None:
        run = await new_run(world)
        bad = event(EventKind.WATCH_CREATED, _WATCH, **({where: 7} if where == "run" else {"run": "\ud800"}))
        with pytest.raises(WorldError):
            await world.commit(run.id, 1, [bad])
        assert await kinds(world, run.id) == [EventKind.RUN_CREATED]

    async def test_the_cancellation_of_a_run_with_children_sends_it_a_message_to_cancel_them(
        self, world: World, harness: Harness
    ) -> None:
        run, child = await new_run(world), fresh_run()
        await world.commit(run.id, 1, [child_created("child_1", child.id)], runs=[child])
        await world.send(Message(fresh("msg"), run.id, due=1e12))
        mine = await held(world, run.id)
        assert await world.record(run.id, run_cancelled(), ack=mine) == Recorded(True)
        delivery = await take(world)
        message = delivery.message
        assert (message.run_id, message.cancels_children, message.step_id) == (run.id, True, None)
        assert await delivery.extend()
        await delivery.again()
        assert (await take(world)).message == message
        assert await harness.stored_messages(run.id) == [message.id]
        assert await world.record(run.id, run_cancelled()) == Recorded(False)
        await nothing_comes(world)

    async def test_no_other_end_cancels_children(self, world: World, harness: Harness) -> None:
        run, child, childless = await new_run(world), fresh_run(), await new_run(world)
        await world.commit(run.id, 1, [child_created("child_1", child.id)], runs=[child])
        await append(world, run.id, run_completed())
        await world.record(childless.id, run_cancelled())
        assert await harness.stored_messages(run.id) == await harness.stored_messages(childless.id) == []
        assert (await world.load(child.id)).run.status is RunStatus.PENDING
