"""Running one attempt of a step, and what becomes of it."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import time
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

from workflow_runtime import clock
from workflow_runtime.context import CallOff, StepMetadata
from workflow_runtime.durations import when
from workflow_runtime.errors import (
    FatalError,
    RetryableError,
    SerializationError,
    StepNotRegisteredError,
    StreamClosedError,
    TooEarlyError,
    WorkflowError,
)
from workflow_runtime.events import Event, EventKind, Json
from workflow_runtime.handler.bodies import Body, not_called_off, run_to_the_end
from workflow_runtime.handler.patience import patiently
from workflow_runtime.ids import origin_of
from workflow_runtime.logs import log_fields, runtime_logger
from workflow_runtime.marking import StepOptions, options_of
from workflow_runtime.metrics import counting
from workflow_runtime.nested import with_captured
from workflow_runtime.retries import Backoff, policy_for
from workflow_runtime.stream_writing import attempt_streams
from workflow_runtime.tracing import attempting
from workflow_runtime.values import decode_call, encode, encode_error
from workflow_runtime.values.error_data import tell_place
from workflow_runtime.worlds.base import Limit, StreamWriter, World

logger = runtime_logger("steps")

RETRY_DELAY = 1.0
"""Seconds between a failure and the next attempt, unless the error or the step's policy says otherwise."""
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

    def __init__(self, world: World, steps: Steps, threads: Executor) -> None:
        self._world = world
        self._steps = steps
        self._threads = threads
        self._running: dict[int, Attempt] = {}

    def in_work(self) -> list[str]:
        """The attempts that run now, in words."""
        running = list(self._running.values())  # at once: another thread may ask
        return [f"{one.name} ({one.step_id} of run {one.run_id}){self._place(one)}" for one in running]

    def _place(self, attempt: Attempt) -> str:
        with contextlib.suppress(StepNotRegisteredError):
            is_async = inspect.iscoroutinefunction(self._steps.find(attempt.name))
            return "" if is_async else ", in a thread, which can not be stopped but only asked: see step_cancelled()"
        return ""

    def knows(self, name: str) -> bool:
        """Whether this process has the step, or knows why it has not."""
        return self._steps.knows(name)

    def limit_of(self, name: str) -> Limit | None:
        """What must have room before the step is executed; None when nothing holds it back, or the step is not here."""
        try:
            return options_of(self._steps.find(name)).limits.of(name, of_run=False)
        except StepNotRegisteredError:
            return None

    async def run(self, attempt: Attempt, call_off: CallOff) -> Event:
        """Run the step's body, in a task that is for it alone; gives ``step_completed``, ``step_failed`` or ``step_retrying``.

        Whoever cancels the task says so in ``call_off`` first. Only cancellation gets out as an exception, and only once the body has ended.
        """
        began, ended = time.perf_counter(), "called_off"
        self._running[id(attempt)] = attempt
        try:
            with (
                log_fields(run_id=attempt.run_id, step=attempt.name, step_id=attempt.step_id, attempt=attempt.attempt),
                attempting(attempt.run_id, attempt.name, attempt.step_id, attempt.attempt) as span,
            ):
                outcome = await self._outcome(attempt, call_off)
                span.ended(outcome)
            ended = outcome.kind.removeprefix("step_")
            return outcome
        finally:
            del self._running[id(attempt)]
            counting.step_ended(attempt.name, ended, time.perf_counter() - began)

    async def _outcome(self, attempt: Attempt, call_off: CallOff) -> Event:
        crashes = attempt.attempt - 1 - attempt.retryings
        if crashes >= CRASH_LIMIT:
            return _failed(
                attempt,
                WorkflowError(
                    f"{attempt.name} was started {attempt.attempt - 1} times, and {crashes} times its process died or "
                    "was stopped before an outcome; it is not started again"
                ),
            )
        options = StepOptions(max_retries=0)
        first_key = await self._first_key(attempt)
        try:
            function = self._steps.find(attempt.name)
            options = options_of(function)
            body = _body(attempt, function, options, first_key)
            writer = StreamWriter(attempt.run_id, attempt.step_id, attempt.attempt)
            async with attempt_streams(self._world, writer, call_off, taken_over=crashes > 0):
                ended = await run_to_the_end(body, self._threads, call_off)
                if ended.error is not None:
                    raise ended.error
                output = _encoded(attempt, function, ended.value)
        except asyncio.CancelledError as error:
            if call_off.unwanted:
                raise
            return _outcome_of(attempt, not_called_off(attempt.name, error), options)
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 - whatever goes wrong with the arguments, the body, its chunks or its result is the step's outcome
            return _outcome_of(attempt, error, options)
        return Event(
            EventKind.STEP_COMPLETED, clock.now(), attempt.step_id, {"attempt": attempt.attempt, "output": output}
        )

    async def _first_key(self, attempt: Attempt) -> str | None:
        """What others know the call by, when it was made before, in the run that this one runs again."""
        if origin_of(attempt.run_id) == attempt.run_id:
            return None
        created = (await patiently(lambda: self._world.load(attempt.run_id, limit=1))).events[0]
        key: str | None = created.data.get("calls", {}).get(attempt.step_id)
        return key


