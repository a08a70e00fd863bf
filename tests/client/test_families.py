"""Child runs, cancellation, and runs that go on as others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from workflow_runtime import (
    HookNotFoundError,
    Run,
    RunCancelledError,
    RunFailedError,
    RunNotFoundError,
    RunStatus,
    cancel_runs,
    get_hook,
    get_run,
    list_runs,
    resume_hook,
    start,
)
from workflow_runtime.events import EventKind
from workflow_runtime.ids import child_run_id

pytestmark = pytest.mark.timeout(60)


async def test_children_are_awaited_and_know_their_parents(office: Any) -> None:
    async with office.working():
        run = await start(office.families.parent, [1, 2, 3])
        assert await run.result(20) == [2, 4, 6]

    children = await list_runs(parent=run)
    assert {child.id for child in children} == {child_run_id(run.id, f"child_{n:06d}") for n in (1, 2, 3)}
    assert {(child.workflow, child.root) for child in children} == {("workflow//office.families//double", run.id)}
    assert [info.id for info in await list_runs(workflow=office.families.parent)] == [run.id]


async def test_a_failed_child_raises_with_the_exception_of_its_own_class_as_the_cause(office: Any) -> None:
    async with office.working():
        run = await start(office.families.supervisor)

        assert await run.result(20) == "True True tray 2"


async def test_a_child_that_is_not_awaited_in_time_goes_on(office: Any) -> None:
    async with office.working():
        run = await start(office.families.impatient, "a")
        assert await run.result(20) == "not yet: running"
        assert (await get_hook("a")).run.id == child_run_id(run.id, "child_000001")


async def test_recursive_children_finish_with_one_message_in_hand(office: Any) -> None:
    async with office.working(concurrency=1):
        run = await start(office.families.fibonacci, 6)

        assert await run.result(40) == 8
    assert len(await list_runs(workflow=office.families.fibonacci)) == 25


async def test_a_cancelled_child_raises_where_it_is_awaited(office: Any) -> None:
    async with office.working():
        run = await start(office.families.canceller, "a")
        await office.hook("a")
        await office.hook("a:go")
        await resume_hook("a:go", None)

        assert await run.result(20) == [True, False, "enough", RunStatus.CANCELLED]
        with pytest.raises(HookNotFoundError):
            await get_hook("a")


async def test_who_is_cancelled_takes_children_and_grandchildren_along(office: Any) -> None:
    async with office.working():
        run = await start(office.families.keeper, "a")
        grandchild = (await office.hook("a")).run
        assert await run.cancel("closing time")
        assert not await run.cancel()

        with pytest.raises(RunCancelledError, match="closing time") as told:
            await run.result(20)
        with pytest.raises(RunCancelledError, match="its parent"):
            await grandchild.result(20)
    assert told.value.reason == "closing time"
    assert {info.status for info in await list_runs()} == {RunStatus.CANCELLED}


async def test_runs_are_cancelled_in_bulk_by_what_they_are(office: Any) -> None:
    for number in range(12):
        await start.options(attributes={"of": "ada"})(office.families.waiting, f"ada:{number}")
    other = await start.options(attributes={"of": "bob"})(office.families.waiting, "bob")

    with pytest.raises(ValueError, match="was not told which runs"):
        await cancel_runs()
    with pytest.raises(ValueError, match="completed can not be cancelled"):
        await cancel_runs(status=RunStatus.COMPLETED)
    assert await cancel_runs(attributes={"of": "ada"}, limit=5, reason="some") == 5
    assert await cancel_runs(workflow=office.families.waiting, attributes={"of": "ada"}) == 7
    assert await cancel_runs(attributes={"of": "ada"}) == 0
    assert await other.status() is RunStatus.PENDING
    assert await cancel_runs(status=RunStatus.PENDING) == 1


async def test_workflow_code_finds_and_cancels_other_runs(office: Any) -> None:
    async with office.working():
        for number in range(3):
            await start.options(attributes={"of": "a"})(office.families.waiting, str(number))
            await office.hook(str(number))
        run = await start(office.families.manager, "a")

        assert await run.result(20) == [3, 3, [RunStatus.CANCELLED] * 3, "wrun_NOBODY"]


@pytest.mark.parametrize("run_id", ["wrun_NOBODY", "\ud800", "\0"])
async def test_a_run_that_is_not_there_is_said_not_to_be_there(office: Any, run_id: str) -> None:
    async with office.working():
        run = await start(office.families.watches, run_id)
        with pytest.raises(RunFailedError) as failed:
            await run.result(20)
        nobody = get_run("wrun_NOBODY")
        with pytest.raises(TypeError, match="reason of a cancellation is text"):
            await nobody.cancel(5)  # type: ignore[arg-type]  # what an untyped caller may try
        for asked in (nobody.status(), nobody.info(), nobody.cancel(), nobody.result(1), nobody.streams()):
            with pytest.raises(RunNotFoundError):
                await asked

    assert isinstance(failed.value.__cause__, RunNotFoundError)


async def test_who_awaits_a_continued_run_gets_the_last_ones_result(office: Any) -> None:
    async with office.working():
        alone = await start(office.families.count_down, 4)
        child = await start(office.families.launch, 3)

        assert await alone.result(20) == "lift-off after 4"
        assert await child.result(20) == "lift-off after 3"
    assert await alone.status() is RunStatus.CONTINUED
    assert len(await list_runs(workflow=office.families.count_down)) == 5 + 4
    parents = {info.parent for info in await list_runs(workflow=office.families.count_down)}
    assert parents == {None, child.id}


async def test_a_continued_run_keeps_its_attributes_and_is_cancelled_where_it_goes_on(office: Any) -> None:
    async with office.working():
        run = await start.options(attributes={"of": "ada"})(office.families.endless, "a")
        await office.hook("a:0")
        await resume_hook("a:0", "go on")
        successor = (await office.hook("a:1")).run
        assert (await successor.info()).attributes == {"of": "ada", "round": "0"}
        assert await run.cancel("for good")

        assert await successor.status() is RunStatus.CANCELLED
        with pytest.raises(RunCancelledError, match="for good"):
            await run.result(20)


async def test_a_continued_run_ends_with_what_its_last_part_returns(office: Any) -> None:
    async with office.working():
        run = await start(office.families.endless, "a")
        for number, said in enumerate(["on", "on", "stop"]):
            await office.hook(f"a:{number}")
            await resume_hook(f"a:{number}", said)

        assert await run.result(20) == "stopped in round 2"


async def test_result_gives_up_waiting_after_its_timeout_along_the_whole_chain(office: Any) -> None:
    async with office.working():
        run = await start(office.families.endless, "a")
        await office.hook("a:0")
        await resume_hook("a:0", "go on")
        await office.hook("a:1")
        with pytest.raises(TimeoutError, match=f"run {run.id} has not ended within 0.05 seconds; it goes on"):
            await run.result(0.05)
        assert await cancel_runs(status=RunStatus.RUNNING) == 1


async def test_a_continued_run_names_its_successor(office: Any) -> None:
    async with office.working():
        run = await start(office.families.count_down, 2)
        assert await run.result(20) == "lift-off after 2"
        chain, follower = [run], await run.successor()
        while follower is not None:
            chain.append(follower)
            follower = await follower.successor()

        assert [await one.status() for one in chain] == [*[RunStatus.CONTINUED] * 2, RunStatus.COMPLETED]
        assert await (await start(office.families.follower, run)).result(20) == chain[1]
        with pytest.raises(RunNotFoundError):
            await get_run("wrun_nobody").successor()


async def test_runs_pass_between_steps_and_workflows_with_the_types_of_their_results(office: Any) -> None:
    async with office.working():
        run = await start(office.families.passes, "a")
        ticket = await run.result(20)
        assert isinstance(ticket.run, Run)
        assert [(await other.info()).parent for other in ticket.others] == [run.id]
        reader = await start(office.families.reads, ticket)
        await office.hook("a")
        await resume_hook("a", {"ok": True, "by": "ada"})

        assert await reader.result(20) == [True, "ada", [42]]
        assert await ticket.run.result(20) == office.models.Approval(True, "ada")


async def test_a_child_is_started_with_the_attributes_that_its_parent_gives_it(office: Any) -> None:
    async with office.working():
        run = await start(office.families.labelled)
        child, _, result = (await run.result(20)).partition(" ")

        assert result == "8"
        assert (await get_run(child).info()).attributes == {"kind": "child"}


@pytest.mark.parametrize("delay", [True, False])
async def test_a_key_or_a_delay_is_refused_in_workflow_code(office: Any, delay: bool) -> None:
    async with office.working():
        run = await start(office.families.starts, delay)

        assert "are not for workflow code" in await run.result(20)
    assert EventKind.CHILD_CREATED not in await office.kinds(run.id)


async def test_many_parents_with_many_children_all_end(office: Any) -> None:
    async with office.working():
        runs = await asyncio.gather(*(start(office.families.parent, list(range(8))) for _ in range(8)))

        assert await asyncio.gather(*(run.result(40) for run in runs)) == [[2 * n for n in range(8)]] * 8


async def test_what_is_started_and_set_last_is_not_lost_when_the_workflow_ends_at_once(office: Any) -> None:
    async with office.working():
        run = await start(office.families.fire_and_forget, 4)
        child = await run.result(20)

        assert await child.result(20) == 8
        assert (await run.info()).attributes == {"started": child.id}


async def test_a_child_outlives_the_failure_of_its_parent(office: Any) -> None:
    async with office.working():
        run = await start(office.families.fire_and_fail, 4)
        with pytest.raises(RunFailedError):
            await run.result(20)

        assert await get_run(child_run_id(run.id, "child_000001")).result(20) == 8


async def test_the_runtimes_own_classes_come_back_from_steps_without_annotations(office: Any) -> None:
    async with office.working():
        run = await start(office.families.untyped)

        assert await run.result(20) == [True, True, True]


async def test_workflow_code_knows_its_run_its_workflow_and_the_runs_above(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKFLOW_URL", "https://office.example/")
    async with office.working():
        run = await start(office.families.who, 2)
        first, second, third = await run.result(20)

    assert [one.run_id for one in (first, second, third)] == [run.id, second.run_id, third.run_id]
    assert [one.parent_id for one in (first, second, third)] == [None, run.id, second.run_id]
    assert {one.root_id for one in (first, second, third)} == {run.id}
    assert {one.url for one in (first, second, third)} == {"https://office.example"}
    assert {one.workflow for one in (first, second, third)} == {"workflow//office.families//who"}
    assert first.started_at <= second.started_at <= third.started_at
