"""The two marks, ``@workflow`` and ``@step``. They change nothing but what they say: the compiler reads the source."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar, overload

from workflow_runtime.durations import length
from workflow_runtime.errors import WorkflowError
from workflow_runtime.limits import NO_LIMITS, Limits, limits_of
from workflow_runtime.retries import Retry, Rules, rules_of

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_MAX_RETRIES = 3


@dataclass(frozen=True, slots=True)
class StepOptions:
    """What ``@step`` was given."""

    max_retries: int = DEFAULT_MAX_RETRIES
    rules: Rules = ()
    """The policies by class of error; none: the default."""
    timeout: float | None = None
    """Seconds that an attempt may take; None: as long as it likes."""
    limits: Limits = NO_LIMITS
    """How many executions may be in work at once, and how often one may begin."""


_OPTIONS = "__workflow_step_options__"


@overload
def step(function: F, /) -> F: ...


@overload
def step(
    *,
    max_retries: int = DEFAULT_MAX_RETRIES,
    retry: Retry | None = None,
    timeout: float | str | timedelta | None = None,
    concurrency: int | None = None,
    rate: str | None = None,
) -> Callable[[F], F]: ...


def step(
    function: Callable[..., Any] | None = None,
    /,
    *,
    max_retries: int = DEFAULT_MAX_RETRIES,
    retry: Retry | None = None,
    timeout: float | str | timedelta | None = None,
    concurrency: int | None = None,
    rate: str | None = None,
) -> Any:
    """Mark a function as a step: a unit of work with side effects, whose outcome is recorded once.

    ``max_retries`` is how often it is run again after a failure; 0 means once in all. ``retry`` says when: a policy
    (``constant``, ``linear``, ``exponential``, ``NO_RETRY``), or a dict from classes of errors to policies, of which the
    first that fits counts; else it is a second later. ``timeout`` is how long one attempt of an async step may take; then
    its body is cancelled, and the attempt has failed with ``StepTimeoutError``. ``concurrency`` is how many executions of
    it may be in work at once, over all workers and runs, and ``rate`` how many may begin in a time, evenly spaced, as in
    "100/minute"; a step with one of the two waits in the queue for its turn. Called outside of a workflow, a step simply
    runs, without retries, timeout and limits.

    Raises ``ValueError`` and ``TypeError`` for options that can not be, a ``timeout`` on a sync function among them.
    """
    if isinstance(max_retries, bool) or not isinstance(max_retries, int) or max_retries < 0:
        raise ValueError(f"max_retries must be a whole number from 0, not {max_retries!r}")
    longest = None if timeout is None else _timeout(timeout)
    options = StepOptions(max_retries, rules_of(retry), longest, limits_of(concurrency, rate))

    def mark(marked: F) -> F:
        if options.timeout is not None and not inspect.iscoroutinefunction(marked):
            name = getattr(marked, "__qualname__", marked)
            raise TypeError(
                f"step {name} has a timeout and is no async function: it runs in a thread, and nothing can stop a thread; "
                "give what it waits for a timeout of its own, or write `async def`"
            )
        setattr(marked, _OPTIONS, options)
        return marked

    return mark if function is None else mark(function)


def _timeout(value: float | str | timedelta) -> float:
    found = length("timeout", value)
    if not found:
        raise ValueError("timeout must be longer than nothing; leave it out to set no limit")
    return found


def options_of(function: Callable[..., object]) -> StepOptions:
    """What the step was marked with; the defaults for one that is marked by a directive."""
    options = getattr(function, _OPTIONS, None)
    return options if isinstance(options, StepOptions) else StepOptions()


def is_step(function: Callable[..., object]) -> bool:
    """Whether ``@step`` marks the function."""
    return hasattr(function, _OPTIONS)


@overload
def workflow(function: Callable[P, Coroutine[Any, Any, R]], /) -> Callable[P, Coroutine[Any, Any, R]]: ...


@overload
def workflow(
    *, concurrency: int | None = None, rate: str | None = None
) -> Callable[[Callable[P, Coroutine[Any, Any, R]]], Callable[P, Coroutine[Any, Any, R]]]: ...


def workflow(
    function: Callable[..., Any] | None = None, /, *, concurrency: int | None = None, rate: str | None = None
) -> Any:
    """Mark an async function as a workflow: deterministic code that strings steps together.

    It runs through ``start``. Calling it directly raises ``WorkflowError``, which says so; the function itself is at
    ``__wrapped__``. ``concurrency`` is how many of its runs may be in progress at once, from their first step to their
    end, and ``rate`` how many may begin in a time, evenly spaced, as in "10/minute"; the others wait as pending. The two
    must be written out: ``workflow-build`` reads them from the source. Raises ``ValueError`` and ``TypeError`` for options
    that can not be.
    """
    limits_of(concurrency, rate)
    return _workflow if function is None else _workflow(function)


def _workflow(function: Callable[P, Coroutine[Any, Any, R]]) -> Callable[P, Coroutine[Any, Any, R]]:
    if not inspect.iscoroutinefunction(function):
        raise TypeError(
            f"@workflow wants an async function; {getattr(function, '__qualname__', function)!r} is not one"
        )

    @functools.wraps(function)
    def refuse(*args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, R]:
        name = function.__qualname__
        raise WorkflowError(
            f"workflow {name} was called directly, which would not be durable; use: run = await start({name}, …)"
        )

    return refuse
