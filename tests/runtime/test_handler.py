"""The eager loop on real worlds: what one message leads to, and what is in the log afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from typing import Any

import pydantic
import pytest

from workflow_runtime import FatalError, RetryableError, TooEarlyError, get_step_metadata, step
from workflow_runtime.errors import StepNotRegisteredError, WorkflowError
from workflow_runtime.events import Event, EventKind
from workflow_runtime.handler.options import HandlerOptions
from workflow_runtime.logs import current_fields
from workflow_runtime.worlds.base import RunStatus


async def double(n: Any) -> Any:
    return n * 2


async def test_steps_in_a_row_run_in_one_invocation(host: Any) -> None:
    app = host("async def main(n):\n    return await a(await b(n))", a=double, b=double)
    assert await app.run(5) == 20
    assert app.handler.invocations == 1


async def test_parallel_steps_run_together_in_one_invocation(host: Any) -> None:
    met = asyncio.Barrier(3)

    async def meet(n: Any) -> Any:
        await met.wait()
        return n

    app = host("async def main():\n    return await asyncio.gather(a(1), a(2), a(3))", a=meet)
    assert await app.run() == [1, 2, 3]
    assert app.handler.invocations == 1


async def test_sync_steps_run_in_threads(host: Any) -> None:
    def where(n: Any) -> Any:
        return threading.current_thread().name

    app = host("async def main():\n    return await a(1)", a=where)
    assert await app.run() != threading.current_thread().name


async def test_steps_over_the_inline_limit_go_through_the_queue(host: Any) -> None:
    app = host(
        "async def main():\n    return await asyncio.gather(*[a(n) for n in range(6)])",
        a=double,
        options=HandlerOptions(inline_steps=2, check_replay=True),
    )
    assert await app.run() == [0, 2, 4, 6, 8, 10]
    assert app.handler.invocations >= 5


async def test_queued_steps_and_retries_log_the_workflow(host: Any) -> None:
    seen: list[str | None] = []

    async def flaky(n: Any) -> Any:
        seen.append(current_fields().workflow)
        if len(seen) <= 4:
            raise RetryableError("again", retry_after=0)
        return n

    app = host(
        "async def main():\n    return await asyncio.gather(*[a(n) for n in range(4)])",
        a=flaky,
        options=HandlerOptions(inline_steps=1),
    )
    await app.run()
    assert len(seen) == 8
    assert set(seen) == {app.bundle.workflow}


@pytest.mark.parametrize(("wait", "told"), [(0.02, r"in [12]?\d ms"), (0.3, r"in 0\.3 s"), (0, "at once")])
async def test_the_log_says_when_a_step_is_run_again(
    host: Any, caplog: pytest.LogCaptureFixture, wait: float, told: str
) -> None:
    caplog.set_level("INFO")
    calls: list[int] = []

    async def flaky(n: Any) -> Any:
        calls.append(n)
        if len(calls) == 1:
            raise RetryableError("again", retry_after=wait)
        return n

    await host("async def main():\n    return await a(1)", a=flaky).run()
    assert re.search(f"is run again {told} after attempt 1: again", caplog.text)


async def test_workflow_code_catches_what_pydantic_found_in_a_step(host: Any) -> None:
    async def validate(n: Any) -> Any:
        return pydantic.TypeAdapter(int).validate_python(n)

    app = host(
        "async def main():\n    try:\n        await a('x')\n    except ValueError as error:\n        return error.errors()[0]['type']",
        a=step(max_retries=0)(validate),
    )
    assert await app.run() == "int_parsing"


async def test_code_that_draws_a_seed_while_it_loads_fails_with_the_line(host: Any) -> None:
    app = host("import random\nDICE = random.Random()\nasync def main():\n    return DICE.random()")
    with pytest.raises(
        WorkflowError, match=r"can not be loaded: app\.py:\d+: NondeterminismError: random\.Random\(\) was"
    ):
        await app.run()


async def test_a_step_fails_at_once_with_a_fatal_error_and_the_workflow_can_catch_it(host: Any) -> None:
    async def refuse(n: Any) -> Any:
        raise FatalError("declined")

    source = """
        from workflow_runtime import FatalError
        async def main():
            try:
                await a(1)
            except FatalError as error:
                return str(error)
    """
    app = host(source, a=refuse)
    assert await app.run() == "declined"


async def test_a_step_that_fails_is_retried_and_its_attempts_are_counted(host: Any) -> None:
    seen = []

    async def flaky(n: Any) -> Any:
        seen.append(get_step_metadata().attempt)
        if len(seen) < 3:
            raise RetryableError("not yet", retry_after=0.01)
        return "done"

    app = host("async def main():\n    return await a(1)", a=flaky)
    assert await app.run() == "done"
    assert seen == [1, 2, 3]


async def test_used_up_retries_raise_the_last_real_error_and_say_how_often_the_step_ran(host: Any) -> None:
    runs = []

    @step(max_retries=2)
    async def broken(n: Any) -> Any:
        runs.append(n)
        raise RetryableError(f"failure {len(runs)}", retry_after=0)

    app = host("async def main():\n    return await a(1)", a=broken)
    with pytest.raises(RetryableError, match="failure 3") as caught:
        await app.run()
    assert len(runs) == 3
    assert any("ran 3 times" in note for note in caught.value.__notes__)


async def test_a_step_with_zero_retries_fails_at_its_first_failure(host: Any) -> None:
    runs = []

    @step(max_retries=0)
    async def broken(n: Any) -> Any:
        runs.append(n)
        raise ValueError("no")

    app = host("async def main():\n    return await a(1)", a=broken)
    with pytest.raises(ValueError, match="no"):
        await app.run()
    assert len(runs) == 1


async def test_too_early_does_not_count_as_a_retry(host: Any) -> None:
    runs = []

    @step(max_retries=0)
    async def poll(n: Any) -> Any:
        runs.append(n)
        if len(runs) < 4:
            raise TooEarlyError("not ready", retry_after=0.01)
        return len(runs)

    app = host("async def main():\n    return await a(1)", a=poll)
    assert await app.run() == 4


async def test_a_wait_is_never_early_and_holds_no_handler(host: Any) -> None:
    app = host(
        "async def main():\n    begun = time.time()\n    await asyncio.sleep(0.2)\n    return time.time() - begun"
    )
    run_id = await app.start()
    assert (await app.handle_one()).status is RunStatus.RUNNING
    assert (await app.handle_one()).status is RunStatus.COMPLETED
    assert await app.result(run_id) >= 0.2


async def test_a_race_of_a_step_and_a_wait_ends_at_the_first_and_cancels_the_step(host: Any) -> None:
    cancelled = asyncio.Event()

    async def slow(n: Any) -> Any:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    source = """
        async def main():
            try:
                async with asyncio.timeout(0.1):
                    await a(1)
            except TimeoutError:
                return "late"
    """
    app = host(source, a=slow, options=HandlerOptions(check_replay=True, extend_every=0.05))
    assert await app.run() == "late"
    await asyncio.wait_for(cancelled.wait(), 5)


async def test_a_pending_wait_does_not_hold_up_steps(host: Any) -> None:
    source = """
        async def main(n):
            timer = asyncio.create_task(asyncio.sleep(3600))
            for _ in range(3):
                n = await a(n)
            return n, timer.done()
    """
    app = host(source, a=double)
    assert await app.run(1) == (8, False)
    assert app.handler.invocations == 1


async def test_redelivery_of_the_owning_message_takes_the_step_over(host: Any) -> None:
    attempts = []
    begun = asyncio.Event()

    async def work(n: Any) -> Any:
        attempts.append(get_step_metadata().attempt)
        begun.set()
        if len(attempts) == 1:
            await asyncio.sleep(30)
        return "second"

    app = host("async def main():\n    return await a(1)", a=work)
    run_id = await app.start()
    (delivery,) = await app.world.receive(1)
    first = asyncio.create_task(app.handler.handle(delivery))
    await asyncio.wait_for(begun.wait(), 10)
    first.cancel()  # the handler dies without an outcome, and its message comes again
    with contextlib.suppress(asyncio.CancelledError):
        await first
    await app.handle_one()
    assert await app.result(run_id) == "second"
    assert attempts == [1, 2]


async def test_a_step_that_is_not_registered_is_a_failure_that_can_be_caught(host: Any) -> None:
    source = """
        from workflow_runtime import StepNotRegisteredError
        async def main():
            try:
                await a(1)
            except StepNotRegisteredError as error:
                return "caught"
    """
    impatient = HandlerOptions(patience=0, check_replay=True)
    assert await host(source, options=impatient).run() == "caught"
    with pytest.raises(StepNotRegisteredError, match="step//app//a"):
        await host("async def main():\n    await a(1)", options=impatient).run()


async def test_a_step_that_this_process_lacks_waits_for_one_that_has_it(
    host: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("workflow_runtime.handler.handler.LONGEST_BACKOFF", 0.02)
    old = host("async def main():\n    return await a(1)")
    run_id = await old.start()
    await old.handle_one()  # decides the step, and leaves it to the queue
    await old.handle_one()  # does not have it: hands it back
    assert (await old.kinds(run_id))[-1] == "step_created"
    assert (
        "step//app//a; again in 0.0 s; was it renamed or removed? Put it back under that name, or cancel" in caplog.text
    )
    new = host("async def main():\n    return await a(1)", a=double)
    async with new.working():
        await new.world.wait_for_end(run_id, 10)
    assert await new.result(run_id) == 2


async def test_results_that_can_not_be_stored_fail_the_step_with_the_path(host: Any) -> None:
    async def socket(n: Any) -> Any:
        return {"inner": [object()]}

    app = host("async def main():\n    await a(1)", a=socket)
    with pytest.raises(WorkflowError, match=r"inner.*\[0\]"):
        await app.run()


@pytest.mark.parametrize("error", [SystemExit(3), StopIteration("x"), asyncio.CancelledError()])
@pytest.mark.parametrize("threaded", [False, True])
async def test_whatever_a_step_raises_is_its_outcome(host: Any, error: Any, threaded: Any) -> None:
    @step(max_retries=0)
    async def raise_async(n: Any) -> Any:
        raise error

    @step(max_retries=0)
    def raise_sync(n: Any) -> Any:
        raise error

    app = host("async def main():\n    await a(1)", a=raise_sync if threaded else raise_async)
    run_id = await app.start()
    async with app.working():
        info = await app.world.wait_for_end(run_id, 10)
    assert info.status is RunStatus.FAILED


async def test_two_handlers_on_one_run_can_not_diverge(host: Any) -> None:
    gate = asyncio.Event()

    async def held(n: Any) -> Any:
        await gate.wait()
        return n

    source = """
        async def main():
            long = asyncio.create_task(a(1))
            await asyncio.sleep(0.05)
            quick = await b(2)
            return [await long, quick]
    """
    app = host(source, a=held, b=double)
    run_id = await app.start()
    async with app.working():
        async with asyncio.timeout(10):
            while "step_completed" not in await app.kinds(run_id):  # noqa: ASYNC110 - a log in a database has no event to wait for
                await asyncio.sleep(0.01)
        gate.set()
        await app.world.wait_for_end(run_id, 10)
    assert await app.result(run_id) == [1, 4]
    kinds = await app.kinds(run_id)
    assert kinds.count("step_created") == kinds.count("step_completed") == 2


async def test_a_run_whose_bundle_no_process_has_fails_only_after_patience(
    host: Any, monkeypatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("workflow_runtime.handler.handler.LONGEST_BACKOFF", 0.05)
    app = host("async def main(): ...", options=HandlerOptions(patience=2))
    data = {"workflow": "workflow//app//main", "bundle": "ffffffffffffffff", "input": {"args": []}}
    from workflow_runtime.worlds.base import Message

    await app.world.create_run("wrun_lost", Event(EventKind.RUN_CREATED, 1.0, "", data), Message("m", "wrun_lost"))
    for _ in range(5):  # deliveries that say nothing of the bundle, as after crashes and deploys
        (delivery,) = await app.world.receive(1)
        await delivery.again()
    assert (await app.handle_one()).status is RunStatus.PENDING
    assert "its bundle; again in 0.1 s; was the bundle removed? Deploy it again, or cancel the run" in caplog.text
    assert (await app.handle_one()).status is RunStatus.PENDING
    assert (await app.handle_one()).status is RunStatus.FAILED


async def test_workflow_code_that_can_not_be_loaded_fails_the_run(host: Any) -> None:
    with pytest.raises(WorkflowError, match="ZeroDivisionError"):
        await host("X = 1 / 0\nasync def main(): ...").run()


async def test_nothing_is_left_in_the_queue_when_a_run_ends(host: Any) -> None:
    app = host("async def main():\n    t = asyncio.create_task(asyncio.sleep(86400))\n    return await a(1)", a=double)
    await app.run()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(app.world.receive(1), 0.2)


async def test_a_stopped_worker_hands_back_what_is_not_done_in_time(host: Any) -> None:
    begun = asyncio.Event()

    async def slow(n: Any) -> Any:
        begun.set()
        await asyncio.sleep(0 if get_step_metadata().attempt > 1 else 30)
        return "after"

    app = host("async def main():\n    return await a(1)", a=slow)
    run_id = await app.start()
    async with app.working(grace=0.05):
        await begun.wait()
    async with app.working():
        await app.world.wait_for_end(run_id, 10)
    assert await app.result(run_id) == "after"
