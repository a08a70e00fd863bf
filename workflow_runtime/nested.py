"""Steps that are functions inside of other functions: their code is there, what they captured comes with the call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import CellType, CodeType, FunctionType
from typing import Any

from workflow_runtime.errors import SerializationError, WorkflowError
from workflow_runtime.events import Json
from workflow_runtime.marking import step
from workflow_runtime.values import decode

_NESTED = "__workflow_nested__"


def nested_step(outer: Callable[..., Any], name: str, **options: Any) -> Callable[..., Any]:
    """The step ``name`` that stands inside of the function ``outer``, as the written ``step_registrations`` registers
    it.

    ``options`` are what its ``@step`` was given. Raises ``WorkflowError`` when ``outer`` has no such function, or
    several.
    """
    inner: Any = inspect.unwrap(getattr(outer, "__func__", outer))
    around: CodeType | None = getattr(inner, "__code__", None)
    wanted = f"{inner.__qualname__}.<locals>.{name}"
    found = [code for code in _codes(around) if code.co_qualname == wanted] if around else []
    if len(found) != 1:
        why = "is not there" if not found else "is there more than once"
        raise WorkflowError(f"step {wanted} of {inner.__module__} {why}: run workflow-build again")
    # Defaults are applied where the step is called; annotations stay with the workflow, and values say what they are.
    function = _function(found[0], inner, tuple(CellType() for _ in found[0].co_freevars))
    setattr(function, _NESTED, True)
    return step(**options)(function)


def with_captured(function: Callable[..., Any], call: Json) -> Callable[..., Any]:
    """``function`` with the values that came with the call, when it is a nested step. Raises ``SerializationError``
    when one is missing.
    """
    if not isinstance(function, FunctionType) or not hasattr(function, _NESTED):
        return function
    names, values = function.__code__.co_freevars, call.get("captured", {})
    missing = [name for name in names if name not in values]
    if missing:
        raise SerializationError(
            f"call of {function.__qualname__}: no value of {', '.join(missing)}, which it captures; "
            "were they deployed in different versions?"
        )
    cells = (CellType(decode(values[name], where=f"{function.__qualname__}: captured {name}")) for name in names)
    return _function(function.__code__, function, tuple(cells))


def _codes(code: CodeType) -> Iterator[CodeType]:
    """All code inside of ``code``."""
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _codes(constant)


def _function(code: CodeType, outer: Any, cells: tuple[CellType, ...]) -> FunctionType:
    made = FunctionType(code, outer.__globals__, code.co_name, None, cells)
    made.__qualname__, made.__module__ = code.co_qualname, outer.__module__
    return made
