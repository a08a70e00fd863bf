"""The two marks, ``@workflow`` and ``@step``. They change nothing but what they say: the compiler reads the source."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar, overload

from workflow_runtime.errors import WorkflowError

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_MAX_RETRIES = 3


@dataclass(frozen=True, slots=True)
class StepOptions:
    """What ``@step`` was given."""

    max_retries: int = DEFAULT_MAX_RETRIES


_OPTIONS = "__workflow_step_options__"


@overload
def step(function: F, /) -> F: ...


@overload
def step(*, max_retries: int = DEFAULT_MAX_RETRIES) -> Callable[[F], F]: ...


def step(function: Callable[..., Any] | None = None, /, *, max_retries: int = DEFAULT_MAX_RETRIES) -> Any:
    """Mark a function as a step: a unit of work with side effects, whose outcome is recorded once.

    ``max_retries`` is how often it is run again after a failure; 0 means once in all. Called outside of a workflow, a
    step simply runs.
    """
    if isinstance(max_retries, bool) or not isinstance(max_retries, int) or max_retries < 0:
        raise ValueError(f"max_retries must be a whole number from 0, not {max_retries!r}")
    options = StepOptions(max_retries)

    def mark(marked: F) -> F:
        setattr(marked, _OPTIONS, options)
        return marked

    return mark if function is None else mark(function)


def options_of(function: Callable[..., object]) -> StepOptions:
    """What the step was marked with; the defaults for one that is marked by a directive."""
    options = getattr(function, _OPTIONS, None)
    return options if isinstance(options, StepOptions) else StepOptions()


def is_step(function: Callable[..., object]) -> bool:
    """Whether ``@step`` marks the function."""
    return hasattr(function, _OPTIONS)


def workflow(function: Callable[P, Coroutine[Any, Any, R]], /) -> Callable[P, Coroutine[Any, Any, R]]:
    """Mark an async function as a workflow: deterministic code that strings steps together.

    It runs through ``start``. Calling it directly raises ``WorkflowError``, which says so; the function itself is at
    ``__wrapped__``.
    """
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


def workflow_id(function: Callable[..., object]) -> str:
    """``workflow//shop.orders//checkout``: the id under which the compiler knows a workflow function."""
    return f"workflow//{function.__module__}//{function.__qualname__}"
