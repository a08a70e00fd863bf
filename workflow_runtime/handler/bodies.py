"""Running the body of a step to its real end, whatever it does about being cancelled.

A body has a task of its own, so that nothing it does to its task reaches the handler's: it may swallow a cancellation,
take it back, or cancel itself.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from functools import partial
from typing import Any

from workflow_runtime.context import CallOff, StepMetadata, current_call_off, current_step
from workflow_runtime.errors import FatalError, RetryableError, StepTimeoutError, TooEarlyError, WorkflowError


@dataclass(frozen=True, slots=True)
class Body:
    """A step's function, bound to its arguments, and who it is."""

    metadata: StepMetadata
    function: Callable[[], Any]
    is_async: bool
    timeout: float | None
    """Seconds until it is cancelled and has failed."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a body ended: with a value, or with an error."""

    value: object = None
    error: BaseException | None = None


async def run_to_the_end(body: Body, threads: Executor) -> Ended:
    """Run the body, async ones on this loop and others in a thread.

    Cancelled, this cancels the body and raises ``CancelledError`` once it has really ended, whatever it answered.
    """
    loop = asyncio.get_running_loop()
    called_off, late = CallOff(), False
    # Settled by the body's task in its last moment: what asyncio.wait() would tell comes two turns of the loop later.
    ending: asyncio.Future[None] = loop.create_future()
    task = asyncio.create_task(_ending(body, threads, called_off, ending))

    def call_off() -> None:
        called_off.called = True
        task.add_done_callback(lambda _: _settle(ending))  # a task that has not begun ends without a word
        task.cancel()

    def time_is_up() -> None:
        nonlocal late
        late = not task.done()
        call_off()

    timer = loop.call_later(body.timeout, time_is_up) if body.timeout is not None else None
    try:
        await _until_done(task, call_off, ending)
    finally:
        if timer is not None:
            timer.cancel()
    return _timed_out(body, None if task.cancelled() else task.result().error) if late else task.result()


async def _ending(body: Body, threads: Executor, call_off: CallOff, ending: asyncio.Future[None]) -> Ended:
    current_step.set(body.metadata)
    current_call_off.set(call_off)
    try:
        if body.is_async:
            return Ended(await body.function())
        result = await _threaded(body.function, threads)
        return Ended(await result if inspect.isawaitable(result) else result)
    except asyncio.CancelledError as error:
        if call_off.called:
            raise
        own = WorkflowError(f"{body.metadata.name} raised CancelledError although nobody cancelled it")
        own.__cause__ = error
        return Ended(error=own)
    except KeyboardInterrupt:
        raise
    except (
        GeneratorExit
    ) as error:  # the body's own, or this coroutine is being closed; then nobody looks at what it returns
        own = WorkflowError(f"{body.metadata.name} raised GeneratorExit")
        own.__cause__ = error
        return Ended(error=own)
    except BaseException as error:  # noqa: BLE001 - whatever the user's code raises is the step's outcome; SystemExit would stop the loop
        return Ended(error=error)
    finally:
        _settle(ending)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


async def _until_done(
    future: asyncio.Future[Any], call_off: Callable[[], object], ending: asyncio.Future[None] | None = None
) -> None:
    """Wait until it is done, which ``ending`` tells sooner. Each time that this is cancelled, ``call_off`` is called; it is raised at the end,
    not before.
    """
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        news: Awaitable[object] = asyncio.wait([future]) if ending is None or ending.done() else ending
        try:
            await news
        except asyncio.CancelledError as error:
            cancelled = error
            call_off()
    if cancelled is not None:
        if not future.cancelled():
            future.exception()  # taken note of, or asyncio would log that nobody did
        raise cancelled


def _timed_out(body: Body, answer: BaseException | None) -> Ended:
    """A body may answer its cancellation with a word to the runtime; all else comes too late."""
    if isinstance(answer, FatalError | RetryableError | TooEarlyError):
        return Ended(error=answer)
    error = StepTimeoutError(f"{body.metadata.name} took longer than its timeout of {body.timeout:g} seconds")
    error.__cause__ = answer
    return Ended(error=error)


async def _threaded(function: Callable[[], Any], threads: Executor) -> object:
    """What the function gives in a thread. Nobody can stop a thread: cancelled, this waits for it, so that no other runs the step."""
    job: Future[object] = threads.submit(partial(contextvars.copy_context().run, _in_thread, function))
    waiter = asyncio.wrap_future(job)
    await _until_done(waiter, job.cancel)  # which succeeds when the job has not begun
    return waiter.result()


def _in_thread(function: Callable[[], Any]) -> object:
    try:
        return function()
    except StopIteration as error:  # no future can carry one: awaiting it would never end
        raise RuntimeError("step raised StopIteration") from error
