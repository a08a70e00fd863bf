"""What happens between a handler's awaits: outcomes meet, storage fails, handlers are told to let go."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from workflow_runtime import RetryableError, TooEarlyError, WorldError, step
from workflow_runtime.bundles import Bundle
from workflow_runtime.clock import clock_in_place
from workflow_runtime.events import STEP_ENDS, EventKind
from workflow_runtime.handler.options import HandlerOptions
from workflow_runtime.worlds.base import Message, RunStatus

RACE = """
    async def main():
        tasks = [asyncio.create_task(a(n)) for n in (1, 2)]
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return min(task.result() for task in done)
"""


async def same(n: Any) -> Any:
    return n


async def test_an_outcome_that_lands_between_the_one_that_ends_the_workflow_and_its_end_changes_nothing(
    host: Any,
) -> None:
    app = host(RACE, a=same, options=HandlerOptions(inline_steps=0, check_replay=True))
    run_id = await app.start()
    await app.handle_one()  # two steps go to the queue
    await app.handle_one()
    await app.handle_one()  # both have their outcome, and nobody has looked at the run yet
    assert (await app.handle_one()).status is RunStatus.COMPLETED
    assert await app.result(run_id) == 1


async def test_an_outcome_is_kept_when_the_end_that_it_came_too_late_for_is_refused(
    host: Any, monkeypatch: Any
) -> None:
    """b's outcome arrives from elsewhere just before a's, which alone would have ended the workflow."""
    source = """
        async def main():
            first, third, second = [asyncio.create_task(s(n)) for s, n in ((a, 1), (a, 3), (b, 2))]
            await asyncio.wait([first, second], return_when=asyncio.FIRST_COMPLETED)
            return await third if second.done() else "too early"
    """
    bodies: Counter[Any] = Counter()
    go = asyncio.Event()

    async def counted(n: Any) -> Any:
        bodies[n] += 1
        await go.wait()
        return n

    app = host(source, a=counted, b=same, options=HandlerOptions(inline_steps=2, check_replay=True))
    run_id = await app.start()
    commit = app.world.commit
    late: list[Any] = []

    async def meddle(run: str, after: int, events: Any, **more: Any) -> Any:
        if late and any(event.kind is EventKind.STEP_COMPLETED for event in events):
            await app.handler.handle(late.pop())
        return await commit(run, after, events, **more)

    monkeypatch.setattr(app.world, "commit", meddle)
    (delivery,) = await app.world.receive(1)
    driving = asyncio.create_task(app.handler.handle(delivery))
    late += await app.world.receive(1)
    assert late[0].message.step_name == "step//app//b"
    go.set()
    await driving
    assert await app.result(run_id) == 3
    assert bodies == {1: 1, 3: 1}


async def test_a_message_that_is_early_when_looked_at_and_due_a_moment_later_is_not_kept(
    host: Any, monkeypatch: Any
) -> None:
    app = host("async def main():\n    await asyncio.sleep(1000)")
    run_id = await app.start()
    await app.handle_one()
    until = next(e.data["until"] for e in (await app.log(run_id)).events if e.kind is EventKind.WAIT_CREATED)
    await app.world.send(Message("again", run_id, key=f"{run_id}:wait_000001"))  # hastens it: it comes before its time
    (delivery,) = await app.world.receive(1)
    handed: list[str] = []

    def noted(name: str, method: Any) -> Any:
        def call(*args: Any) -> Any:
            handed.append(name)
            return method(*args)

        return call

    for name in ("ack", "again"):
        monkeypatch.setattr(app.world, name, noted(name, getattr(app.world, name)))
    ticks = itertools.chain([until - 1, until - 0.5, until - 0.01], itertools.repeat(until + 1))
    with clock_in_place(lambda: next(ticks)):
        await app.handler.handle(delivery)
    assert handed == ["again"]


async def test_a_queued_step_that_is_called_off_goes_back_only_when_its_body_has_ended(host: Any) -> None:
    begun, cleaning, cleaned = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work(n: Any) -> Any:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cleaning.set()
            await asyncio.sleep(0.05)
            cleaned.set()

    app = host("async def main():\n    await a(1)", a=work, options=HandlerOptions(inline_steps=0))
    await app.start()
    await app.handle_one()
    (delivery,) = await app.world.receive(1)
    handling = asyncio.create_task(app.handler.handle(delivery))
    await begun.wait()
    handling.cancel()
    await asyncio.wait_for(app.world.receive(1), 10)
    assert cleaned.is_set()


@pytest.mark.parametrize("inline_steps", [0, 64])
async def test_a_sync_step_keeps_its_message_until_its_thread_has_ended(host: Any, inline_steps: Any) -> None:
    begun, go, ended = threading.Event(), threading.Event(), threading.Event()

    def work(n: Any) -> Any:
        begun.set()
        go.wait(10)
        ended.set()

    app = host("async def main():\n    await a(1)", a=work, options=HandlerOptions(inline_steps=inline_steps))
    await app.start()
    if not inline_steps:
        await app.handle_one()
    (delivery,) = await app.world.receive(1)
    handling = asyncio.create_task(app.handler.handle(delivery))
    await asyncio.to_thread(begun.wait, 10)
    handling.cancel()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(app.world.receive(1), 0.2)
    go.set()
    await asyncio.wait_for(app.world.receive(1), 10)
    assert ended.is_set()


class Odd(BaseException):
    """What some libraries raise to get past ``except Exception``."""


class WithoutInit(RetryableError):
    def __init__(self, code: int) -> None:
        self.code = code


@dataclass(frozen=True)
class Frozen(Exception):
    code: int


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


ODD_ERRORS = [
    Odd("x"),
    WithoutInit(3),
    Frozen(4),
    Unprintable(),
    RetryableError("x", retry_after=10**400),
    ExceptionGroup("several", [ValueError(1), ExceptionGroup("deep", [Unprintable()])]),
    BaseExceptionGroup("base", [Odd("in"), ValueError(2)]),
]


@pytest.mark.parametrize("error", ODD_ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("retries", [0, 1])
async def test_however_odd_an_error_is_it_is_the_steps_outcome(
    host: Any, error: Any, retries: Any, monkeypatch: Any, caplog: Any
) -> None:
    monkeypatch.setattr("workflow_runtime.handler.steps.RETRY_DELAY", 0.01)
    monkeypatch.setattr("logging.raiseExceptions", False)

    @step(max_retries=retries)
    async def fail(n: Any) -> Any:
        raise error

    app = host("async def main():\n    await a(1)", a=fail)
    run_id = await app.start()
    async with app.working():
        assert (await app.world.wait_for_end(run_id, 5)).status is RunStatus.FAILED
    assert (await app.kinds(run_id)).count("step_started") == retries + 1


@pytest.mark.parametrize("wish", ["10 ms", None, "nonsense", float("inf")])
async def test_too_early_takes_whatever_it_is_given(host: Any, wish: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("workflow_runtime.handler.steps.RETRY_DELAY", 0.01)
    runs: list[int] = []

    async def poll(n: Any) -> Any:
        runs.append(n)
        if len(runs) == 1:
            raise TooEarlyError("not yet", retry_after=wish)
        return "now"

    app = host("async def main():\n    return await a(1)", a=poll)
    run_id = await app.start()
    async with app.working():
        await app.world.wait_for_end(run_id, 5)
    assert (await app.kinds(run_id)).count("step_retrying") == 1


async def test_a_storage_that_fails_for_a_moment_makes_no_step_run_again(host: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("workflow_runtime.handler.patience.PAUSE", 0.01)
    bodies: Counter[Any] = Counter()

    async def counted(n: Any) -> Any:
        bodies[n] += 1
        await asyncio.sleep(0.03 * n)
        return n

    app = host(
        "async def main():\n    return await asyncio.gather(a(1), a(2), b(3))",
        a=counted,
        b=counted,
        options=HandlerOptions(inline_steps=2, extend_every=0.01, check_replay=True),
    )
    for name in ("commit", "record", "extend"):
        monkeypatch.setattr(app.world, name, _failing(getattr(app.world, name)))
    assert await app.run() == [1, 2, 3]
    assert bodies == {1: 1, 2: 1, 3: 1}


def _failing(method: Any) -> Any:
    """Fails two times of three: once before it has done its work, and once after."""
    calls = itertools.count()

    async def call(*args: Any, **kwargs: Any) -> Any:
        turn = next(calls) % 3
        if turn == 0:
            raise WorldError("the disk is full")
        answer = await method(*args, **kwargs)
        if turn == 1:
            raise WorldError("the disk went away")
        return answer

    return call


async def test_a_message_is_handed_back_however_long_the_storage_fails(host: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("workflow_runtime.handler.patience.PAUSE", 0.001)
    app = host("async def main():\n    return await a(1)", a=same)
    failures = iter(range(12))

    def down(method: Any) -> Any:
        async def call(*args: Any, **kwargs: Any) -> Any:
            if next(failures, None) is not None:
                raise WorldError("the disk is full")
            return await method(*args, **kwargs)

        return call

    for name in ("commit", "again"):
        monkeypatch.setattr(app.world, name, down(getattr(app.world, name)))
    assert await app.run(timeout=10) == 1


async def test_a_worker_outlives_whatever_receiving_raises(host: Any, monkeypatch: Any) -> None:
    app = host("async def main():\n    return await a(1)", a=same)
    receive, failures = app.world.receive, iter([OSError("no"), ValueError("no")])

    async def fail_first(limit: int) -> Any:
        for error in failures:
            raise error
        return await receive(limit)

    monkeypatch.setattr(app.world, "receive", fail_first)
    assert await app.run() == 1


async def test_a_worker_whose_stop_is_cancelled_leaves_no_handler_behind(host: Any) -> None:
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def work(n: Any) -> Any:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    app = host("async def main():\n    await a(1)", a=work)
    await app.start()

    async def live() -> None:
        async with app.working(grace=60):
            await begun.wait()

    life = asyncio.create_task(live())
    await begun.wait()
    await asyncio.sleep(0.05)  # it waits for its handlers now
    life.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await life
    assert stopped.is_set()


async def test_a_message_that_is_called_off_while_the_storage_refuses_goes_back_when_it_does_not(
    host: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, refusals = asyncio.Event(), [WorldError("database is locked")] * 2

    async def work(n: Any) -> Any:
        begun.set()
        await asyncio.Event().wait()

    app = host("async def main():\n    await a(1)", a=work)
    await app.start()
    (delivery,) = await app.world.receive(1)
    hand_back = app.world.again

    async def refuse_first(*given: Any) -> None:
        if refusals:
            raise refusals.pop()
        await hand_back(*given)

    monkeypatch.setattr(app.world, "again", refuse_first)
    handling = asyncio.create_task(app.handler.handle(delivery))
    await begun.wait()
    handling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await handling
    (again,) = await asyncio.wait_for(app.world.receive(1), 10)
    assert again.message == delivery.message
    assert not refusals


async def test_a_replay_that_failed_leaves_no_half_fed_machine_behind(host: Any, monkeypatch: Any) -> None:
    """The commit of the failure is refused because of news that do not concern the workflow."""
    app = host("async def main():\n    return await a(1)", a=same, options=HandlerOptions(inline_steps=0))
    run_id = await app.start()
    await app.handle_one()
    (queued,) = await app.world.receive(1)
    changed = host("async def main():\n    await b(1)\n    await b(2)", b=same)

    async def find(*_: object) -> tuple[Bundle, Path]:
        return changed.bundle, Path("/")

    monkeypatch.setattr("workflow_runtime.handler.handler.find_bundle", find)
    commit = app.world.commit

    async def meddle(run: str, after: int, events: Any, **more: Any) -> Any:
        monkeypatch.setattr(app.world, "commit", commit)
        await app.world.start_step(run, "step_000001", queued.message.id, time.time())
        return await commit(run, after, events, **more)

    monkeypatch.setattr(app.world, "commit", meddle)
    await app.world.send(Message("wake", run_id))
    assert (await app.handle_one()).status is RunStatus.FAILED
    kinds = await app.kinds(run_id)
    assert kinds.count("step_created") == 1
    assert not set(kinds) & {kind.value for kind in STEP_ENDS}