def _encoded(attempt: Attempt, function: Callable[..., Any], value: object) -> Json:
    try:
        return encode(value, where=f"result of {attempt.name}")
    except SerializationError as error:
        tell_place(error, function)
        raise


def _body(attempt: Attempt, function: Callable[..., Any], options: StepOptions, first_key: str | None) -> Body:
    args, kwargs = decode_call(attempt.input, function, where=f"call of {attempt.name}")
    metadata = StepMetadata(
        *(attempt.run_id, attempt.step_id, attempt.name, attempt.attempt),
        *(datetime.fromtimestamp(clock.now(), UTC), first_key),
    )
    bound = partial(with_captured(function, attempt.input), *args, **kwargs)
    return Body(metadata, bound, inspect.iscoroutinefunction(function), options.timeout)


def _outcome_of(attempt: Attempt, error: BaseException, options: StepOptions) -> Event:
    now = clock.now()
    if _is_final(error):
        return _failed(attempt, error)
    if isinstance(error, TooEarlyError):
        return _retrying(attempt, error, now, _retry_time(attempt, error, None, now), counted=False)
    if attempt.failures >= options.max_retries:
        if options.max_retries:
            _note(error, f"{_times(attempt)}; its {options.max_retries} retries are used up")
        return _failed(attempt, error)
    policy = policy_for(options.rules, error)
    if isinstance(policy, Backoff) or policy is None or isinstance(error, RetryableError):
        backoff = policy if isinstance(policy, Backoff) else None
        return _retrying(attempt, error, now, _retry_time(attempt, error, backoff, now), counted=True)
    _note(error, f"{_times(attempt)}; its policy for {type(error).__name__} is NO_RETRY")
    return _failed(attempt, error)


def _is_final(error: BaseException) -> bool:
    """Whether nothing can come of another attempt. A group, as of a TaskGroup, is as final as any error in it."""
    if isinstance(error, BaseExceptionGroup):
        return any(_is_final(inner) for inner in error.exceptions)
    return isinstance(error, FatalError | SerializationError | StepNotRegisteredError | StreamClosedError)


def _times(attempt: Attempt) -> str:
    """Runs may be more than failures: a process died, or an attempt was too early."""
    ran, failures = attempt.attempt, attempt.failures + 1
    more = f" and failed {failures} times" if failures != ran else ""
    return f"{attempt.name} ran {'once' if ran == 1 else f'{ran} times'}{more}"


def _retry_time(attempt: Attempt, error: BaseException, backoff: Backoff | None, now: float) -> float:
    if isinstance(error, RetryableError | TooEarlyError):
        try:
            if (asked := error.retry_after) is not None:
                return max(now, when(asked, now))
        except Exception as wrong:  # noqa: BLE001 - a subclass may have anything in its place, or nothing
            _note(error, f"its retry_after was ignored: {wrong}")
    return now + (RETRY_DELAY if backoff is None else backoff.delay(attempt.failures + 1))


def _note(error: BaseException, note: str) -> None:
    with contextlib.suppress(Exception):  # an exception may be frozen, and the step's outcome matters more
        if note not in getattr(error, "__notes__", ()):  # one and the same exception may be raised again and again
            error.add_note(note)


def _retrying(attempt: Attempt, error: BaseException, now: float, retry_at: float, *, counted: bool) -> Event:
    asked = isinstance(error, RetryableError | TooEarlyError)  # the step's own wish, not a fault: its message is enough
    logger.log(
        logging.INFO if asked else logging.WARNING,
        "%s (%s of run %s) is run again %s after attempt %d: %s",
        *(attempt.name, attempt.step_id, attempt.run_id, _in(retry_at - now), attempt.attempt, error),
        exc_info=None if asked else error,
    )
    data = {"attempt": attempt.attempt, "error": encode_error(error), "retry_at": retry_at, "counted": counted}
    return Event(EventKind.STEP_RETRYING, now, attempt.step_id, data)


def _in(seconds: float) -> str:
    if seconds <= 0:
        return "at once"
    return f"in {seconds:.1f} s" if seconds >= 0.1 else f"in {seconds * 1000:.0f} ms"


def _failed(attempt: Attempt, error: BaseException) -> Event:
    logger.warning(
        "%s (%s of run %s) failed for good on attempt %d",
        *(attempt.name, attempt.step_id, attempt.run_id, attempt.attempt),
        exc_info=error,
    )
    data = {"attempt": attempt.attempt, "error": encode_error(error)}
    return Event(EventKind.STEP_FAILED, clock.now(), attempt.step_id, data)
