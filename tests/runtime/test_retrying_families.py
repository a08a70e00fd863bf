"""Retrying again and again, with children, with corrected code, and what is refused: on every world, replay checked after each event."""

from __future__ import annotations

import asyncio
import itertools
import random
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.conftest import Host, bundle_of
from tests.runtime.failing import MACHINE, Steps, again, app, ended
from workflow_runtime import FatalError, ReplayDivergenceError, RunNotFoundError, WorkflowError
from workflow_runtime import project as known
from workflow_runtime.events import EventKind
from workflow_runtime.handler.ends import cancel
from workflow_runtime.ids import origin_of
from workflow_runtime.project import Project, register_project
from workflow_runtime.retrying.renewing import retry
from workflow_runtime.worlds.base import RunInfo, RunStatus, World

_serial = itertools.count()

FAMILY = """
    async def main(what):
        if what != "parent":
            return await a(what)
        runs = [await child("fine"), await child("bad")]
        got = [await result(run) for run in runs]
        return [*got, await a("after")]
"""


async def test_a_child_whose_failure_was_the_parents_is_retried_with_it(
    host: Callable[..., Host], world: World
) -> None:
    steps = Steps("bad")
    process = app(host, FAMILY, steps)
    _current(process)
    run_id = await ended(process, "parent")
    children = await world.list_runs(parent=run_id)
    steps.mend()

    assert await again(process, run_id) == ["afine", "abad", "aafter"]
    assert sorted(steps.calls) == ["after", "bad"]
    bad = next(one.id for one in children if one.status is RunStatus.FAILED)
    assert (await world.load(f"{bad}-2")).run.parent == f"{run_id}-2"


async def test_a_retried_parent_takes_up_a_child_that_was_retried_before_it(
    host: Callable[..., Host], world: World
) -> None:
    steps = Steps("bad")
    process = app(host, FAMILY, steps)
    _current(process)
    run_id = await ended(process, "parent")
    bad = next(one.id for one in await world.list_runs(parent=run_id) if one.status is RunStatus.FAILED)
    steps.mend()
    assert await again(process, bad) == "abad"

    assert await again(process, run_id) == ["afine", "abad", "aafter"]
    assert steps.calls == ["bad", "after"]


async def test_children_that_were_cancelled_with_their_parent_go_on_with_it(
    host: Callable[..., Host], world: World
) -> None:
    steps = Steps()
    steps.hold.clear()
    source = """
        async def main(what):
            return await b(what) if what != "parent" else await result(await child("slow"))
    """
    process = app(host, source, steps)
    _current(process)
    run_id = await process.start("parent")
    async with process.working():
        while not steps.calls:  # noqa: ASYNC110 - a step sets no event for it
            await asyncio.sleep(0.01)
        await cancel(world, run_id, None)
        (slow,) = await world.list_runs(parent=run_id)
        await world.wait_for_end(slow.id, 20)
    steps.mend()

    assert await again(process, run_id) == "bslow"


def _current(process: Host, bundle: Any = None) -> None:
    """Make the process know its workflow by its id, with that bundle."""
    bundle = bundle or process.bundle
    project = Project(
        f"now{next(_serial)}._workflow",
        Path("/nowhere"),
        "b",
        {bundle.workflow: bundle.hash},
        (),
        {bundle.hash: lambda: bundle},
    )
    known._projects.clear()
    register_project(project)
    register_project(
        Project("old._workflow", Path("/nowhere"), "b", {}, (), {process.bundle.hash: lambda: process.bundle})
    )


async def test_a_retried_run_that_fails_again_can_be_retried_again(host: Callable[..., Host], world: World) -> None:
    steps = Steps(2, 3)
    process = app(host, "async def main():\n    return [await a(1), await a(2), await a(3)]", steps)
    first = await ended(process)
    steps.fails.discard(2)
    second = await retry(world, first)
    async with process.working():
        assert (await world.wait_for_end(second.id, 20)).status is RunStatus.FAILED
    steps.mend()

    assert await again(process, second.id) == ["a1", "a2", "a3"]
    assert steps.calls == [3]
    assert second.id == f"{first}-2"
    assert (await process.log(f"{first}-3")).events[0].data["retries"] == second.id


async def test_however_often_and_at_once_it_is_retried_there_is_one_new_run(
    host: Callable[..., Host], world: World
) -> None:
    steps = Steps(1)
    process = app(host, "async def main():\n    return await a(1)", steps)
    run_id = await ended(process)
    steps.mend()
    infos: list[RunInfo] = await asyncio.gather(*(retry(world, run_id) for _ in range(5)))
    async with process.working():
        await world.wait_for_end(infos[0].id, 20)

    assert {info.id for info in infos} == {f"{run_id}-2"}
    assert steps.calls == [1]
    assert (await retry(world, run_id)).status is RunStatus.COMPLETED


