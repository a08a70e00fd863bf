"""A run that failed, or was cancelled, is run again from its last good prefix: on every world, replay checked after each event."""

from __future__ import annotations

import textwrap
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tests.runtime.conftest import Host
from tests.runtime.failing import MACHINE, Steps, again, app, ended, has
from workflow_runtime import (
    FatalError,
    RunNotFoundError,
    StreamReader,
    WorkflowError,
    constant,
    get_step_metadata,
    step,
)
from workflow_runtime.events import Event, EventKind
from workflow_runtime.handler.ends import cancel, wake_up
from workflow_runtime.retrying.renewing import retry
from workflow_runtime.values import encode
from workflow_runtime.worlds.base import World


async def test_what_was_completed_is_not_executed_again(host: Callable[..., Host]) -> None:
    steps = Steps(2)
    process = app(host, "async def main():\n    return [await a(1), await a(2), await a(3)]", steps)
    run_id = await ended(process)
    before = await process.log(run_id)
    steps.mend()

    assert await again(process, run_id) == ["a1", "a2", "a3"]
    assert steps.calls == [2, 3]
    assert await process.log(run_id) == before
    assert (await process.log(f"{run_id}-2")).events[0].data["retries"] == run_id


async def test_it_has_all_its_retries_again(host: Callable[..., Host]) -> None:
    tries: list[int] = []

    @step(max_retries=2, retry=constant(0))
    async def flaky(x: int) -> str:
        tries.append(x)
        if len(tries) < 6:
            raise ValueError("not yet")
        return "at last"

    process = host("async def main():\n    return await a(1)", a=flaky)
    run_id = await ended(process)
    assert len(tries) == 3

    assert await again(process, run_id) == "at last"
    assert len(tries) == 6


async def test_what_ran_beside_it_keeps_what_it_completed_and_runs_on_where_it_had_not(
    host: Callable[..., Host],
) -> None:
    steps = Steps("bad")
    source = """
        async def main():
            return await asyncio.gather(a("fine"), a("bad"), b("slow"), a("good"))
    """
    process = app(host, source, steps)
    steps.hold.clear()
    run_id = await ended(process)
    outcomes = await process.kinds(run_id)
    steps.mend()

    assert await again(process, run_id) == ["afine", "abad", "bslow", "agood"]
    assert sorted(steps.calls) == sorted(
        {"bad", "slow"} | ({"good"} if outcomes.count("step_completed") < 2 else set())
    )


async def test_failures_side_by_side_are_all_taken_back(host: Callable[..., Host]) -> None:
    steps = Steps(1, 2)
    source = """
        async def main():
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(a(n)) for n in range(4)]
            return [task.result() for task in tasks]
    """
    process = app(host, source, steps)
    run_id = await ended(process)
    steps.mend()

    assert await again(process, run_id) == ["a0", "a1", "a2", "a3"]
    assert set(steps.calls) >= {1, 2}
    assert 0 not in steps.calls


async def test_what_was_decided_because_of_the_failure_is_decided_anew(host: Callable[..., Host]) -> None:
    steps = Steps("pay")
    source = """
        async def main():
            await a("reserve")
            try:
                return await a("pay")
            except Exception:
                await a("undo")
                raise
    """
    process = app(host, source, steps)
    run_id = await ended(process)
    steps.mend()

    assert await again(process, run_id) == "apay"
    assert steps.calls == ["pay"]


async def test_a_branch_that_went_on_beside_the_failure_is_kept_with_all_it_completed(
    host: Callable[..., Host],
) -> None:
    steps = Steps("bad")
    source = """
        async def branch():
            return [await a("one"), await a("two"), await a("three")]
        async def main():
            ok, bad = await asyncio.gather(branch(), a("bad"), return_exceptions=True)
            if isinstance(bad, Exception):
                raise bad
            return [*ok, bad]
    """
    process = app(host, source, steps)
    run_id = await ended(process)
    assert "three" in steps.calls
    steps.mend()

    assert await again(process, run_id) == ["aone", "atwo", "athree", "abad"]
    assert steps.calls == ["bad"]


async def test_a_failure_that_the_workflow_handled_stays(host: Callable[..., Host]) -> None:
    steps = Steps("first", "last")
    source = """
        async def main():
            try:
                first = await a("first")
            except Exception:
                first = "made do"
            return [first, await a("last")]
    """
    process = app(host, source, steps)
    run_id = await ended(process)
    steps.mend()

    assert await again(process, run_id) == ["made do", "alast"]
    assert steps.calls == ["last"]


async def test_chance_and_time_are_as_they_were(host: Callable[..., Host]) -> None:
    steps = Steps("bad")
    source = """
        async def main():
            draw = lambda: [random.random(), str(uuid.uuid4()), secrets.token_hex(8), datetime.datetime.now().isoformat()]
            begun = draw()
            await a(begun)
            await a("bad")
            return [begun, draw()]
    """
    process = app(host, source, steps)
    run_id = await ended(process)
    (drawn, _) = steps.calls
    steps.mend()

    assert (await again(process, run_id))[0] == drawn
    assert steps.calls == ["bad"]


