"""A worker whose places are all taken by steps that last still tells runs what has happened."""

from __future__ import annotations

import asyncio
import contextvars
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from workflow_runtime import worker
from workflow_runtime.events import EventKind
from workflow_runtime.relief import PAGE, decisions_due
from workflow_runtime.slots import waiting_for_a_run
from workflow_runtime.worlds.base import Message, World

RACE = """
async def main(limit):
    try:
        async with asyncio.timeout(limit):
            return await a(1)
    except TimeoutError:
        return await b("late")
"""


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Places that are taken for a moment are taken for long."""
    monkeypatch.setattr(worker, "FULL", 0.1)


class Steps:
    """Steps that last until they are let go."""

    def __init__(self) -> None:
        self.begun: list[Any] = []
        self.go_on = asyncio.Event()

    async def lasts(self, name: Any) -> Any:
        self.begun.append(name)
        await self.go_on.wait()
        return name

    async def quick(self, name: Any) -> Any:
        self.begun.append(name)
        return name


async def until(happened: Any) -> None:
    """Return once it has."""
    async with asyncio.timeout(20):
        while not await happened():  # noqa: ASYNC110 - the log tells nobody of its events
            await asyncio.sleep(0.01)


async def test_timers_of_runs_are_told_while_steps_hold_all_places_and_no_step_begins(host: Any, world: World) -> None:
    steps = Steps()
    app = host(RACE, a=steps.lasts, b=steps.quick)
    runs = [await app.start(0.3), await app.start(1000.0), await app.start(1000.0)]

    async def timed_out() -> bool:
        return bool(await app.has(runs[0], EventKind.WAIT_COMPLETED))

    async with app.working(concurrency=2, relief=partial(decisions_due, world)):
        await until(timed_out)
        kinds = await app.kinds(runs[0])
        assert kinds.count(EventKind.STEP_CREATED) == 2, "it has gone on"
        assert kinds.count(EventKind.STEP_STARTED) == 1, "the quick one is for whoever has room"
        assert (await app.kinds(runs[2])) == [EventKind.RUN_CREATED], "no run is begun whose steps have no place"
        assert steps.begun == [1, 1]
        steps.go_on.set()
        assert [(await world.wait_for_end(run, 20)).status for run in runs] == ["completed"] * 3
    assert [await app.result(run) for run in runs] == ["late", 1, 1]


async def test_without_relief_they_wait_for_a_place(host: Any) -> None:
    steps = Steps()
    app = host(RACE, a=steps.lasts, b=steps.quick)
    run = await app.start(0.2)
    async with app.working(concurrency=1):
        await asyncio.sleep(1.0)
        assert await app.has(run, EventKind.STEP_STARTED)
        assert not await app.has(run, EventKind.WAIT_COMPLETED)
        steps.go_on.set()


async def test_what_is_taken_is_due_new_and_about_a_run(world: World) -> None:
    await world.send(Message("first", "wrun_1"))
    await world.send(Message("step", "wrun_1", "step_000001", "step//a//b", key="s"))
    await world.send(Message("later", "wrun_1", key="later", due=2e10))
    await world.send(Message("again", "wrun_1", key="again"))
    again = await world.take("again")
    assert again is not None
    await again.again()
    await world.send(Message("held", "wrun_1", key="held"))
    held = await world.take("held")
    assert held is not None
    for message in (
        Message("timer", "wrun_1", key="wrun_1:wait_000001"),
        Message("watch", "wrun_1", watch_id="watch_000001", watched="wrun_2"),
        Message("cancel", "wrun_1", cancels_children=True),
        Message("more", "wrun_1", key="more"),
    ):
        await world.send(message)

    taken = [delivery.message.id async for delivery in decisions_due(world, 3)]
    assert taken == ["timer", "watch", "cancel"]
    assert [delivery.message.id async for delivery in decisions_due(world, 3)] == ["more"]


async def test_runs_that_wait_to_begin_keep_no_news_from_others_however_many_they_are(world: World) -> None:
    for number in range(PAGE + 1):
        await world.send(Message(f"first {number}", f"wrun_{number}", due=1.0))
    await world.send(Message("timer", "wrun_1", key="wrun_1:wait_000001", due=2.0))
    assert [delivery.message.id async for delivery in decisions_due(world, 3)] == ["timer"]


async def test_a_place_that_is_given_back_on_another_thread_is_taken_at_once(
    host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "FULL", 600.0)
    second, main = asyncio.Event(), asyncio.get_running_loop()

    async def step(name: str) -> None:
        if name == "second":
            second.set()
            return
        with ThreadPoolExecutor(
            1
        ) as elsewhere:  # its threads have no loop, as those of plain functions that wait for a run
            context = contextvars.copy_context()
            await main.run_in_executor(elsewhere, context.run, wait_for_the_other)

    def wait_for_the_other() -> None:
        with waiting_for_a_run():
            asyncio.run_coroutine_threadsafe(second.wait(), main).result(20)

    app = host("async def main(name):\n    await a(name)\n", a=step)
    runs = [await app.start("first"), await app.start("second")]
    async with app.working(concurrency=1):
        assert [(await app.world.wait_for_end(run, 20)).status for run in runs] == ["completed"] * 2