async def test_only_what_has_failed_or_was_cancelled_can_be_retried(host: Callable[..., Host], world: World) -> None:
    process = app(host, "async def main():\n    return 1", Steps())
    done = await ended(process, status=RunStatus.COMPLETED)
    live = await process.start()

    with pytest.raises(WorkflowError, match="is completed; only a run that has failed"):
        await retry(world, done)
    with pytest.raises(WorkflowError, match="is pending"):
        await retry(world, live)
    with pytest.raises(RunNotFoundError):
        await retry(world, "wrun_nope")


BUGGY = """
    async def main():
        got = await a(1)
        raise KeyError(got)
"""


async def test_what_its_own_code_did_wrong_is_retried_with_the_corrected_code(
    host: Callable[..., Host], world: World
) -> None:
    steps = Steps()
    process = app(host, BUGGY, steps)
    run_id = await ended(process)
    steps.calls.clear()
    corrected = textwrap.dedent("""
        async def main():
            return [await a(1), await a(2)]
    """)
    with pytest.raises(WorkflowError, match="would fail again as it did"):
        await retry(world, run_id)
    _current(process, bundle_of(MACHINE + corrected))

    assert await again(process, run_id, current_code=True) == ["a1", "a2"]
    assert steps.calls == [2]


async def test_corrected_code_that_decides_otherwise_before_the_failure_is_refused(
    host: Callable[..., Host], world: World
) -> None:
    steps = Steps(2)
    process = app(host, "async def main():\n    return [await a(1), await a(2)]", steps)
    run_id = await ended(process)
    _current(process, bundle_of(MACHINE + "\nasync def main():\n    return [await a(5), await a(2)]"))

    with pytest.raises(ReplayDivergenceError, match="in slot 3 the log has step_created"):
        await retry(world, run_id, current_code=True)
    with pytest.raises(RunNotFoundError):
        await world.load(f"{run_id}-2")


WALK = """
    async def walk(node):
        kind, *rest = node
        if kind == "step":
            return await a(rest[0])
        if kind == "sleep":
            await asyncio.sleep(0.001 * rest[0])
            return "slept"
        if kind == "seq":
            return [await walk(child) for child in rest]
        if kind == "gather":
            return await asyncio.gather(*[walk(child) for child in rest])
        if kind == "settled":
            got = await asyncio.gather(*[walk(child) for child in rest], return_exceptions=True)
            for one in got:
                if isinstance(one, Exception):
                    raise one
            return got
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(walk(child)) for child in rest]
        return [task.result() for task in tasks]

    async def main(node):
        return [random.random(), await walk(node), await a("last")]
"""


def _program(chance: random.Random, names: Any, depth: int) -> list[Any]:
    kind = chance.choice(["step", "step", "sleep"] if not depth else ["step", "seq", "gather", "group", "settled"])
    if kind == "step":
        return ["step", f"s{next(names)}"]
    if kind == "sleep":
        return ["sleep", chance.randrange(5)]
    return [kind, *(_program(chance, names, depth - 1) for _ in range(chance.randrange(1, 4)))]


@pytest.mark.parametrize("seed", range(12))
async def test_however_often_it_fails_no_completed_step_is_lost_and_the_result_is_that_of_a_run_that_did_not(
    seed: int, host: Callable[..., Host], world: World
) -> None:
    """Workflows at random, in which every third step fails at first; retried until they are through."""
    chance = random.Random(seed)
    program = _program(chance, itertools.count(), 3)
    failing: dict[str, bool] = {}
    calls: list[str] = []

    async def a(x: str) -> str:
        calls.append(x)
        await asyncio.sleep(0.001 * chance.randrange(3))
        if failing.setdefault(x, chance.randrange(3) == 0):
            failing[x] = False
            raise FatalError(f"{x} is broken")
        return f"did {x}"

    process = host(MACHINE + textwrap.dedent(WALK), a=a)
    run_id = await process.start(program)
    async with process.working():
        logs = []
        while (await world.wait_for_end(run_id, 20)).status is not RunStatus.COMPLETED:
            logs.append(await process.log(run_id))
            run_id = (await retry(world, run_id)).id
    last = await process.log(run_id)
    kept = {(event.entity, event.time) for event in last.events if event.kind is EventKind.STEP_COMPLETED}
    recorded = {
        (event.entity, event.time) for log in logs for event in log.events if event.kind is EventKind.STEP_COMPLETED
    }

    assert recorded <= kept
    drawn, walked, end = await process.result(run_id)
    assert drawn == random.Random(origin_of(run_id)).random()
    assert end == "did last"
    assert str(walked).count("did ") == str(program).count("'step'")
