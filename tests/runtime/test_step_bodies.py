"""Bodies of steps that take too long, that are called off, and that would rather not be."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from workflow_runtime import (
    FatalError,
    RetryableError,
    StepTimeoutError,
    WorkflowError,
    get_step_metadata,
    step,
    step_cancelled,
)
from workflow_runtime.context import CallOff
from workflow_runtime.events import Event, EventKind
from workflow_runtime.handler.inline import InlineSteps
from workflow_runtime.handler.steps import Attempt, StepRunner
from workflow_runtime.project import Registrations
from workflow_runtime.values import decode, decode_error
from workflow_runtime.worlds.memory import MemoryWorld


class Attempted:
    """An attempt in its task, which is cancelled as handlers do it."""

    def __init__(self, begin: Callable[[CallOff], Coroutine[Any, Any, Event]]) -> None:
        self._call_off = CallOff()
        self.task = asyncio.create_task(begin(self._call_off))

    def __await__(self) -> Generator[Any, None, Event]:
        return self.task.__await__()

    def cancel(self) -> None:
        self._call_off.called = self._call_off.unwanted = True
        self.task.cancel()


Run = Callable[..., Attempted]
FOREVER = 600


@pytest.fixture
async def run() -> AsyncIterator[Run]:
    """``run(function)``: its first attempt."""
    threads = ThreadPoolExecutor(1)

    def begin(function: Callable[..., Any]) -> Attempted:
        steps = Registrations()
        steps.add("step//app//work", function)
        attempt = Attempt("wrun_1", "step_000001", "step//app//work", {"args": []}, 1, 0, 0)
        return Attempted(partial(StepRunner(MemoryWorld(), steps, threads).run, attempt))

    yield begin
    threads.shutdown()


async def test_an_attempt_that_takes_too_long_is_cancelled_and_has_failed_like_any_other(run: Run) -> None:
    cleaned = []

    @step(timeout="20 ms")
    async def work() -> None:
        try:
            await asyncio.sleep(FOREVER)
        finally:
            await asyncio.sleep(0)
            cleaned.append(step_cancelled())

    event = await run(work)
    error = decode_error(event.data["error"])
    assert event.kind is EventKind.STEP_RETRYING
    assert event.data["counted"] is True
    assert type(error) is StepTimeoutError
    assert str(error) == "step//app//work took longer than its timeout of 0.02 seconds"
    assert cleaned == [True]


async def test_a_result_in_time_is_the_result(run: Run) -> None:
    @step(timeout="1 min")
    async def work() -> str:
        await asyncio.sleep(0.01)
        return "in time"

    assert decode((await run(work)).data["output"]) == "in time"


async def test_a_result_after_the_time_is_none(run: Run) -> None:
    @step(timeout=0.01, max_retries=0)
    async def work() -> str:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(FOREVER)
        return "too late"

    event = await run(work)
    assert event.kind is EventKind.STEP_FAILED
    assert isinstance(decode_error(event.data["error"]), StepTimeoutError)


@pytest.mark.parametrize(
    ("answer", "kind", "what"),
    [
        (FatalError("enough"), EventKind.STEP_FAILED, FatalError),
        (RetryableError("later", retry_after=60), EventKind.STEP_RETRYING, RetryableError),
        (OSError("cleaning up failed"), EventKind.STEP_RETRYING, StepTimeoutError),
    ],
)
async def test_what_a_body_answers_to_its_timeout_is_the_cause_unless_it_is_a_word_to_the_runtime(
    run: Run, answer: Exception, kind: EventKind, what: type[Exception]
) -> None:
    @step(timeout=0.01)
    async def work() -> None:
        try:
            await asyncio.sleep(FOREVER)
        except asyncio.CancelledError:
            raise answer from None

    event = await run(work)
    error = decode_error(event.data["error"])
    assert event.kind is kind
    assert type(error) is what
    assert repr(error.__cause__ or error) == repr(answer)


async def test_a_timeout_of_the_steps_own_is_its_own_error(run: Run) -> None:
    @step(timeout="1 min")
    async def work() -> None:
        async with asyncio.timeout(0.01):
            await asyncio.sleep(FOREVER)

    assert type(decode_error((await run(work)).data["error"])) is TimeoutError


async def swallow() -> str:
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(FOREVER)
    return "swallowed"


async def take_back() -> str:
    task = asyncio.current_task()
    assert task is not None
    try:
        await asyncio.sleep(FOREVER)
    except asyncio.CancelledError:
        task.uncancel()
    await asyncio.sleep(0.01)
    return "taken back"


async def fail_instead() -> None:
    try:
        await asyncio.sleep(FOREVER)
    finally:
        raise OSError("cleaning up failed")


def finish_in_a_thread() -> str:
    time.sleep(0.1)
    return "finished"


def fail_in_a_thread() -> None:
    time.sleep(0.1)
    raise OSError("too late to matter")


@pytest.mark.parametrize("body", [swallow, take_back, fail_instead, finish_in_a_thread, fail_in_a_thread])
async def test_a_cancelled_attempt_has_no_outcome_whatever_its_body_does(
    run: Run, body: Any, caplog: pytest.LogCaptureFixture
) -> None:
    ended = []

    async def watched() -> Any:
        try:
            return await body()
        finally:
            ended.append(True)

    def watched_in_thread() -> Any:
        try:
            return body()
        finally:
            ended.append(True)

    attempted = run(watched if asyncio.iscoroutinefunction(body) else watched_in_thread)
    await asyncio.sleep(0.03)
    attempted.cancel()
    await asyncio.wait([attempted.task])
    assert attempted.task.cancelled()
    assert ended == [True]
    del attempted
    await asyncio.sleep(0.01)  # for the thread to let go of its job
    gc.collect()
    # asyncio logs what nobody has asked for; what other tests have left is collected here, too
    assert [record for record in caplog.records if record.name == "asyncio"] == []


@pytest.mark.parametrize("threaded", [False, True])
async def test_cancelling_again_does_not_let_a_body_run_on_unwatched(run: Run, threaded: bool) -> None:
    begun, go, ended = threading.Event(), threading.Event(), []

    def in_thread() -> None:
        begun.set()
        go.wait(10)
        ended.append(True)

    async def stubborn() -> None:
        begun.set()
        while not go.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.01)
        ended.append(True)

    task = run(in_thread if threaded else stubborn)
    while not begun.is_set():  # noqa: ASYNC110 - set in a thread
        await asyncio.sleep(0.001)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0.02)
        assert not task.task.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [True]


async def test_a_step_in_a_thread_can_see_that_it_is_called_off_and_stop(run: Run) -> None:
    begun, rounds = threading.Event(), []

    def work() -> None:
        assert not step_cancelled()
        begun.set()
        while not step_cancelled():
            rounds.append(1)
            time.sleep(0.005)

    task = run(work)
    assert await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task.task, 10)


async def test_a_step_that_waits_for_a_thread_when_it_is_called_off_never_runs(run: Run) -> None:
    go, ran = threading.Event(), []
    first = run(lambda: go.wait(10))
    second = run(lambda: ran.append(1))
    await asyncio.sleep(0.02)
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    go.set()
    assert (await first).kind is EventKind.STEP_COMPLETED
    assert ran == []


async def test_a_step_that_cancels_itself_has_failed(run: Run) -> None:
    async def work() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.sleep(FOREVER)

    event = await run(work)
    error = decode_error(event.data["error"])
    assert type(error) is WorkflowError
    assert "although nobody cancelled it" in str(error)


async def cancel_itself_at_the_end() -> str:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    return "done"


async def cancel_itself_and_take_it_back() -> str:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    task.uncancel()
    return "done"


async def leave_a_cancellation_to_come() -> str:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().call_soon(task.cancel)
    return "done"


@pytest.mark.parametrize(
    "body", [cancel_itself_at_the_end, cancel_itself_and_take_it_back, leave_a_cancellation_to_come]
)
async def test_a_cancellation_that_a_body_leaves_to_its_task_does_not_take_its_outcome_with_it(body: Any) -> None:
    world = MemoryWorld()
    with ThreadPoolExecutor(1) as threads:
        steps = Registrations()
        steps.add("step//app//work", body)
        attempt = Attempt("wrun_1", "step_000001", "step//app//work", {"args": []}, 1, 0, 0)
        inline = InlineSteps(world, "wrun_1")
        inline.start("step_000001", partial(StepRunner(world, steps, threads).run, attempt))
        while not await inline.one_is_done(5):
            pass
        [outcome] = inline.outcomes()
        await inline.call_off()
    assert decode(outcome.data["output"]) == "done"


@pytest.mark.parametrize("threaded", [False, True])
async def test_an_exit_is_the_steps_failure_and_not_the_workers_end(run: Run, threaded: bool) -> None:
    async def leave() -> None:
        raise SystemExit(3)

    def leave_in_thread() -> None:
        raise SystemExit(3)

    event = await run(leave_in_thread if threaded else leave)
    assert event.kind is EventKind.STEP_RETRYING


async def test_a_step_knows_a_key_that_is_the_same_for_every_attempt(run: Run) -> None:
    async def work() -> str:
        return get_step_metadata().idempotency_key

    assert decode((await run(work)).data["output"]) == "wrun_1:step_000001"


def test_outside_of_a_workflow_nothing_is_cancelled() -> None:
    assert step_cancelled() is False


@pytest.mark.parametrize("threaded", [True, False])
async def test_a_body_that_raises_generator_exit_has_failed_like_any_other(run: Run, threaded: bool) -> None:
    def work() -> None:
        raise GeneratorExit

    async def work_async() -> None:
        raise GeneratorExit

    event = await run(work if threaded else work_async)
    assert event.kind is EventKind.STEP_RETRYING
    assert str(decode_error(event.data["error"])) == "step//app//work raised GeneratorExit"
