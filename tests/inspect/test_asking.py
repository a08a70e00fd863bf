"""Which runs are meant, page by page; and JSON whose names do not change."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.inspect.shop import START, Scribe, checkout, contract, refund
from workflow_runtime.errors import RunNotFoundError, WorkflowError
from workflow_runtime.events import EventKind
from workflow_runtime.inspect import as_json
from workflow_runtime.inspect.asking import Filter, find_id, find_runs, read_attribute, read_statuses, read_time
from workflow_runtime.inspect.show import Request, show
from workflow_runtime.seeing.reading import read_briefly, read_list, read_run
from workflow_runtime.seeing.rows import State
from workflow_runtime.seeing.standing import standing
from workflow_runtime.seeing.timeline import timeline
from workflow_runtime.worlds.base import RunStatus, World
from workflow_runtime.worlds.memory import MemoryWorld
from workflow_runtime.worlds.sqlite import SqliteWorld

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(params=["memory", "sqlite"])
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """A world with a little of everything."""
    made: World = MemoryWorld() if request.param == "memory" else SqliteWorld(tmp_path / "runs.db")
    await made.open()
    for n in range(30):
        run = (checkout, refund, contract)[n % 3](f"wrun_01M8{n:022d}")
        await run.put(made)
    yield made
    await made.close()


async def test_pages_follow_one_another_without_a_gap(world: World) -> None:
    seen: list[str] = []
    before = None
    while True:
        runs, before = await find_runs(world, Filter(before=before, limit=7))
        seen += [run.id for run in runs]
        if before is None:
            break
        assert len(runs) == 7
        assert before == seen[-1]

    assert sorted(seen) == [f"wrun_01M8{n:022d}" for n in range(30)]
    assert len(set(seen)) == 30


@pytest.mark.parametrize("workflow", ["refund", "workflow//shop.orders//refund"])
async def test_a_workflow_is_found_by_its_id_and_by_its_own_name_on_every_page(world: World, workflow: str) -> None:
    first, before = await find_runs(world, Filter(workflow=workflow, limit=6))
    second, after = await find_runs(world, Filter(workflow=workflow, limit=6, before=before))

    assert [len(first), len(second), after] == [6, 4, None]
    assert {run.workflow for run in first + second} == {"workflow//shop.orders//refund"}


async def test_filters_narrow_each_other_down(world: World) -> None:
    found, _ = await find_runs(
        world,
        Filter(
            status=[RunStatus.COMPLETED, RunStatus.FAILED], attributes={"tenant": "acme"}, since=START, until=START + 1
        ),
    )
    assert len(found) == 20
    assert await find_runs(world, Filter(until=START)) == ([], None)


async def test_a_beginning_of_an_id_is_enough_when_only_one_has_it(world: World) -> None:
    whole = f"wrun_01M8{7:022d}"

    assert await find_id(world, whole) == whole
    assert await find_id(world, whole[5:]) == whole
    assert await find_id(world, whole[:-1] + "7…") == whole
    with pytest.raises(WorkflowError, match="the ids of several runs begin with wrun_01M8"):
        await find_id(world, "01M8")
    for nothing in ("wrun_02", "", "…", "%", "wrun_01M8_"):
        with pytest.raises(RunNotFoundError):
            await find_id(world, nothing)


async def test_a_beginning_means_the_last_retry_and_a_whole_id_means_itself(world: World) -> None:
    for suffix in ("", "-2", "-10"):
        await refund(f"wrun_02A{suffix}").put(world)

    assert await find_id(world, "wrun_02") == "wrun_02A-10"
    assert await find_id(world, "wrun_02A") == "wrun_02A"
    assert await find_id(world, "wrun_02…-2") == "wrun_02A-2"


def test_times_attributes_and_statuses_are_read() -> None:
    assert read_time("2 hours", 10_000) == 2800
    assert read_time("2 hours ago", 10_000) == 2800
    assert read_time("2026-11-22T09:25:16+00:00", 0) == START
    assert read_attribute("a=b=c") == ("a", "b=c")
    assert read_statuses("failed, cancelled") == [RunStatus.FAILED, RunStatus.CANCELLED]


async def test_of_a_run_that_was_not_read_whole_nothing_is_counted(world: World) -> None:
    run = Scribe("wrun_many").begin()
    for number in range(400):
        run.hook(f"vote:{number}")
    await run.put(world)
    info = (await world.load("wrun_many", after=2**62)).run

    assert " and 397 more" in standing(await read_run(world, info.id), START).text
    assert standing(await read_briefly(world, info), START).text.endswith(" and more")


async def test_reading_briefly_says_the_same_of_where_a_run_stands_as_reading_all(world: World) -> None:
    for info in await world.list_runs():
        whole, brief = await read_run(world, info.id), await read_briefly(world, info)
        assert standing(brief, START + 60).text == standing(whole, START + 60).text
        assert whole.events == brief.events == info.slot


async def test_a_long_log_is_read_page_by_page_for_its_run_and_from_its_end_for_a_list(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workflow_runtime.seeing.reading.PAGE", 3)
    monkeypatch.setattr("workflow_runtime.seeing.reading.TAIL", 2)
    whole = await read_run(world, f"wrun_01M8{0:022d}")
    (brief,) = await read_list(world, [(await world.load(f"wrun_01M8{2:022d}")).run])

    assert len(whole.rows) == 8
    assert [row.state for row in brief.rows] == [State.WAITING, State.WAITING]


def _golden(request: pytest.FixtureRequest, name: str, document: str) -> None:
    path = GOLDEN / name
    if request.config.getoption("--update-golden"):
        path.write_text(document + "\n", "utf-8")
    assert document + "\n" == path.read_text("utf-8")


def test_json_has_the_names_and_the_values_that_it_had(request: pytest.FixtureRequest) -> None:
    """To take a name away, or to change what it means, is a new version."""
    for name, run in (("run-failed.json", refund()), ("run-waiting.json", contract())):
        view = timeline(run.log())
        _golden(request, name, as_json.document(run=as_json.view_json(view, standing(view, START + 60), None)))
    events = [as_json.event_json(event, "") for event in refund().events]
    _golden(request, "events.json", as_json.document(run="wrun_x", events=events))


async def test_what_is_printed_as_json_is_one_document_in_ascii(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    async def shown(what: str, **options: Any) -> Any:
        await show(world, Request(what, Filter(), json=True, **options))
        text = capsys.readouterr().out
        assert text.isascii()
        document = json.loads(text)
        assert document.pop("version") == 1
        return document

    run_id = f"wrun_01M8{2:022d}"
    runs = await shown("runs")
    assert (len(runs["runs"]), runs["before"]) == (25, runs["runs"][-1]["id"])
    assert [row["state"] for row in (await shown("steps", run=run_id))["rows"]] == ["completed", "waiting", "waiting"]
    assert (await shown("events", run=run_id))["events"][0]["kind"] == EventKind.RUN_CREATED
    assert (await shown("hooks", run=run_id))["hooks"][0]["token"] == "contract:ct_9"
    assert (await shown("streams", run=run_id)) == {"run": run_id, "streams": []}
    assert (await shown("run", run=run_id))["run"]["now"]["waits"] is True


async def test_hooks_are_those_that_wait_of_all_runs_that_live(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same token again and again is refused by a world, so that one is open."""
    await show(world, Request("hooks", Filter()))
    lines = capsys.readouterr().out.splitlines()

    assert [line.split()[0] for line in lines] == ["token", "contract:ct_9"]


async def test_a_child_that_nobody_awaits_is_asked_itself(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    parent = Scribe("wrun_parent").begin()
    parent.child("wrun_child", "workflow//shop.orders//refund")
    parent.child("wrun_gone", "workflow//shop.orders//refund")
    for run in (parent, refund("wrun_child")):
        await run.put(world)
    await show(world, Request("run", Filter(), run="wrun_parent", json=True))
    rows = json.loads(capsys.readouterr().out)["run"]["rows"]

    assert [(row["run"], row["state"]) for row in rows] == [("wrun_child", "failed"), ("wrun_gone", "started")]
