"""The handler with hooks, other runs, steps that are called off, and limits: on every world, replay checked after each event."""

from __future__ import annotations

import asyncio
import textwrap
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from workflow_runtime.errors import EventLimitError, RunNotFoundError
from workflow_runtime.events import Event, EventKind
from workflow_runtime.handler import drive
from workflow_runtime.handler.ends import wake_up
from workflow_runtime.handler.options import HandlerOptions, options_from
from workflow_runtime.values import decode_error, encode
from workflow_runtime.worlds.base import RunStatus, World

MACHINE = """
from workflow_runtime.machine.current import running_machine
from workflow_runtime.machine.commands import ContinueAsNew

def machine():
    return running_machine()
def hook(token):
    return machine().open_hook(token, None, None, "")
"""


async def double(n: Any) -> Any:
    return n * 2


async def until(condition: Callable[[], Awaitable[object]]) -> None:
    while not await condition():  # noqa: ASYNC110 - the world has no event for what is asked here
        await asyncio.sleep(0.01)


async def nothing_in_hand(world: World) -> bool:
    return (await world.queue_depth()).in_hand == 0


async def has_token(world: World, token: str) -> bool:
    return await world.hook_by_token(token) is not None


async def send(world: World, token: str, payload: object, key: str | None = None) -> bool:
    """What ``resume_hook`` does."""
    await until(lambda: has_token(world, token))
    hook = await world.hook_by_token(token)
    assert hook is not None
    data = {"payload": encode(payload), "key": key}
    fact = Event(EventKind.HOOK_RECEIVED, time.time(), hook.hook_id, data)
    return (await world.record(hook.run_id, fact, sends=[wake_up(hook.run_id)])).landed


async def test_payloads_that_come_before_during_and_after_a_step_are_all_received(host: Any, world: World) -> None:
    entered, leave = asyncio.Event(), asyncio.Event()

    async def slow(n: Any) -> Any:
        entered.set()
        await leave.wait()
        return n

    source = """
        async def main():
            door = hook("t")
            step = asyncio.create_task(a(1))
            got = [await door.receive()]
            await step
            return [*got, await door.receive(), await door.receive()]
    """
    app = host(MACHINE + textwrap.dedent(source), a=slow)
    run_id = await app.start()
    async with app.working():
        await entered.wait()
        assert await send(world, "t", 1)
        assert await send(world, "t", 2, key="k")
        assert not await send(world, "t", 2, key="k")
        leave.set()
        await until(lambda: app.has(run_id, "step_completed"))
        assert await send(world, "t", 3)
        await world.wait_for_end(run_id, 20)
    assert await app.result(run_id) == [1, 2, 3]
    assert (await app.kinds(run_id)).count("step_started") == 1


async def test_the_second_run_with_a_token_learns_who_has_it_and_the_token_is_free_after_the_end(
    host: Any, world: World
) -> None:
    source = """
        async def main():
            door = hook("one")
            owner = await door.conflict()
            return owner or await door.receive()
    """
    app = host(MACHINE + textwrap.dedent(source))
    first, second = await app.start(), None
    async with app.working():
        await until(lambda: has_token(world, "one"))
        second = await app.start()
        await world.wait_for_end(second, 20)
        assert await send(world, "one", "for the first")
        await world.wait_for_end(first, 20)
    assert await app.result(second) == first
    assert await app.result(first) == "for the first"
    assert await world.hook_by_token("one") is None


async def test_a_timeout_around_a_step_cancels_its_body_and_no_outcome_of_it_lands(host: Any) -> None:
    cancelled = asyncio.Event()

    async def slow(n: Any) -> Any:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            return "swallowed"  # a body may; its outcome is not wanted any more

    source = """
        async def main():
            try:
                async with asyncio.timeout(0.2):
                    await a(1)
            except TimeoutError:
                return await b(2)
    """
    app = host(textwrap.dedent(source), a=slow, b=double)
    run_id = await app.start()
    async with app.working():
        await app.world.wait_for_end(run_id, 20)
    assert await app.result(run_id) == 4
    assert cancelled.is_set()
    kinds = await app.kinds(run_id)
    assert kinds.count("step_cancelled") == 1
    assert kinds.count("step_completed") == 1


async def test_a_queued_step_is_cancelled_too(host: Any) -> None:
    cancelled = asyncio.Event()

    async def slow(n: Any) -> Any:
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    source = """
        async def main():
            hold = asyncio.create_task(b(1))
            try:
                async with asyncio.timeout(0.5):
                    await a(1)
            except TimeoutError:
                pass
            return await hold
    """

    async def until_cancelled(n: Any) -> Any:
        await cancelled.wait()
        return "seen"

    options = HandlerOptions(inline_steps=1, extend_every=0.1, check_replay=True)
    app = host(textwrap.dedent(source), a=slow, b=until_cancelled, options=options)
    assert await app.run() == "seen"


