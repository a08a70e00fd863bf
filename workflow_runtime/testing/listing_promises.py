"""Promises about attributes and about finding runs, pages of their logs, and messages."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

import pytest

from workflow_runtime.errors import RunNotFoundError, WorldError
from workflow_runtime.events import EventKind, Json
from workflow_runtime.testing.harness import (
    Harness,
    append,
    created,
    event,
    far_from_now,
    fresh,
    held,
    kinds,
    new_run,
    new_step,
    run_cancelled,
    run_completed,
    step_completed,
    step_created,
    take,
)
from workflow_runtime.worlds.base import Limit, Message, Queued, Recorded, RunStatus, World

_STEP = "step_000001"


def _set(step: str | None = None, **attributes: Json) -> Any:
    data = {"attributes": attributes} if step is None else {"attributes": attributes, "step": step}
    return event(EventKind.ATTRIBUTES_SET, **data)


async def _ids(world: World, **wanted: Any) -> list[str]:
    return [run.id for run in await world.list_runs(**wanted)]


class ListingPromises:
    """``load`` in pages, ``list_runs`` with all that it filters by, ``attributes_set``."""

    async def test_a_log_can_be_loaded_in_pages(self, world: World) -> None:
        run = await new_run(world)
        await append(world, run.id, *(step_created(f"step_{n:06d}") for n in range(2, 12)))
        whole = await world.load(run.id)
        page = await world.load(run.id, limit=4)
        assert (page.run, page.events) == (whole.run, whole.events[:4])
        assert page.events[-1].slot < page.run.slot
        assert (await world.load(run.id, after=4, limit=4)).events == whole.events[4:8]
        assert (await world.load(run.id, after=8, limit=4)).events == whole.events[8:]
        assert (await world.load(run.id, limit=11)).events == whole.events
        assert (await world.load(run.id, limit=0)).events == ()

    async def test_runs_are_listed_by_several_statuses(self, world: World) -> None:
        done, cancelled, pending = await new_run(world), await new_run(world), await new_run(world)
        await append(world, done.id, run_completed())
        await world.record(cancelled.id, run_cancelled())
        several: list[Collection[RunStatus]] = [
            [RunStatus.COMPLETED, RunStatus.CANCELLED],
            {RunStatus.CANCELLED, RunStatus.COMPLETED, RunStatus.FAILED},
            (RunStatus.COMPLETED, RunStatus.COMPLETED, RunStatus.CANCELLED),
        ]
        for statuses in several:
            assert await _ids(world, status=statuses) == [cancelled.id, done.id]
        assert await _ids(world, status=[RunStatus.PENDING]) == [pending.id]
        assert await _ids(world, status=list(RunStatus), limit=2) == [pending.id, cancelled.id]
        assert await _ids(world, status=()) == []

    async def test_runs_are_listed_by_their_parent(self, world: World) -> None:
        parent = await new_run(world)
        children = [await new_run(world, parent=parent.id, root=parent.id) for _ in range(2)]
        grandchild = await new_run(world, parent=children[0].id, root=parent.id)
        assert await _ids(world, parent=parent.id) == [children[1].id, children[0].id]
        assert await _ids(world, parent=children[0].id) == [grandchild.id]
        assert await _ids(world, parent="wrun_nobody") == []

    async def test_runs_are_listed_by_attributes_of_which_they_have_each(self, world: World) -> None:
        first = await new_run(world, attributes={"customer": "c1", "plan": "free"})
        second = await new_run(world, attributes={"customer": "c1"})
        await new_run(world, attributes={"customer": "c2", "plan": "c1"})
        await new_run(world)
        assert await _ids(world, attributes={"customer": "c1"}) == [second.id, first.id]
        assert await _ids(world, attributes={"customer": "c1", "plan": "free"}) == [first.id]
        assert await _ids(world, attributes={"customer": "c1", "plan": "dear"}) == []
        assert await _ids(world, attributes={"customer": "c1", "other": "x"}) == []
        assert len(await _ids(world, attributes={})) == 4

    async def test_runs_are_listed_page_by_page(self, world: World) -> None:
        runs = [await new_run(world, time=when) for when in (300.0, 100.0, 200.0, 200.0, 200.0)]
        newest = [runs[n].id for n in (0, 4, 3, 2, 1)]
        for position, run_id in enumerate(newest):
            assert await _ids(world, before=run_id) == newest[position + 1 :]
            assert await _ids(world, before=run_id, limit=2) == newest[position + 1 :][:2]
        with pytest.raises(RunNotFoundError):
            await world.list_runs(before="wrun_nobody")

    async def test_runs_fit_all_that_is_given(self, world: World) -> None:
        parent = await new_run(world)
        of_created: dict[str, Json] = {"parent": parent.id, "attributes": {"a": "b"}, "workflow": "workflow//w"}
        runs = [await new_run(world, **of_created) for _ in range(3)]
        for left_out in of_created:
            await new_run(world, **{name: value for name, value in of_created.items() if name != left_out})
        await append(world, runs[1].id, run_completed())
        wanted = {**of_created, "status": [RunStatus.PENDING]}
        assert await _ids(world, **wanted) == [runs[2].id, runs[0].id]
        assert await _ids(world, **wanted, before=runs[2].id) == [runs[0].id]
        assert await _ids(world, **wanted, before=runs[1].id, limit=5) == [runs[0].id]

    async def test_runs_are_listed_by_what_their_ids_begin_with(self, world: World) -> None:
        ids = ["run_a", "run_ab", "run_b", "run_\U0010ffff", "run_\U0010ffff1", "run_\ud7ff", "run_%", "RUN_A"]
        for run_id in ids:
            await world.create_run(run_id, created(), Message(fresh("msg"), run_id))
        for prefix in ("", "run_", "run_a", "run_ab", "run_abc", "run_\U0010ffff", "run_\ud7ff", "run_%", "\ud800"):
            wanted = [run_id for run_id in reversed(ids) if run_id.startswith(prefix)]
            assert await _ids(world, prefix=prefix) == wanted
        assert await _ids(world, prefix="run_a", limit=1) == ["run_ab"]

    async def test_runs_are_listed_by_when_they_were_created(self, world: World) -> None:
        runs = [(await new_run(world, time=when, attributes={"a": "b"})).id for when in (10.0, 20.0, 30.0)]
        for more in ({}, {"attributes": {"a": "b"}}):
            assert await _ids(world, since=20.0, **more) == [runs[2], runs[1]]
            assert await _ids(world, until=20.0, **more) == [runs[0]]
            assert await _ids(world, since=10.5, until=30.0, **more) == [runs[1]]
            assert await _ids(world, since=30.0, until=30.0, **more) == []
        assert await _ids(world, since=10.0, before=runs[2], prefix="wrun_", status=RunStatus.PENDING, limit=1) == [
            runs[1]
        ]

    async def test_runs_are_counted_by_status(self, world: World) -> None:
        assert await world.count_runs() == dict.fromkeys(RunStatus, 0)
        runs = [await new_run(world, time=10.0 * number) for number in range(5)]
        await append(world, runs[0].id, run_completed())
        await append(world, runs[1].id, run_completed())
        await world.record(runs[2].id, run_cancelled())
        nothing = dict.fromkeys(RunStatus, 0)
        counted = {RunStatus.COMPLETED: 2, RunStatus.CANCELLED: 1, RunStatus.PENDING: 2}
        assert await world.count_runs() == {**nothing, **counted}
        assert await world.count_runs(at_most=1) == {**nothing, **dict.fromkeys(counted, 1)}
        assert await world.count_runs(since=10.0, until=30.0) == {
            **nothing,
            RunStatus.COMPLETED: 1,
            RunStatus.CANCELLED: 1,
        }

    async def test_only_runs_that_fit_are_counted(self, world: World) -> None:
        of_created: dict[str, Json] = {"attributes": {"a": "b"}, "workflow": "workflow//w", "time": 10.0}
        await new_run(world, **of_created)
        for left_out in of_created:
            await new_run(world, **{name: value for name, value in of_created.items() if name != left_out})
        one = {**dict.fromkeys(RunStatus, 0), RunStatus.PENDING: 1}
        assert await world.count_runs(workflow="workflow//w", attributes={"a": "b"}, until=20.0) == one
        for wanted in ({"workflow": "\ud800"}, {"attributes": {"a": "\ud800"}}, {"workflow": "workflow//nobody"}):
            assert not any((await world.count_runs(**wanted)).values())

    async def test_messages_are_listed_those_that_are_ready_first_at_the_front(
        self, world: World, other: World
    ) -> None:
        assert await world.list_messages() == []
        limit = Limit("step//limited", 1, 2.0)
        sent = [
            Message(fresh("msg"), run, "step_1", due=due, limit=limit)
            for run, due in (("wrun_1", 30.0), ("wrun_2", 10.0), ("wrun_1", 20.0), ("wrun_1", far_from_now()))
        ]
        for message in sent:
            await world.send(message)
        in_order = [Queued(sent[n], sent[n].due, False, 0) for n in (1, 2, 0, 3)]
        assert await other.list_messages() == in_order
        assert await other.list_messages("wrun_1") == in_order[1:]
        assert await other.list_messages("wrun_1", limit=1) == in_order[1:2]
        assert await other.list_messages(limit=0) == []
        for nobody in ("wrun_nobody", "\ud800"):
            assert await other.list_messages(nobody) == []

    async def test_messages_that_tell_a_run_of_something_are_listed_without_the_others(
        self, world: World, other: World
    ) -> None:
        news = [
            Message(fresh("msg"), "wrun_1", key="wrun_1:wait_1", due=10.0),
            Message(fresh("msg"), "wrun_2", watch_id="watch_1", watched="wrun_3", due=20.0),
            Message(fresh("msg"), "wrun_2", cancels_children=True, due=30.0),
        ]
        others = [Message(fresh("msg"), "wrun_1", due=5.0), Message(fresh("msg"), "wrun_1", "step_1", due=5.0)]
        for message in (*others, *reversed(news)):
            await world.send(message)
        assert [queued.message for queued in await other.list_messages(only_news=True)] == news
        assert [queued.message for queued in await other.list_messages(only_news=True, limit=1)] == news[:1]
        assert [queued.message for queued in await other.list_messages("wrun_2", only_news=True)] == news[1:]
        delivery = await world.take(news[0].id)
        assert delivery is not None
        await delivery.again()
        assert [queued.message for queued in await other.list_messages(only_news=True)] == news[1:]

    async def test_listed_messages_tell_who_has_them_and_how_often_they_came(
        self, world: World, harness: Harness
    ) -> None:
        dying = await harness.make()
        await held(dying, "wrun_1")
        await held(world, "wrun_2")
        [of_dying, of_world] = [(await world.list_messages(run))[0] for run in ("wrun_1", "wrun_2")]
        assert [(queued.in_hand, queued.deliveries) for queued in (of_dying, of_world)] == [(True, 1), (True, 1)]
        await harness.crash(dying)
        await take(world)
        assert [(queued.in_hand, queued.deliveries) for queued in await world.list_messages("wrun_1")] == [(True, 2)]
        await world.send(message := Message(fresh("msg"), "wrun_3"))
        before = time.time()
        await (await take(world)).again(3600.0)
        [queued] = await world.list_messages("wrun_3")
        assert (queued.message, queued.in_hand, queued.deliveries) == (message, False, 1)
        assert queued.ready_at >= before + 3599.0

    async def test_nothing_is_called_what_can_not_be_stored(self, world: World) -> None:
        await new_run(world, attributes={"a": "b"}, parent="wrun_parent")
        for wanted in ({"workflow": "\ud800"}, {"parent": "\ud800"}, {"attributes": {"a": "\ud800"}}):
            assert await _ids(world, **wanted) == []

    async def test_attributes_set_by_the_workflow_change_what_the_run_has(self, world: World) -> None:
        run = await new_run(world, attributes={"kept": "1", "changed": "1", "removed": "1"})
        await append(world, run.id, _set(changed="2", removed=None, added="2"))
        wanted = {"kept": "1", "changed": "2", "added": "2"}
        assert (await world.load(run.id)).run.attributes == wanted
        assert await _ids(world, attributes=wanted) == [run.id]
        for gone in ({"changed": "1"}, {"removed": "1"}):
            assert await _ids(world, attributes=gone) == []
        await append(world, run.id, _set(unknown=None), _set(kept="3"), _set(kept=None, added="4"), run_completed())
        [ended] = await world.list_runs(attributes={"added": "4"}, status=RunStatus.COMPLETED)
        assert ended.attributes == {"changed": "2", "added": "4"}
        assert await world.wait_for_end(run.id, 0) == ended

    async def test_attributes_set_by_a_step_are_a_fact(self, world: World) -> None:
        run = await new_step(world)
        await world.start_step(run.id, _STEP, "msg", 0.0)
        assert await world.record(run.id, _set(_STEP, a="b")) == Recorded(True)
        log = await world.load(run.id)
        assert log.run.attributes == {"a": "b"}
        assert log.events[-1].data == {"attributes": {"a": "b"}, "step": _STEP}

    async def test_a_step_that_has_ended_sets_no_attributes(self, world: World) -> None:
        run, ended = await new_step(world), await new_step(world)
        await world.start_step(run.id, _STEP, "msg", 0.0)
        await world.record(run.id, step_completed(_STEP))
        await append(world, ended.id, run_completed())
        for run_id, step in ((run.id, _STEP), (run.id, "unknown"), (ended.id, _STEP)):
            assert await world.record(run_id, _set(step, a="b")) == Recorded(False)
            assert (await world.load(run_id)).run.attributes == {}

    async def test_attributes_are_what_they_are(self, world: World) -> None:
        strange = {
            "": "",
            "NUL \0 inside": "\0",
            "ü 😀": "\u2028",
            "a'\"": "%",
            "A": "1",
            "a": "2",
            "x" * 2000: "y" * 2000,
        }
        run = await new_run(world, attributes=strange)
        await new_run(world, attributes={name: f"{value}\0" for name, value in strange.items()})
        assert run.attributes == strange
        for name, value in strange.items():
            assert await _ids(world, attributes={name: value}) == [run.id]

    @pytest.mark.parametrize(
        "attributes", [{"a": 1}, {"\ud800": "b"}, {"a": "\ud800"}, {"a": ["b"]}, ["a"], "a"], ids=repr
    )
    async def test_attributes_that_are_no_text_are_refused(
        self, world: World, harness: Harness, attributes: Json
    ) -> None:
        run = await new_step(world)
        await world.start_step(run.id, _STEP, "msg", 0.0)
        with pytest.raises(WorldError):
            await world.commit(run.id, 3, [event(EventKind.ATTRIBUTES_SET, attributes=attributes)])
        with pytest.raises(WorldError):
            await world.record(run.id, event(EventKind.ATTRIBUTES_SET, attributes=attributes, step=_STEP))
        assert (await kinds(world, run.id))[-1] is EventKind.STEP_STARTED
        assert await harness.stored_messages(run.id) == []

    async def test_attributes_that_no_step_sets_are_no_fact(self, world: World) -> None:
        run = await new_run(world)
        with pytest.raises(WorldError):
            await world.record(run.id, _set(a="b"))
