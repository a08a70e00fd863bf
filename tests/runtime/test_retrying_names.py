"""What runs, calls and children are called by when a run is run again: on every world, replay checked after each event."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.conftest import Host
from tests.runtime.failing import MACHINE, Steps, again, app, ended, has
from workflow_runtime import FatalError, get_step_metadata
from workflow_runtime import project as known
from workflow_runtime.events import EventKind
from workflow_runtime.handler.ends import cancel
from workflow_runtime.project import Project, register_project
from workflow_runtime.retrying.renewing import retry
from workflow_runtime.worlds.base import RunStatus, World


class Asked:
    """The step ``a``: who asked it for what; it fails once for each argument of ``fails``."""

    def __init__(self, *fails: object) -> None:
        self.keys: list[tuple[Any, str]] = []
        self.fails = list(fails)

    async def a(self, x: Any) -> Any:
        self.keys.append((x, get_step_metadata().idempotency_key))
        if x in self.fails:
            self.fails.remove(x)
            raise FatalError(f"{x} is broken")
        return x


def _made(host: Callable[..., Host], source: str, steps: Asked) -> Host:
    process = host(MACHINE + textwrap.dedent(source), a=steps.a)
    _know(process)
    return process


def _know(process: Host) -> None:
    """Make the process know its workflow by its id, so that it can be started as a child."""
    bundle = process.bundle
    known._projects.clear()
    register_project(
        Project(
            "app._workflow", Path("/nowhere"), "b", {bundle.workflow: bundle.hash}, (), {bundle.hash: lambda: bundle}
        )
    )


async def test_a_call_that_is_made_instead_of_another_has_a_key_of_its_own(host: Callable[..., Host]) -> None:
    """Else whoever is asked to refund in one run, and to pay in the next, would take the second for the first."""
    steps = Asked("reserve")
    source = """
        async def main():
            try:
                await a("reserve")
            except Exception:
                await a("apologize")
                raise
            return await a("pay")
    """
    process = _made(host, source, steps)
    run_id = await ended(process)

    assert await again(process, run_id) == "pay"
    assert steps.keys == [
        ("reserve", f"{run_id}:step_000001"),
        ("apologize", f"{run_id}:step_000002"),
        ("reserve", f"{run_id}:step_000001"),
        ("pay", f"{run_id}-2:step_000002"),
    ]


async def test_a_call_keeps_the_key_that_it_had_first_however_often_its_run_is_retried(
    host: Callable[..., Host], world: World
) -> None:
    steps = Asked("one", "two", "two", "two")
    process = _made(host, 'async def main():\n    return [await a("one"), await a("two")]', steps)
    run_id = await ended(process)
    for number in (2, 3, 4):
        new = await retry(world, run_id if number == 2 else f"{run_id}-{number - 1}")
        async with process.working():
            await world.wait_for_end(new.id, 20)
    assert await again(process, f"{run_id}-4") == ["one", "two"]

    assert {key for x, key in steps.keys if x == "one"} == {f"{run_id}:step_000001"}
    assert {key for x, key in steps.keys if x == "two"} == {f"{run_id}-2:step_000002"}


async def test_a_completed_step_is_not_executed_again_because_what_stood_before_it_is_not_called_any_more(
    host: Callable[..., Host],
) -> None:
    """The apology takes a number, and so the steps of the other branch have other numbers without it."""
    steps = Asked("bad", "last")
    source = """
        async def branch():
            return [await a("one"), await a("two"), await a("three")]
        async def tries():
            try:
                return await a("bad")
            except Exception:
                await a("apology")
                raise
        async def main():
            got = await asyncio.gather(tries(), branch(), return_exceptions=True)
            for one in got:
                if isinstance(one, Exception):
                    raise one
            return [*got, await a("last")]
    """
    process = _made(host, source, steps)
    run_id = await ended(process)
    new = await retry(process.world, run_id)
    async with process.working():
        await process.world.wait_for_end(new.id, 20)

    assert await again(process, new.id) == ["bad", ["one", "two", "three"], "last"]
    assert [x for x, _ in steps.keys].count("three") == 1
    assert [x for x, _ in steps.keys].count("two") == 1


CHILD = """
    from workflow_runtime import get_workflow_metadata

    async def main(what):
        if what != "parent":
            await a(["child of", get_workflow_metadata().parent_id, get_workflow_metadata().root_id])
            return await a(what)
        run = await child("bad")
        echoed = await a(run)
        await a({"text": f"started {echoed}", run: [f"{run}-receipt"]})
        return await result(run)
