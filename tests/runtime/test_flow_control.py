"""Steps with limits: they wait for their turn in the queue, and hold up nothing else."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest

from workflow_runtime import RetryableError, TooEarlyError, step
from workflow_runtime.events import EventKind
from workflow_runtime.project import Registrations
from workflow_runtime.testing.harness import run_cancelled
from workflow_runtime.worlds.base import Limit, RunStatus

MANY = """
    async def main(count):
        return sum(await asyncio.gather(*[a(number) for number in range(count)]))
"""
TWO = """
    async def main():
        return [await a(1), await b(2), await b(3)]
"""


@dataclass
class Crowd:
    """A step's bodies, and how many of them were there at once."""

    seconds: float = 0.01
    inside: int = 0
    most: int = 0
    begun: list[Any] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    open: asyncio.Event = field(default_factory=asyncio.Event)
    fails: Callable[[int], BaseException | None] = lambda begun: None

    def __post_init__(self) -> None:
        self.open.set()

    def step(self, **options: Any) -> Callable[..., Coroutine[Any, Any, Any]]:
        @step(**options)
        async def body(number: Any) -> Any:
            self.begun.append(number)
            self.inside += 1
            self.most = max(self.most, self.inside)
            try:
                self.arrived.set()
                await self.open.wait()
                await asyncio.sleep(self.seconds)
                if error := self.fails(len(self.begun)):
                    raise error
            finally:
                self.inside -= 1
            return number

        return body


async def test_no_more_bodies_are_at_work_than_the_limit_allows(host: Any) -> None:
    crowd = Crowd()
    app = host(MANY, a=crowd.step(concurrency=3))
    assert await app.run(12) == sum(range(12))
    assert sorted(crowd.begun) == list(range(12))
    assert crowd.most <= 3


async def test_all_runs_share_the_places(host: Any) -> None:
    crowd = Crowd()
    app = host(MANY, a=crowd.step(concurrency=2))
    runs = [await app.start(4) for _ in range(4)]
    async with app.working():
        for run_id in runs:
            await app.world.wait_for_end(run_id, 20)
    assert len(crowd.begun) == 16
    assert crowd.most <= 2


async def test_a_limited_step_goes_through_the_queue_and_others_stay_inline(host: Any) -> None:
    crowd = Crowd()
    app = host(TWO, a=crowd.step(concurrency=1), b=Crowd().step())
    run_id = await app.start()
    assert (await app.handle_one()).status is RunStatus.RUNNING
    assert (await app.kinds(run_id))[-1] == EventKind.STEP_CREATED
    [queued] = await app.world.list_messages()
    assert queued.message.limit == Limit("step//app//a", 1)
    await app.handle_one()  # the step
    assert crowd.begun == [1]
    assert (await app.handle_one()).status is RunStatus.COMPLETED  # the rest, in one piece
    assert app.handler.invocations == 3
    assert await app.world.list_messages() == []


@pytest.mark.parametrize("error", [RetryableError("no", retry_after=0.05), TooEarlyError("no", retry_after=0.05)])
async def test_a_step_that_waits_for_its_retry_holds_no_place(host: Any, error: Exception) -> None:
    crowd = Crowd(fails=lambda begun: error if begun == 1 else None)
    app = host(MANY, a=crowd.step(concurrency=1))
    assert await app.run(2) == 1
    assert crowd.begun == [0, 1, 0]
    assert crowd.most == 1


async def test_a_retry_brings_the_limit_along(host: Any) -> None:
    crowd = Crowd(fails=lambda begun: RetryableError("no", retry_after=3600) if begun == 1 else None)
    app = host(MANY, a=crowd.step(concurrency=1, rate="1000/second"))
    await app.start(1)
    await app.handle_one()
    await app.handle_one()
    [queued] = await app.world.list_messages()
    assert queued.message.limit == Limit("step//app//a", 1, 0.001)


async def test_executions_are_as_far_apart_as_the_rate_says(host: Any) -> None:
    app = host(MANY, a=Crowd(0).step(rate="20/second"))
    before = time.time()
    run_id = await app.start(6)
    async with app.working():
        await app.world.wait_for_end(run_id, 20)
    started = [event.time for event in (await app.log(run_id)).events if event.kind is EventKind.STEP_STARTED]
    assert max(started) >= before + 5 * 0.05  # the first begins after `before`, whenever it does


async def test_a_message_without_the_limit_that_its_step_has_gets_it(host: Any) -> None:
    """As one that was sent by a process without the step, or before the step had a limit."""
    crowd = Crowd()
    app = host(MANY, a=crowd.step(concurrency=1))
    all_steps, app.handler._runner._steps = app.handler._runner._steps, Registrations()
    await app.start(3)
    await app.handle_one()
    assert [queued.message.limit for queued in await app.world.list_messages()] == [None] * 3
    app.handler._runner._steps = all_steps
    for _ in range(3):
        await app.handle_one()
    assert crowd.begun == []
    assert [queued.message.limit for queued in await app.world.list_messages()] == [Limit("step//app//a", 1)] * 3
    for _ in range(3):
        await app.handle_one()
    assert sorted(crowd.begun) == [0, 1, 2]


async def test_what_a_limit_keeps_back_takes_no_place_of_a_worker(host: Any) -> None:
    crowd, other = Crowd(60), Crowd()
    source = """
        async def main(count):
            return await (asyncio.gather(*[a(number) for number in range(count)]) if count else b(0))
    """
    app = host(source, a=crowd.step(concurrency=1), b=other.step())
    waiting = await app.start(10)
    async with app.working(concurrency=2):
        await crowd.arrived.wait()
        for _ in range(3):
            await app.world.wait_for_end(await app.start(0), 20)
        await app.world.record(waiting, run_cancelled())
    assert crowd.begun == [0]


async def test_a_pushed_message_waits_for_room_too(host: Any) -> None:
    crowd = Crowd()
    app = host(MANY, a=crowd.step(concurrency=1))
    await app.start(2)
    await app.handle_one()
    first, second = [queued.message.id for queued in await app.world.list_messages()]
    delivery = await app.world.take(first)
    assert await app.world.take(second) is None
    await app.handler.handle(delivery)
    delivery = await app.world.take(second)
    assert delivery is not None
    await app.handler.handle(delivery)
    assert crowd.begun == [0, 1]


async def test_a_paused_workflow_goes_no_further_until_it_is_unpaused(host: Any) -> None:
    crowd, limited = Crowd(), Crowd()
    app = host(TWO, a=crowd.step(), b=limited.step(concurrency=1))
    run_id = await app.start()
    crowd.open.clear()
    async with app.working():
        await crowd.arrived.wait()
        await app.world.pause(app.bundle.workflow)
        extra = await app.start()
        crowd.open.set()  # what is in hand goes on, as far as it needs nothing from the queue
        await asyncio.sleep(0.2)
        assert (crowd.begun, limited.begun) == ([1], [])
        assert (await app.log(extra)).run.status is RunStatus.PENDING
        assert await app.has(run_id, EventKind.STEP_COMPLETED)
        await app.world.unpause(app.bundle.workflow)
        for each in (run_id, extra):
            await app.world.wait_for_end(each, 20)
            assert await app.result(each) == [1, 2, 3]