async def test_hooks_have_their_tokens_again_and_what_came_through_them(
    host: Callable[..., Host], world: World
) -> None:
    steps = Steps("bad")
    source = """
        async def main():
            door = hook("door")
            first = await door.receive()
            await a("bad")
            return [first, await door.receive()]
    """
    process = app(host, source, steps)
    run_id = await process.start()
    async with process.working():
        await has(process, run_id, EventKind.HOOK_CREATED)
        await send(world, "door", "one")
        await world.wait_for_end(run_id, 20)
    assert await world.hook_by_token("door") is None
    steps.mend()
    new = await retry(world, run_id)
    hook = await world.hook_by_token("door")

    assert hook is not None
    assert hook.run_id == new.id
    async with process.working():
        await send(world, "door", "two")
        await world.wait_for_end(new.id, 20)
    assert await process.result(new.id) == ["one", "two"]


async def test_it_is_refused_while_another_run_has_its_token(host: Callable[..., Host], world: World) -> None:
    steps = Steps("bad")
    source = """
        async def main(fails):
            door = hook("door")
            if fails:
                await a("bad")
            return await door.receive()
    """
    process = app(host, source, steps)
    run_id = await ended(process, True)
    other = await process.start(False)
    async with process.working():
        await has(process, other, EventKind.HOOK_CREATED)

        with pytest.raises(WorkflowError, match=f"run {other} has the token 'door'"):
            await retry(world, run_id)
    with pytest.raises(RunNotFoundError):
        await world.load(f"{run_id}-2")


async def send(world: World, token: str, payload: object) -> None:
    hook = await world.hook_by_token(token)
    assert hook is not None
    fact = Event(EventKind.HOOK_RECEIVED, time.time(), hook.hook_id, {"payload": encode(payload), "key": None})
    assert (await world.record(hook.run_id, fact, sends=[wake_up(hook.run_id)])).landed


async def test_a_sleep_lasts_until_the_time_it_had(host: Callable[..., Host]) -> None:
    steps = Steps("bad")
    source = """
        async def main():
            nap = asyncio.create_task(sleep(0.3))
            await sleep(0.001)
            got = await a("bad")
            await nap
            return got
    """
    process = app(host, source, steps)
    run_id = await ended(process)
    old = [e.data["until"] for e in (await process.log(run_id)).events if e.kind is EventKind.WAIT_CREATED]
    steps.mend()

    assert await again(process, run_id) == "abad"
    new = [e.data["until"] for e in (await process.log(f"{run_id}-2")).events if e.kind is EventKind.WAIT_CREATED]
    assert new == old


async def test_a_cancelled_run_goes_on_with_its_open_steps(host: Callable[..., Host], world: World) -> None:
    steps = Steps()
    steps.hold.clear()
    process = app(host, "async def main():\n    return [await a(1), await b(2), await a(3)]", steps)
    run_id = await process.start()
    async with process.working():
        await has(process, run_id, EventKind.STEP_STARTED, 2)
        await cancel(world, run_id, "by mistake")
    steps.mend()

    assert await again(process, run_id) == ["a1", "b2", "a3"]
    assert steps.calls == [2, 3]


async def test_a_stream_that_the_workflow_hands_on_is_the_new_runs(host: Callable[..., Host], world: World) -> None:
    broken = True

    async def write(args: Any) -> str:
        stream, text = args
        await stream.write(text)
        if text == "two" and broken:
            raise FatalError("no more paper")
        if not broken:
            assert [value async for value in _first(stream.read())] == ["two"]  # of the new run, not of the old
        return str(text)

    source = """
        from workflow_runtime import get_writable

        async def main():
            out = get_writable("paper")
            return [await a([out, "one"]), await a([out, "two"])]
    """
    process = host(MACHINE + textwrap.dedent(source), a=write)
    run_id = await ended(process)
    broken = False

    assert await again(process, run_id) == ["one", "two"]
    assert [(info.name, info.length) for info in await world.list_streams(run_id)] == [("paper", 2)]
    assert [(info.name, info.length) for info in await world.list_streams(f"{run_id}-2")] == [("paper", 1)]


async def _first(reader: StreamReader) -> AsyncIterator[Any]:
    async for value in reader:
        yield value
        return


async def test_what_names_a_call_to_others_stays_and_the_step_knows_its_own_run(
    host: Callable[..., Host], world: World
) -> None:
    seen: list[tuple[str, str]] = []

    async def a(told: str) -> str:
        metadata = get_step_metadata()
        seen.append((metadata.run_id, metadata.idempotency_key))
        if len(seen) == 1:
            raise FatalError("not the first time")
        return told

    source = """
        from workflow_runtime import get_workflow_metadata

        async def main():
            return await a(get_workflow_metadata().run_id)
    """
    process = host(MACHINE + textwrap.dedent(source), a=a)
    run_id = await ended(process)

    assert await again(process, run_id) == run_id
    assert seen == [(run_id, f"{run_id}:step_000001"), (f"{run_id}-2", f"{run_id}:step_000001")]
