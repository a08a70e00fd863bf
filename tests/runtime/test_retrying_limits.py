"""A workflow whose runs are held back holds those back, too, that run others again: whatever they have open when they are made."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.runtime.conftest import Host
from tests.runtime.failing import Steps, app, ended, has
from workflow_runtime import project, step
from workflow_runtime.events import EventKind
from workflow_runtime.handler.ends import wake_up
from workflow_runtime.project import Project, register_project
from workflow_runtime.retrying.renewing import retry
from workflow_runtime.worlds.base import Limit, Message, World

SOURCE = """
    async def main(what):
        if what == "holds":
            return await b(what)
        got = await a("bad")
        await sleep(0.001)
        return got
"""


def only_one_at_a_time(process: Host) -> Limit:
    """Let the process's workflow have one run at a time; what its runs' first messages bring along."""
    bundle = process.bundle
    known = {bundle.hash: lambda: bundle}
    limits = {bundle.workflow: {"concurrency": 1}}
    project._projects.clear()
    register_project(Project("app._workflow", Path("/nowhere"), "b", {bundle.workflow: bundle.hash}, (), known, limits))
    return Limit(bundle.workflow, 1, of_run=True)


@pytest.mark.parametrize("step_has_a_limit", [True, False])
async def test_its_open_steps_wait_until_it_has_a_place(
    step_has_a_limit: bool, host: Callable[..., Host], world: World
) -> None:
    steps = Steps("bad")
    process = app(host, SOURCE, steps)
    if step_has_a_limit:

        @step(concurrency=1)
        async def limited(x: object) -> object:
            return await steps.a(x)

        process.steps.add("step//app//a", limited)
    run_id = await ended(process, "bad")
    limit = only_one_at_a_time(process)
    steps.mend()
    steps.hold.clear()
    other = await process.start("holds")
    (first,) = await world.list_messages(other)
    async with process.working():
        await world.take(first.message.id)  # it is not this message that is to begin it
        await world.send(Message("wmsg_with_limit", other, limit=limit))
        await has(process, other, EventKind.STEP_STARTED)
        new = await retry(world, run_id)
        await world.send(wake_up(new.id))
        await asyncio.sleep(0.3)
        early = list(steps.calls)
        steps.hold.set()
        await world.wait_for_end(other, 20)
        await world.wait_for_end(new.id, 20)

    assert early == ["holds"]
    assert await process.result(new.id) == "abad"
    assert steps.calls == ["holds", "bad"]
