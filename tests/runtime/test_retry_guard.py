"""The retry guard, on both worlds and through the real handler: only recorded failures use up retries."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from workflow_runtime import RetryableError, WorkflowError, constant, get_step_metadata, step
from workflow_runtime.events import EventKind
from workflow_runtime.handler.options import HandlerOptions
from workflow_runtime.handler.steps import CRASH_LIMIT
from workflow_runtime.worlds.base import Message, RunStatus, StartStatus

MAIN = "async def main():\n    return await a(1)"
QUEUED = HandlerOptions(inline_steps=0, check_replay=True)
PLACES = pytest.mark.parametrize("inline_steps", [0, 64], ids=["queued", "inline"])


async def inflate(app: Any, run_id: str, starts: int) -> None:
    """Start the run's step so often without an outcome, as processes do that die right after."""
    for number in range(starts):
        start = await app.world.start_step(run_id, "step_000001", f"died{number}", 0.0)
        assert start.status is StartStatus.STARTED


async def decided(app: Any) -> str:
    """A run whose step is decided and waits in the queue."""
    run_id: str = await app.start()
    await app.handle_one()
    return run_id


async def finished(app: Any, run_id: str) -> RunStatus:
    async with app.working():
        status: RunStatus = (await app.world.wait_for_end(run_id, 20)).status
    return status


def failing(times: int, runs: list[int], **options: Any) -> Any:
    """A step that fails so often, and notes the number of each attempt."""

    @step(retry=constant(0), **options)
    async def work(n: Any) -> Any:
        runs.append(get_step_metadata().attempt)
        if len(runs) <= times:
            raise OSError(f"failure {len(runs)}")
        return "done"

    return work


async def test_concurrent_deliveries_can_not_use_up_attempts(host: Any) -> None:
    begun, go, runs = asyncio.Event(), asyncio.Event(), []

    @step(max_retries=0)
    async def work(n: Any) -> Any:
        runs.append(get_step_metadata().attempt)
        begun.set()
        await go.wait()
        return "done"

    app = host(MAIN, a=work, options=QUEUED)
    run_id = await decided(app)
    for number in range(5):
        await app.world.send(Message(f"twin{number}", run_id, "step_000001", "step//app//a"))
    deliveries: list[Any] = []
    while len(deliveries) < 6:
        deliveries += await app.world.receive(6)
    handling = [asyncio.create_task(app.handler.handle(delivery)) for delivery in deliveries]
    await begun.wait()
    done, running = await asyncio.wait(handling, return_when=asyncio.ALL_COMPLETED, timeout=0.5)
    assert len(done) == 5
    go.set()
    await asyncio.gather(*running)
    assert await finished(app, run_id) is RunStatus.COMPLETED
    assert runs == [1]
    assert (await app.kinds(run_id)).count("step_started") == 1


@pytest.mark.parametrize("max_retries", [0, 3])
async def test_starts_without_an_outcome_fail_no_step(host: Any, max_retries: int) -> None:
    runs: list[int] = []
    app = host(MAIN, a=failing(0, runs, max_retries=max_retries), options=QUEUED)
    run_id = await decided(app)
    await inflate(app, run_id, CRASH_LIMIT - 1)
    assert await finished(app, run_id) is RunStatus.COMPLETED
    assert runs == [CRASH_LIMIT]


@PLACES
async def test_without_retries_the_first_failure_is_the_last(host: Any, inline_steps: int) -> None:
    runs: list[int] = []
    app = host(MAIN, a=failing(9, runs, max_retries=0), options=HandlerOptions(inline_steps=inline_steps))
    with pytest.raises(OSError, match="failure 1"):
        await app.run()
    assert runs == [1]


async def test_a_first_real_failure_after_inflated_starts_is_retried(host: Any) -> None:
    runs: list[int] = []
    app = host(MAIN, a=failing(1, runs, max_retries=1), options=QUEUED)
    run_id = await decided(app)
    await inflate(app, run_id, 20)
    assert await finished(app, run_id) is RunStatus.COMPLETED
    assert runs == [21, 22]


async def test_without_retries_a_first_failure_after_inflated_starts_is_the_last(host: Any) -> None:
    runs: list[int] = []
    app = host(MAIN, a=failing(9, runs, max_retries=0), options=QUEUED)
    run_id = await decided(app)
    await inflate(app, run_id, 5)
    assert await finished(app, run_id) is RunStatus.FAILED
    assert runs == [6]


@PLACES
async def test_used_up_retries_keep_the_last_error_and_say_how_often_it_ran(host: Any, inline_steps: int) -> None:
    runs: list[int] = []
    app = host(MAIN, a=failing(9, runs, max_retries=2), options=HandlerOptions(inline_steps=inline_steps))
    with pytest.raises(OSError, match="failure 3") as caught:
        await app.run()
    assert runs == [1, 2, 3]
    assert caught.value.__notes__[0] == "step//app//a ran 3 times; its 2 retries are used up"


async def test_used_up_retries_tell_runs_from_failures(host: Any) -> None:
    runs: list[int] = []
    app = host(MAIN, a=failing(9, runs, max_retries=1), options=QUEUED)
    run_id = await decided(app)
    await inflate(app, run_id, 3)
    await finished(app, run_id)
    with pytest.raises(OSError, match="failure 2") as caught:
        await app.result(run_id)
    assert caught.value.__notes__[0] == "step//app//a ran 5 times and failed 2 times; its 1 retries are used up"


