"""What no storage takes, what waits for nobody, and workers whose steps wait for other runs."""

from __future__ import annotations

import asyncio
import textwrap
from typing import Any

import pytest

from workflow_runtime.handler.options import HandlerOptions
from workflow_runtime.ids import wait_key
from workflow_runtime.runs import Run
from workflow_runtime.worlds.base import RunStatus, UnstorableError, World


async def double(n: Any) -> Any:
    return n * 2


async def test_a_decision_that_no_storage_can_hold_fails_the_run_and_is_not_tried_for_ever(host: Any) -> None:
    source = """
        from workflow_runtime.machine.current import running_machine

        async def main():
            running_machine().open_hook("half of a pair: \\ud800", None, None, "")
            return await a(1)
    """
    app = host(textwrap.dedent(source), a=double)
    run_id = await app.start()
    assert (await app.handle_one()).status is RunStatus.FAILED
    with pytest.raises(UnstorableError, match="surrogate"):
        await app.result(run_id)


async def test_a_wait_that_is_cancelled_leaves_no_message_behind(host: Any, world: World) -> None:
    source = """
        async def main():
            for n in range(3):
                async with asyncio.timeout(86400):
                    await a(n)
            await asyncio.sleep(0.1)
    """
    app = host(textwrap.dedent(source), a=double)
    await app.start()
    await app.handle_one()
    assert (await world.queue_depth()).delayed == 1  # the sleep's


async def test_runs_that_wait_for_each_other_in_steps_do_not_use_up_a_worker(
    host: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def this_world() -> World:
        return world

    monkeypatch.setattr("workflow_runtime.runs.process_world", this_world)

    async def wait_for(run_id: Any) -> Any:
        return await Run(run_id).result(timeout=20)

    app = host("async def main(other):\n    return await a(other) if other else 'last'", a=wait_for)
    last = "wrun_LAST"
    chain = [f"wrun_{n}" for n in range(4)]
    for run_id, other in zip(chain, [*chain[1:], last], strict=True):
        await app.start(other, run_id=run_id)
    await app.start(None, run_id=last)
    async with app.working(concurrency=1):
        await world.wait_for_end(chain[0], 20)
    assert await app.result(chain[0]) == "last"


async def test_all_tasks_are_in_the_order_of_their_making(host: Any) -> None:
    source = """
        async def main():
            tasks = [asyncio.create_task(a(n), name=f"t{n}") for n in range(20)]
            names = [task.get_name() for task in asyncio.all_tasks()]
            await asyncio.gather(*tasks)
            return names
    """
    app = host(textwrap.dedent(source), a=double, options=HandlerOptions(check_replay=True))
    assert await asyncio.wait_for(app.run(), 20) == ["workflow", *(f"t{n}" for n in range(20))]


def test_the_key_of_a_wait_is_what_its_message_has() -> None:
    assert wait_key("wrun_X", "wait_000001") == "wrun_X:wait_000001"