async def test_cancelling_a_run_cancels_its_running_step_at_once(host: Any, world: World) -> None:
    entered, cancelled = asyncio.Event(), asyncio.Event()

    async def slow(n: Any) -> Any:
        entered.set()
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    # The next sign of life is a minute away: only the run's end itself can tell in time.
    options = HandlerOptions(extend_every=60, check_replay=True)
    app = host("async def main():\n    return await a(1)", a=slow, options=options)
    run_id = await app.start()
    async with app.working():
        await entered.wait()
        await world.record(run_id, Event(EventKind.RUN_CANCELLED, time.time(), "", {"reason": "enough"}))
        await asyncio.wait_for(cancelled.wait(), 10)
        await until(lambda: nothing_in_hand(world))
    depth = await world.queue_depth()
    assert (depth.due, depth.delayed) == (0, 0)
    assert (await app.log(run_id)).run.status is RunStatus.CANCELLED


async def test_watching_a_run_that_is_not_there_gives_its_error(host: Any) -> None:
    source = """
        async def main():
            return await machine().watch("wrun_NOWHERE", "")
    """
    got = await host(MACHINE + textwrap.dedent(source)).run()
    assert got["status"] == "failed"
    assert isinstance(decode_error(got["error"]), RunNotFoundError)


async def test_watching_a_run_tells_its_end_whether_it_ends_before_or_after(host: Any, world: World) -> None:
    source = """
        async def main(role, other=None):
            if role == "child":
                return await hook(other).receive()
            first = await machine().watch(other, "")
            return [first, await machine().watch(other, "")]
    """
    app = host(MACHINE + textwrap.dedent(source))
    child = await app.start("child", "token")
    parent = await app.start("parent", child)
    async with app.working():
        await until(lambda: app.has(parent, "watch_created"))
        assert await send(world, "token", 7)
        await world.wait_for_end(parent, 20)
    told = {"run": child, "status": "completed", "output": 7}
    assert await app.result(parent) == [told, told]


async def test_after_its_budget_an_invocation_leaves_further_steps_to_the_queue(host: Any) -> None:
    source = "async def main():\n    return [await a(n) for n in range(4)]"
    hurried = host(source, a=double, options=HandlerOptions(budget=0.0, check_replay=True))
    assert await hurried.run() == [0, 2, 4, 6]
    assert hurried.handler.invocations == 1 + 2 * 4  # each step, and the wake-up after it
    calm = host(source, a=double, options=HandlerOptions(budget=60.0, check_replay=True))
    assert await calm.run() == [0, 2, 4, 6]
    assert calm.handler.invocations == 1


async def test_a_log_that_reaches_its_limit_fails_its_run_and_names_the_ways_out(host: Any) -> None:
    source = "async def main():\n    while True:\n        await a(1)"
    app = host(source, a=double, options=HandlerOptions(event_limit=50))
    run_id = await app.start()
    async with app.working():
        await app.world.wait_for_end(run_id, 20)
    with pytest.raises(EventLimitError, match="continue_as_new"):
        await app.result(run_id)
    assert len(await app.kinds(run_id)) <= 51


async def test_a_long_log_is_read_in_pages(host: Any, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    source = """
        async def main():
            seen = [await a(n) for n in range(10)]
            await asyncio.sleep(0.05)
            return seen
    """
    app = host(textwrap.dedent(source), a=double)
    run_id = await app.start()
    await app.handle_one()
    monkeypatch.setattr(drive, "PAGE", 7)
    loads: list[int | None] = []
    load = world.load

    async def noted(run_id: str, after: int = 0, limit: int | None = None) -> Any:
        loads.append(limit)
        return await load(run_id, after, limit)

    monkeypatch.setattr(world, "load", noted)
    async with app.working():
        await world.wait_for_end(run_id, 20)
    assert loads.count(7) > 3
    assert await app.result(run_id) == [n * 2 for n in range(10)]


def test_settings_that_make_no_sense_are_refused_by_name() -> None:
    assert options_from({}) == HandlerOptions()
    given = {"WORKFLOW_INLINE_STEPS": "8", "WORKFLOW_INVOCATION_BUDGET": "1 min", "WORKFLOW_EVENT_LIMIT": "10"}
    assert options_from(given) == HandlerOptions(inline_steps=8, budget=60.0, event_limit=10)
    assert options_from({"WORKFLOW_INVOCATION_BUDGET": "2.5"}).budget == 2.5
    with pytest.raises(Exception, match="WORKFLOW_INLINE_STEPS is '0': give a whole number"):
        options_from({"WORKFLOW_INLINE_STEPS": "0"})
    with pytest.raises(Exception, match="WORKFLOW_INVOCATION_BUDGET is 'soon'"):
        options_from({"WORKFLOW_INVOCATION_BUDGET": "soon"})