"""


async def test_the_name_of_a_child_that_is_retried_may_stand_in_whatever_its_parent_decided(
    host: Callable[..., Host], world: World
) -> None:
    steps = Asked("bad")
    process = _made(host, CHILD, steps)
    run_id = await ended(process, "parent")
    calls = len(steps.keys)

    assert await again(process, run_id) == "bad"
    assert [x for x, _ in steps.keys[calls:]] == ["bad"]


async def test_a_child_that_is_retried_knows_its_parent_by_the_name_that_the_parent_knows_itself_by(
    host: Callable[..., Host],
) -> None:
    steps = Asked("bad")
    process = _made(host, CHILD, steps)
    run_id = await ended(process, "parent")

    await again(process, run_id)
    assert ["child of", run_id, run_id] in [x for x, _ in steps.keys]


async def test_a_child_that_is_started_instead_of_another_is_another_run(
    host: Callable[..., Host], world: World
) -> None:
    steps = Asked("pay")
    source = """
        async def main(what):
            if what != "parent":
                return await a(what)
            try:
                await a("pay")
            except Exception:
                await result(await child("apology"))
                raise
            return await result(await child("delivery"))
    """
    process = _made(host, source, steps)
    run_id = await ended(process, "parent")

    assert await again(process, run_id) == "delivery"


async def test_a_child_that_failed_where_it_went_on_is_retried_there(host: Callable[..., Host], world: World) -> None:
    steps = Asked("bad")
    source = """
        from workflow_runtime import continue_as_new

        async def main(what):
            if what == "parent":
                return await result(await child("first"))
            if what == "first":
                continue_as_new("bad")
            return await a(what)
    """
    process = _made(host, source, steps)
    run_id = await ended(process, "parent")

    assert await again(process, run_id) == "bad"


async def test_a_run_that_was_continued_is_retried_where_it_went_on(host: Callable[..., Host], world: World) -> None:
    steps = Asked("bad")
    source = """
        from workflow_runtime import continue_as_new

        async def main(what):
            if what == "first":
                continue_as_new("bad")
            return await a(what)
    """
    process = _made(host, source, steps)
    run_id = await ended(process, "first", status=RunStatus.CONTINUED)
    last = (await process.log(run_id)).events[-1].data["run"]
    async with process.working():
        await world.wait_for_end(last, 20)

    assert (await retry(world, run_id)).id == f"{last}-2"


FAMILY = """
    async def main(what):
        if what != "parent":
            return await b(what)
        runs = [await child("dropped"), await child("slow")]
        await a(runs[0])
        try:
            await result(runs[0])
        except ValueError:
            pass
        return await result(runs[1])
"""


@pytest.mark.parametrize("told", [True, False])
async def test_a_child_that_its_parent_had_cancelled_itself_stays_so_when_the_parent_is_cancelled_and_retried(
    told: bool, host: Callable[..., Host], world: World
) -> None:
    """``told``: the message by which a cancelled run's children are cancelled was handled before it is retried."""
    steps = Steps()
    steps.hold.clear()

    async def drop(run: str) -> None:
        await cancel(world, run, "not needed")

    process = app(host, FAMILY, steps)
    process.steps.add("step//app//a", drop)
    _know(process)
    run_id = await process.start("parent")
    async with process.working(grace=0.05):
        await has(process, run_id, EventKind.WATCH_COMPLETED)
        while "slow" not in steps.calls:  # noqa: ASYNC110 - a step sets no event for it
            await asyncio.sleep(0.01)
        if told:
            await cancel(world, run_id, None)
            slow = next(one for one in await world.list_runs(parent=run_id) if not one.status.ended)
            await world.wait_for_end(slow.id, 20)
    if not told:
        await cancel(world, run_id, None)
    steps.mend()

    assert await again(process, run_id) == "bslow"
    assert "dropped" not in steps.calls
