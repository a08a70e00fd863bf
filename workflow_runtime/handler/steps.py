"""Running one attempt of a step, and what becomes of it."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

from workflow_runtime.context import StepMetadata, current_step
from workflow_runtime.durations import when
from workflow_runtime.errors import (
    FatalError,
    RetryableError,
    SerializationError,
    StepNotRegisteredError,
    TooEarlyError,
    WorkflowError,
)
from workflow_runtime.events import Event, EventKind, Json
from workflow_runtime.marking import options_of
from workflow_runtime.nested import with_captured
from workflow_runtime.values import decode_call, encode, encode_error

logger = logging.getLogger("workflow_runtime.steps")

RETRY_DELAY = 1.0
"""Seconds between a failure and the next attempt, unless the error says otherwise."""
CRASH_LIMIT = 32
"""How many starts may leave no outcome, because the process died each time, before the step fails."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One start of one step. ``failures`` and ``retryings`` are what the log has recorded before it."""

    run_id: str
    step_id: str
    name: str
    input: Json
    attempt: int
    failures: int
    retryings: int


class Steps(Protocol):
    """Where step functions are found."""

    def find(self, step_id: str) -> Callable[..., object]:
        """The step's function. Raises ``StepNotRegisteredError``."""

    def knows(self, step_id: str) -> bool:
        """Whether the step is here, or would be if its module imported."""


class StepRunner:
    """Runs attempts: async steps on the running loop, sync steps in threads."""

    def __init__(self, steps: Steps, threads: Executor) -> None:
        self._steps = steps
        self._threads = threads

    def knows(self, name: str) -> bool:
        """Whether this process has the step, or knows why it has not."""
        return self._steps.knows(name)

    async def run(self, attempt: Attempt) -> Event:
        """Run the step's body; gives ``step_completed``, ``step_failed`` or ``step_retrying``.

        Only cancellation gets out as an exception, and only once the body has ended.
        """
        crashes = attempt.attempt - 1 - attempt.retryings
        if crashes >= CRASH_LIMIT:
            return _failed(
                attempt,
                WorkflowError(
                    f"{attempt.name} was started {attempt.attempt - 1} times, and {crashes} times its process died "
                    "before an outcome; it is not started again"
                ),
            )
        max_retries = 0
        try:
            function = self._steps.find(attempt.name)
            max_retries = options_of(function).max_retries
            args, kwargs = decode_call(attempt.input, function, where=f"call of {attempt.name}")
            output = encode(
                await self._call(attempt, with_captured(function, attempt.input), args, kwargs),
                where=f"result of {attempt.name}",
            )
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            own = WorkflowError(f"{attempt.name} raised CancelledError although nobody cancelled it")
            own.__cause__ = error
            return _outcome_of(attempt, own, max_retries)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever the user's code raises is the step's outcome
            return _outcome_of(attempt, error, max_retries)
        return Event(
            EventKind.STEP_COMPLETED, time.time(), attempt.step_id, {"attempt": attempt.attempt, "output": output}
        )

    async def _call(
        self, attempt: Attempt, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> object:
        metadata = StepMetadata(attempt.run_id, attempt.step_id, attempt.name, attempt.attempt, datetime.now(UTC))
        token = current_step.set(metadata)
        try:
            if inspect.iscoroutinefunction(function):
                return await function(*args, **kwargs)
            body = partial(contextvars.copy_context().run, _in_thread, function, args, kwargs)
            result = await _to_the_end(self._threads.submit(body))
            return await result if inspect.isawaitable(result) else result
        finally:
            current_step.reset(token)


async def _to_the_end(job: Future[object]) -> object:
    """What the thread gives. Nobody can stop a thread: cancelled, this waits for it, so that no other runs the step."""
    try:
        return await asyncio.wrap_future(job)
    except asyncio.CancelledError:
        if not job.done():
            await asyncio.wait([asyncio.wrap_future(job)])
        raise


def _in_thread(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> object:
    try:
        return function(*args, **kwargs)
    except StopIteration as error:  # no future can carry one: awaiting it would never end
        raise RuntimeError("step raised StopIteration") from error


def _outcome_of(attempt: Attempt, error: BaseException, max_retries: int) -> Event:
    now = time.time()
    if isinstance(error, FatalError | SerializationError | StepNotRegisteredError):
        return _failed(attempt, error)
    counted = not isinstance(error, TooEarlyError)
    if counted and attempt.failures >= max_retries:
        if max_retries:
            _note(error, f"{attempt.name} ran {attempt.attempt} times; its {max_retries} retries are used up")
        return _failed(attempt, error)
    return _retrying(attempt, error, now, _retry_time(error, now), counted=counted)


def _retry_time(error: BaseException, now: float) -> float:
    if isinstance(error, RetryableError | TooEarlyError):
        try:
            if (asked := error.retry_after) is not None:
                return max(now, when(asked, now))
        except Exception as wrong:  # noqa: BLE001 - a subclass may have anything in its place, or nothing
            _note(error, f"its retry_after was ignored: {wrong}")
    return now + RETRY_DELAY


def _note(error: BaseException, note: str) -> None:
    with contextlib.suppress(Exception):  # an exception may be frozen, and the step's outcome matters more
        error.add_note(note)


def _retrying(attempt: Attempt, error: BaseException, now: float, retry_at: float, *, counted: bool) -> Event:
    asked = isinstance(error, RetryableError | TooEarlyError)  # the step's own wish, not a fault: its message is enough
    logger.log(
        logging.INFO if asked else logging.WARNING,
        "%s (%s of run %s) is run again in %.1f s after attempt %d: %s",
        *(attempt.name, attempt.step_id, attempt.run_id, retry_at - now, attempt.attempt, error),
        exc_info=None if asked else error,
    )
    data = {"attempt": attempt.attempt, "error": encode_error(error), "retry_at": retry_at, "counted": counted}
    return Event(EventKind.STEP_RETRYING, now, attempt.step_id, data)


def _failed(attempt: Attempt, error: BaseException) -> Event:
    logger.warning(
        "%s (%s of run %s) failed for good on attempt %d",
        *(attempt.name, attempt.step_id, attempt.run_id, attempt.attempt),
        exc_info=error,
    )
    data = {"attempt": attempt.attempt, "error": encode_error(error)}
    return Event(EventKind.STEP_FAILED, time.time(), attempt.step_id, data)