async def test_a_crash_loop_ends_at_its_own_cap_and_says_so(host: Any) -> None:
    runs: list[int] = []
    app = host(MAIN, a=failing(0, runs, max_retries=99), options=QUEUED)
    run_id = await decided(app)
    await inflate(app, run_id, CRASH_LIMIT)
    assert await finished(app, run_id) is RunStatus.FAILED
    said = f"step//app//a was started {CRASH_LIMIT} times, and {CRASH_LIMIT} times its process died or was stopped before an outcome"
    with pytest.raises(WorkflowError, match=said):
        await app.result(run_id)
    assert runs == []


async def test_a_crash_loop_is_found_inline_too(host: Any) -> None:
    """The owning message comes again after each death, and takes the step over until that is enough."""
    begun, runs = asyncio.Event(), []

    async def work(n: Any) -> Any:
        runs.append(get_step_metadata().attempt)
        begun.set()
        await asyncio.sleep(600)

    app = host(MAIN, a=work)
    run_id = await app.start()
    for _ in range(CRASH_LIMIT):
        begun.clear()
        (delivery,) = await app.world.receive(1)
        handling = asyncio.create_task(app.handler.handle(delivery))
        await asyncio.wait_for(begun.wait(), 10)
        handling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await handling
    assert (await app.handle_one()).status is RunStatus.FAILED
    assert runs == list(range(1, CRASH_LIMIT + 1))
    with pytest.raises(WorkflowError, match="its process died or was stopped before an outcome"):
        await app.result(run_id)


async def test_recorded_failures_are_no_crashes(host: Any) -> None:
    runs: list[int] = []
    app = host(MAIN, a=failing(CRASH_LIMIT + 3, runs, max_retries=CRASH_LIMIT + 3))
    assert await app.run() == "done"
    assert len(runs) == CRASH_LIMIT + 4


@PLACES
async def test_the_log_has_when_each_failure_is_to_be_retried(host: Any, inline_steps: int) -> None:
    @step(max_retries=2, retry={RetryableError: constant("20 ms"), OSError: constant("40 ms")})
    async def work(n: Any) -> Any:
        attempt = get_step_metadata().attempt
        if attempt < 3:
            raise (OSError, RetryableError)[attempt - 1](f"failure {attempt}")
        return "done"

    app = host(MAIN, a=work, options=HandlerOptions(inline_steps=inline_steps))
    run_id = await app.start()
    assert await finished(app, run_id) is RunStatus.COMPLETED
    log = (await app.log(run_id)).events
    retries = [event for event in log if event.kind is EventKind.STEP_RETRYING]
    assert [round(event.data["retry_at"] - event.time, 3) for event in retries] == [0.04, 0.02]
    starts = [event.time for event in log if event.kind is EventKind.STEP_STARTED]
    assert all(start >= event.data["retry_at"] for start, event in zip(starts[1:], retries, strict=True))


@PLACES
async def test_a_step_that_takes_too_long_can_be_caught_as_such(host: Any, inline_steps: int) -> None:
    runs = []

    @step(max_retries=1, retry=constant(0), timeout="20 ms")
    async def work(n: Any) -> Any:
        runs.append(n)
        await asyncio.sleep(600)

    source = """
        from workflow_runtime import StepTimeoutError
        async def main():
            try:
                await a(1)
            except StepTimeoutError as error:
                return error.__notes__[0]
    """
    app = host(source, a=work, options=HandlerOptions(inline_steps=inline_steps, check_replay=True))
    assert await app.run() == "step//app//a ran 2 times; its 1 retries are used up"
    assert runs == [1, 1]


async def test_an_outcome_that_a_called_off_body_gives_all_the_same_is_not_in_the_log(host: Any) -> None:
    gone = asyncio.Event()

    async def stubborn(n: Any) -> Any:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(600)
        gone.set()
        return "swallowed"

    async def after(n: Any) -> Any:
        await gone.wait()
        return "late"

    source = """
        async def main():
            try:
                async with asyncio.timeout(0.05):
                    await a(1)
            except TimeoutError:
                return await b(1)
    """
    app = host(source, a=stubborn, b=after, options=HandlerOptions(check_replay=True, extend_every=0.02))
    run_id = await app.start()
    assert await finished(app, run_id) is RunStatus.COMPLETED
    log = (await app.log(run_id)).events
    first = next(event.entity for event in log if event.kind is EventKind.STEP_CREATED)
    assert [event.kind for event in log if event.entity == first] == [
        EventKind.STEP_CREATED,
        EventKind.STEP_STARTED,
        EventKind.STEP_CANCELLED,
    ]


async def test_one_exception_that_many_runs_raise_does_not_grow(host: Any) -> None:
    always_the_same = ConnectionError("busy")

    @step(max_retries=1, retry=constant(0))
    async def busy(n: Any) -> Any:
        raise always_the_same

    app = host(MAIN, a=busy)
    for _ in range(3):
        with pytest.raises(ConnectionError) as caught:
            await app.run()
        assert caught.value.__notes__.count("step//app//a ran 2 times; its 1 retries are used up") == 1
