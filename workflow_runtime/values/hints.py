"""Annotations, resolved as far as they can be. What can not be resolved is ``Any``: an annotation guides, it never fails a call."""

from __future__ import annotations

import inspect
import re
import sys
import typing
from collections.abc import Iterator, Mapping
from dataclasses import InitVar
from types import FunctionType, SimpleNamespace
from typing import Annotated, Any, TypeVar, get_args, get_origin

from workflow_runtime.values.classes import Classes
from workflow_runtime.values.records import Record

_NAME = re.compile(r"[^\W\d]\w*")
_QUALIFIERS = {Annotated, typing.Required, typing.NotRequired, typing.Final, typing.ClassVar}
_QUALIFIERS |= {getattr(typing, name) for name in ("ReadOnly",) if hasattr(typing, name)}


def resolve(annotation: object, global_names: Mapping[str, Any], local_names: Mapping[str, Any]) -> Any:
    """The type that an annotation means, its strings evaluated; ``Any`` when that fails for whatever reason."""
    if annotation is inspect.Parameter.empty:
        return Any
    holder = SimpleNamespace(__annotations__={"it": annotation})
    try:
        hints = typing.get_type_hints(holder, dict(global_names), dict(local_names), include_extras=True)
    except Exception:  # noqa: BLE001 - an annotation is user code: it can raise anything, and is only a guide
        return Any
    return hints["it"]


def raw_annotations(owner: type) -> Mapping[str, Any]:
    """The owner's own annotations as they stand, unresolved names included."""
    try:
        return inspect.get_annotations(owner)
    except NameError:
        # From Python 3.14 on, reading annotations evaluates them.
        lazily = sys.modules["annotationlib"]
        found: Mapping[str, Any] = lazily.get_annotations(owner, format=lazily.Format.FORWARDREF)
        return found


def class_hints(cls: type, classes: Classes) -> dict[str, Any]:
    """The resolved annotations of a class and its bases."""
    hints: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        annotations = raw_annotations(base)
        if annotations:
            names = _names_around(base, annotations, classes)
            parameters = {p.__name__: p for p in getattr(base, "__type_params__", ())}
            # The module's names win over the class's own: a field `date: date = …` means the type.
            own = {**vars(base), **parameters}
            hints.update((name, resolve(annotation, own, names)) for name, annotation in annotations.items())
    return hints


def field_hints(record: Record, classes: Classes) -> dict[str, Any]:
    """The annotation of each field of a record class."""
    hints = class_hints(record.cls, classes) if any(field.hint is None for field in record.fields) else {}
    return {field.name: hints.get(field.name, Any) if field.hint is None else field.hint for field in record.fields}


def _names_around(cls: type, annotations: Mapping[str, Any], classes: Classes) -> Mapping[str, Any]:
    """The names that are global where the class was written.

    ``sys.modules`` may hold another execution of that module than the one which made this class (a bundle has its own), so a
    namespace counts only when it holds this very class. Failing that, ``classes`` is asked for each name.
    """
    module = getattr(sys.modules.get(cls.__module__), "__dict__", {})
    for names in (module, *_namespaces_of_methods(cls)):
        if _holds(names, cls):
            return names
    texts = (getattr(a, "__forward_arg__", None) or (a if isinstance(a, str) else "") for a in annotations.values())
    wanted = {name for text in texts for name in _NAME.findall(text)}
    known = {name: classes.find(f"{cls.__module__}.{name}") for name in wanted}
    return {**module, **{name: found for name, found in known.items() if found is not None}}


def _namespaces_of_methods(cls: type) -> Iterator[Mapping[str, Any]]:
    for member in vars(cls).values():
        function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if isinstance(function, FunctionType):
            yield function.__globals__


def _holds(names: Mapping[str, Any], cls: type) -> bool:
    first, *rest = cls.__qualname__.split(".")
    found = names.get(first)
    for part in rest:
        found = vars(found).get(part) if isinstance(found, type) else None
    return found is cls


def bare(hint: Any) -> Any:
    """The hint without what says nothing about the value's type: ``Annotated``, ``Required``, ``NewType``, bounds of type variables."""
    while True:
        if get_origin(hint) in _QUALIFIERS:
            hint = get_args(hint)[0]
        elif isinstance(hint, InitVar):
            hint = hint.type
        elif isinstance(hint, typing.NewType):
            hint = hint.__supertype__
        elif isinstance(hint, TypeVar):
            hint = Any if hint.__bound__ is None else hint.__bound__
        else:
            return hint


def with_arguments(hint: Any, arguments: Mapping[Any, Any]) -> Any:
    """The hint with type variables replaced, as ``list[T]`` in a field of ``Box[int]``."""
    if isinstance(hint, TypeVar):
        return arguments.get(hint, hint)
    parameters = getattr(hint, "__parameters__", ())
    if arguments and parameters and not isinstance(hint, type):
        return hint[tuple(arguments.get(p, p) for p in parameters)]
    return hint
