"""Starting: once per key, when it is due, with the attributes by which runs are found."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from workflow_runtime import (
    RunStatus,
    SerializationError,
    WorkflowError,
    WorkflowNotRegisteredError,
    continue_as_new,
    create_hook,
    create_webhook,
    get_hook,
    get_run,
    list_runs,
    resume_hook,
    set_attributes,
    start,
)

pytestmark = pytest.mark.timeout(60)


async def test_started_twice_at_once_with_one_key_it_runs_once(office: Any) -> None:
    keyed = start.options(key="order-17")
    async with office.working():
        runs = await asyncio.gather(*(keyed(office.families.double, number) for number in range(20)))
        results = set(await asyncio.gather(*(run.result(20) for run in runs)))
        late = await keyed(office.families.double, 1000)

        assert {late.id} == {run.id for run in runs}
        assert results == {await late.result(20)}
    assert len(await list_runs()) == 1


async def test_one_key_may_start_a_run_of_each_workflow(office: Any) -> None:
    keyed = start.options(key="order-17")

    assert await keyed(office.families.double, 1) != await keyed(office.families.count_down, 1)


async def test_a_delayed_run_does_not_begin_before_it_is_due(office: Any) -> None:
    async with office.working():
        soon = await start.options(delay="300 ms")(office.families.double, 1)
        much_later = await start.options(delay="2 hours")(office.families.double, 2)
        assert await soon.result(20) == 2

        info = await soon.info()
        assert info.started_at is not None
        assert info.started_at >= info.created_at + 0.3
        assert await much_later.status() is RunStatus.PENDING
        assert await much_later.cancel()


async def test_attributes_come_from_the_start_the_workflow_and_its_steps(office: Any) -> None:
    async with office.working():
        run = await start.options(attributes={"old": "x", "customer": "c1"})(office.families.tagged, "ada")
        other = await start(office.families.tagged, "bob")
        await run.result(20)
        await other.result(20)

    assert (await run.info()).attributes == {"customer": "c1", "workflow": "ada", "step": "ada"}
    assert [info.id for info in await list_runs(attributes={"workflow": "ada", "step": "ada"})] == [run.id]
    assert await list_runs(attributes={"workflow": "ada", "step": "bob"}) == []
    assert await list_runs(attributes={"old": "x"}) == []


async def test_a_run_has_no_more_attributes_than_it_may(office: Any) -> None:
    async with office.working():
        few = await start(office.families.too_many)
        more = await start.options(attributes={"one": "more"})(office.families.too_many)

        assert await few.result(20) == "fine"
        assert "65 attributes, and may have 64" in await more.result(20)


async def test_runs_are_listed_newest_first_and_page_by_page(office: Any) -> None:
    started = []
    for number in range(5):
        started.append(await start(office.families.double, number))
        await asyncio.sleep(0.002)  # so that no two were created in one millisecond
    newest = [run.id for run in reversed(started)]

    first = await list_runs(limit=2)
    rest = await list_runs(before=get_run(first[-1].id))
    assert [info.id for info in (*first, *rest)] == newest
    assert await list_runs(status=[RunStatus.COMPLETED, RunStatus.FAILED]) == []
    assert await list_runs(workflow="workflow//office.families//parent") == []
    with pytest.raises(ValueError, match="'parent' is no workflow's id"):
        await list_runs(workflow="parent")


async def test_what_can_not_be_started_is_refused_before_anything_is_stored(office: Any) -> None:
    async def unknown() -> None: ...

    double: Any = office.families.double
    with pytest.raises(TypeError, match=r"^\w+\(\): missing a required argument"):
        await start(double)
    with pytest.raises(TypeError, match=r"'delay'; did you mean start.options\(key=…, delay=…\)\(…\)\?"):
        await start(double, 1, delay=3, key="a")
    with pytest.raises(WorkflowError, match="is a step; start"):
        await start(office.families.name_of, 1)
    with pytest.raises(TypeError, match="a workflow is a function"):
        await start("office.families.double")  # type: ignore[arg-type]  # what an untyped caller may try
    with pytest.raises(SerializationError):
        await start(double, object())
    with pytest.raises(WorkflowNotRegisteredError):
        await start(unknown)
    assert await list_runs() == []


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"key": ""}, "key is empty"),
        ({"key": 17}, "key is text, not 17"),
        ({"key": "x" * 1025}, "key has 1,025 bytes"),
        ({"key": "a\0b"}, "null character"),
        ({"key": "\ud800"}, "surrogate"),
        ({"delay": "soon"}, "'soon' is no duration"),
        ({"delay": True}, "no duration"),
        ({"attributes": {"$mine": "x"}}, "begin with \\$"),
        ({"attributes": {"": "x"}}, "can not be named ''"),
        ({"attributes": {"n": 1}}, "attribute 'n' is text"),
        ({"attributes": {1: "n"}}, "name of an attribute is text"),
        ({"attributes": {"n": None}}, "n are None"),
        ({"attributes": {"n": "é" * 129}}, "258 bytes, and may have 256"),
        ({"attributes": {"n" * 257: ""}}, "257 bytes"),
        ({"attributes": {str(n): "" for n in range(65)}}, "65 attributes"),
        ({"attributes": ["a"]}, "mapping of text"),
    ],
)
def test_options_that_can_not_be_are_refused_where_they_are_given(options: Any, error: str) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        start.options(**options)


async def test_what_belongs_in_a_workflow_says_so_elsewhere(office: Any) -> None:
    for call in (create_hook, create_webhook, continue_as_new):
        with pytest.raises(WorkflowError, match="outside of workflow code"):
            call()
    with pytest.raises(WorkflowError, match="outside of a run"):
        await set_attributes({"a": "b"})


@pytest.mark.parametrize("token", ["", "x" * 1025, 17, None, "\ud800"])
async def test_tokens_that_can_not_be_are_refused(office: Any, token: Any) -> None:
    with pytest.raises((TypeError, ValueError), match="token"):
        await resume_hook(token, 1)
    with pytest.raises((TypeError, ValueError), match="token"):
        await get_hook(token)
