"""Types as data, for the arguments of generic pydantic models: ``Box[list[Order]]`` is ``["list", "shop.models.Order"]``."""

from __future__ import annotations

import functools
import operator
import typing
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin
from uuid import UUID

from workflow_runtime.events import Json
from workflow_runtime.values.classes import Classes
from workflow_runtime.values.refusal import Refusal, shown

ARGUMENTS = "$args"
"""The key under which a model's type arguments stand."""

_BY_NAME: dict[str, Any] = {
    **{
        cls.__name__: cls
        for cls in (bool, bytes, bytearray, complex, dict, float, frozenset, int, list, set, str, tuple)
    },
    **{cls.__name__: cls for cls in (date, datetime, Decimal, time, timedelta, UUID)},
    "Any": Any,
    "None": NoneType,
    "Union": Union,
    "...": Ellipsis,
}
_NAMES = {kind: name for name, kind in _BY_NAME.items()}


def write_type(kind: Any, classes: Classes) -> Json:
    """The name of a type, or a list of a generic's name and its arguments. Raises ``Refusal`` for forms that have no name."""
    model = getattr(kind, "__pydantic_generic_metadata__", {})
    origin = model.get("origin") or get_origin(kind)
    if origin is None and kind in _NAMES:
        return _NAMES[kind]
    if origin is None and isinstance(kind, type):
        return classes.name_of(kind)
    if origin is None or origin is typing.Literal or origin is typing.Annotated:
        raise Refusal(f"cannot serialize a model with the type argument {kind!r}; derive a named class from it")
    # Box[int | str] and Box[Union[int, str]] are two classes to pydantic.
    name = "|" if origin is UnionType else "Union" if origin is Union else write_type(origin, classes)
    return [name, *(write_type(argument, classes) for argument in model.get("args") or get_args(kind))]


def parametrized(cls: Any, arguments: Json, find: Callable[[str], type | None]) -> Any:
    """The generic class with the arguments that ``write_type`` wrote. Raises ``Refusal`` when a name is unknown."""
    if type(arguments) is not list or not arguments:
        raise Refusal(f"{ARGUMENTS!r} must be a list of types, found {shown(arguments)}")
    read = tuple(_read_type(argument, find) for argument in arguments)
    try:
        return cls[read]
    except Exception as error:
        raise Refusal(f"not type arguments for {cls}: {error}") from error


def _read_type(data: Json, find: Callable[[str], type | None]) -> Any:
    name, *arguments = data if type(data) is list and data else [data]
    if type(name) is not str:
        raise Refusal(f"not a type argument: {shown(data)}")
    if name == "|" and arguments:
        return _joined([_read_type(argument, find) for argument in arguments])
    found = _BY_NAME.get(name) or find(name)
    if found is None:
        raise Refusal(f"type {name} is not known here")
    return parametrized(found, arguments, find) if arguments else found


def _joined(kinds: list[Any]) -> Any:
    try:
        return functools.reduce(operator.or_, kinds)
    except TypeError as error:
        raise Refusal(f"not the members of a union: {error}") from error
