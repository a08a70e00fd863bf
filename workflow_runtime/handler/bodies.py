"""Running the body of a step to its real end, whatever it does about being cancelled.

A body runs in the task of its attempt, and may do to that what it likes: swallow a cancellation, take it back, cancel itself. So
cancelling the task does not tell who wants the body to end, nor whether it was heard: ``CallOff`` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any

from workflow_runtime.context import CallOff, StepMetadata, current_call_off, current_step
from workflow_runtime.errors import FatalError, RetryableError, StepTimeoutError, TooEarlyError, WorkflowError
from workflow_runtime.handler.threads import StepThreads
from workflow_runtime.slots import current_threads


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


async def run_to_the_end(body: Body, threads: Executor, call_off: CallOff) -> Ended:
    """Run the body in this task, which is for this attempt alone: async ones on its loop and others in a thread.

    Whoever cancels the task says so in ``call_off`` first. Then ``CancelledError`` is raised once the body has really ended, whatever it
    answered.
    """
    task = asyncio.current_task()
    assert task is not None, "only a task runs on a loop"
    current_step.set(body.metadata)
    current_call_off.set(call_off)
    timer = (
        None
        if body.timeout is None
        else asyncio.get_running_loop().call_later(body.timeout, _time_is_up, call_off, task)
    )
    try:
        ended = await _ended(body, threads, call_off, task)
    finally:
        if timer is not None:
            timer.cancel()
    if task.cancelling() or getattr(task, "_must_cancel", False):
        await _forget_cancellations(task)
    if call_off.unwanted:
        raise asyncio.CancelledError
    return _timed_out(body, ended.error) if call_off.called else ended


async def _ended(body: Body, threads: Executor, call_off: CallOff, task: asyncio.Task[Any]) -> Ended:
    name = body.metadata.name
    try:
        if body.is_async:
            return Ended(await body.function())
        result = await _threaded(body.function, threads)
        return Ended(await result if inspect.isawaitable(result) else result)
    except asyncio.CancelledError as error:
        return Ended(error=None if call_off.called else not_called_off(name, error))
    except KeyboardInterrupt:
        raise
    except GeneratorExit as error:
        if asyncio._get_running_loop() is None or asyncio.current_task() is not task:
            raise  # this very coroutine is being closed
        own = WorkflowError(f"{name} raised GeneratorExit")
        own.__cause__ = error
        return Ended(error=own)
    except BaseException as error:  # noqa: BLE001 - whatever the user's code raises is the step's outcome; SystemExit would stop the loop
        return Ended(error=error)


def not_called_off(name: str, error: asyncio.CancelledError) -> WorkflowError:
    """What a step failed with that was cancelled by nobody but itself."""
    own = WorkflowError(f"{name} raised CancelledError although nobody cancelled it")
    own.__cause__ = error
    return own


def _time_is_up(call_off: CallOff, task: asyncio.Task[Any]) -> None:
    call_off.called = True
    task.cancel()


async def _forget_cancellations(task: asyncio.Task[Any]) -> None:
    """Let nothing that the body did to its task, or did not hear, reach what follows it."""
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(0)  # where one arrives that the body has asked for and not awaited
    while task.cancelling():
        task.uncancel()


async def _until_done(future: asyncio.Future[Any], call_off: Callable[[], object]) -> None:
    """Wait until it is done. Each time that this is cancelled, ``call_off`` is called; it is raised at the end, not before."""
    cancelled: asyncio.CancelledError | None = None
    while not future.done():
        try:
            await asyncio.wait([future])
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
    context = contextvars.copy_context()
    context.run(current_threads.set, threads if isinstance(threads, StepThreads) else None)
    job: Future[object] = threads.submit(context.run, _in_thread, function)
    waiter = asyncio.wrap_future(job)
    await _until_done(waiter, job.cancel)  # which succeeds when the job has not begun
    return waiter.result()


def _in_thread(function: Callable[[], Any]) -> object:
    try:
        return function()
    except StopIteration as error:  # no future can carry one: awaiting it would never end
        raise RuntimeError("step raised StopIteration") from error
