"""Calls as data: each argument comes back by the annotation of the parameter that takes it."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workflow_runtime.errors import SerializationError
from workflow_runtime.events import Json
from workflow_runtime.values.classes import PROCESS_CLASSES, Classes
from workflow_runtime.values.decoding import decode
from workflow_runtime.values.hints import resolve

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True, slots=True)
class _Callee:
    """A function, looked at once. Hints are by parameter; ``return`` is under that name, which no parameter can have."""

    signature: inspect.Signature
    hints: Mapping[str, Any]
    positional: tuple[str, ...]
    rest: str | None
    """The name of ``*args``, if there is one."""
    keywords: str | None
    """The name of ``**kwargs``, if there is one."""
    takes: range
    """How many arguments a call may have that has no keywords; empty when it must have some."""


# Bounded instead of weak: annotations refer to classes, whose methods refer to the module that holds the function.
_CALLEES: dict[int, tuple[object, _Callee]] = {}
_CALLEES_LIMIT = 1024


def return_hint(function: Callable[..., object]) -> Any:
    """The resolved return annotation of a function; ``Any`` when it has none, or when its names can not be resolved."""
    return _callee(function).hints["return"]


def bind(
    signature: inspect.Signature, args: tuple[object, ...], kwargs: Mapping[str, object], name: str
) -> inspect.BoundArguments:
    """The arguments as the function called ``name`` takes them. Raises ``TypeError`` that names it."""
    try:
        return signature.bind(*args, **kwargs)
    except TypeError as error:
        raise TypeError(f"{name}(): {error}") from None


def decode_call(
    data: Json, function: Callable[..., object], classes: Classes = PROCESS_CLASSES, *, where: str
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments for ``function``. Raises ``SerializationError`` when they can not be read, or do not fit its signature."""
    args, kwargs = _parts(data, where)
    callee = _callee(function)
    try:
        if kwargs or len(args) not in callee.takes:  # most calls are plain, and binding takes longer than all the rest
            callee.signature.bind(*args, **kwargs)
    except TypeError as error:
        raise SerializationError(_misfit(function, callee, args, kwargs, error, where)) from None
    names = callee.positional
    read_args = tuple(
        decode(item, callee.hints[name], classes, where=f"{where}: {name}")
        for item, name in zip(args, _positional_names(names, callee.rest, len(args)), strict=True)
    )
    read_kwargs = {
        name: decode(item, callee.hints[_taker(name, callee)], classes, where=f"{where}: {name}")
        for name, item in kwargs.items()
    }
    return read_args, read_kwargs


def _parts(data: Json, where: str) -> tuple[list[Json], dict[str, Json]]:
    args = data.get("args", []) if type(data) is dict else None
    kwargs = data.get("kwargs", {}) if type(data) is dict else None
    if type(args) is not list or type(kwargs) is not dict or not all(type(name) is str for name in kwargs):
        raise SerializationError(f'{where}: not the data of a call; expected {{"args": […], "kwargs": {{…}}}}')
    return args, kwargs


def _positional_names(names: tuple[str, ...], rest: str | None, count: int) -> tuple[str, ...]:
    return names[:count] + ((rest,) * (count - len(names)) if rest is not None else ())


def _taker(name: str, callee: _Callee) -> str:
    """The parameter that takes the keyword: the one of that name, unless it is positional-only, else ``**kwargs``."""
    parameter = callee.signature.parameters.get(name)
    own = parameter is not None and parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    return name if own or callee.keywords is None else callee.keywords


def _misfit(
    function: object, callee: _Callee, args: list[Json], kwargs: Mapping[str, Json], error: TypeError, where: str
) -> str:
    given = f"{len(args)} positional"
    if kwargs:
        given += f" and {', '.join(f'{name}=' for name in kwargs)}"
    name = getattr(function, "__qualname__", type(function).__qualname__)
    takes = f"{name}({', '.join(str(p.replace(annotation=p.empty)) for p in callee.signature.parameters.values())})"
    return f"{where}: the call gives {given}, the function takes {takes}: {error}; were they deployed in different versions?"


def _callee(function: Callable[..., object]) -> _Callee:
    # By identity: callables need not be hashable, and equal ones need not have equal annotations.
    entry = _CALLEES.get(id(function))
    if entry is not None and entry[0] is function:
        return entry[1]
    callee = _look_at(function)
    if len(_CALLEES) >= _CALLEES_LIMIT:
        _CALLEES.clear()
    _CALLEES[id(function)] = (function, callee)
    return callee


def _look_at(function: Callable[..., object]) -> _Callee:
    signature = _signature(function)
    inner: Any = inspect.unwrap(function)
    while isinstance(inner, functools.partial):
        inner = inspect.unwrap(inner.func)
    if not hasattr(inner, "__globals__"):
        # A bound method, or an instance whose class says how to call it.
        inner = getattr(inner, "__func__", None) or vars(type(inner)).get("__call__")
    names = getattr(inner, "__globals__", {})
    local_names = {parameter.__name__: parameter for parameter in getattr(inner, "__type_params__", ())}
    hints = {name: resolve(p.annotation, names, local_names) for name, p in signature.parameters.items()}
    hints["return"] = resolve(signature.return_annotation, names, local_names)
    kinds = {p.kind: name for name, p in signature.parameters.items()}
    return _Callee(
        signature=signature,
        hints=hints,
        positional=tuple(name for name, p in signature.parameters.items() if p.kind in _POSITIONAL),
        rest=kinds.get(inspect.Parameter.VAR_POSITIONAL),
        keywords=kinds.get(inspect.Parameter.VAR_KEYWORD),
        takes=positional_counts(signature),
    )


def positional_counts(signature: inspect.Signature) -> range:
    """How many positional arguments, and no others, fit the signature."""
    parameters = signature.parameters.values()
    if any(p.kind is p.KEYWORD_ONLY and p.default is p.empty for p in parameters):
        return range(0)
    positional = [p for p in parameters if p.kind in _POSITIONAL]
    required = sum(p.default is p.empty for p in positional)
    has_rest = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    return range(required, sys.maxsize if has_rest else len(positional) + 1)


def _signature(function: Callable[..., object]) -> inspect.Signature:
    try:
        return inspect.signature(function)
    except NameError:
        # From Python 3.14 on, annotations are evaluated when they are read; ask for them as they stand.
        lazily: Any = {"annotation_format": sys.modules["annotationlib"].Format.FORWARDREF}
        return inspect.signature(function, **lazily)
