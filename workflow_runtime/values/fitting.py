"""Whether a value is what an annotation says, as far as the annotation tells."""

from __future__ import annotations

import collections.abc
from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, is_typeddict

from workflow_runtime.values.classes import PROCESS_CLASSES, Classes
from workflow_runtime.values.hints import bare, class_hints, field_hints, with_arguments
from workflow_runtime.values.records import MISSING, PYDANTIC, Field, record_of
from workflow_runtime.values.refusal import MAX_DEPTH

_WIDER: dict[type, tuple[type, ...]] = {float: (int, float), complex: (int, float, complex)}  # as type checkers have it
_ITEMS = (list, set, frozenset, collections.abc.Sequence, collections.abc.Set, collections.abc.Iterable)


@dataclass(frozen=True, slots=True)
class Misfit:
    """The first part of a value that is not what its annotation says."""

    path: str
    """Where it is, as in ``lines[2].price``; empty for the value as a whole."""
    expected: Any
    """Its annotation."""
    found: object
    """What stands there; ``MISSING`` when nothing does."""


def misfit(value: Any, annotation: Any, classes: Classes = PROCESS_CLASSES) -> Misfit | None:
    """What keeps ``value`` from standing where ``annotation`` does; None when it may.

    Looked at are classes, collections, and the fields of dataclasses, attrs classes, msgspec structs, named tuples and typed dicts. A field may
    always have its own default. ``classes`` helps to resolve the annotations of fields.
    """
    found = _Checker(classes).check(value, annotation, "", 0)
    return None if found is None else Misfit(found.path.removeprefix("."), found.expected, found.found)


@dataclass(frozen=True, slots=True)
class _Checker:
    classes: Classes

    def check(self, value: Any, annotation: Any, path: str, depth: int) -> Misfit | None:
        hint = bare(annotation)
        if type(hint).__name__ == "TypeAliasType":
            return self.check(value, hint.__value__, path, depth)
        origin, arguments = get_origin(hint) or hint, get_args(hint)
        if origin in (Union, UnionType):
            return self._check_union(value, hint, path, depth)
        if depth > MAX_DEPTH:  # what holds itself, which encoding refuses with a message of its own
            return None
        if is_typeddict(origin):
            is_one = isinstance(value, dict)
        elif origin is Literal:
            is_one = any(value == allowed and type(value) is type(allowed) for allowed in arguments)
        else:
            is_one = _is_one(value, NoneType if origin is None else origin)
        if not is_one:
            return Misfit(path, hint, value)
        for name, part, its_hint in (*self._fields(value, hint), *_items(value, origin, arguments)):
            if part is MISSING:
                return Misfit(path + name, its_hint, MISSING)
            found = self.check(part, its_hint, path + name, depth + 1)
            if found is not None:
                return found
        return _length_misfit(value, hint, path)

    def _check_union(self, value: Any, hint: Any, path: str, depth: int) -> Misfit | None:
        found = [self.check(value, member, path, depth) for member in get_args(hint)]
        if None in found:
            return None
        # A member that the value is one of, but for a part of it, tells more than that it is none.
        return next((one for one in found if one is not None and one.path != path), Misfit(path, hint, value))

    def _fields(self, value: Any, hint: Any) -> Iterator[tuple[str, Any, Any]]:
        cls = get_origin(hint) or hint
        variables = dict(zip(getattr(cls, "__parameters__", ()), get_args(hint), strict=False))
        if is_typeddict(cls):
            required: frozenset[str] = vars(cls)["__required_keys__"]
            for name, part in class_hints(cls, self.classes).items():
                # Python itself does not see a NotRequired that is text, as after `from __future__ import annotations`.
                if name in value or (name in required and get_origin(part) is not NotRequired):
                    yield f".{name}", value.get(name, MISSING), with_arguments(part, variables)
            return
        record = record_of(cls) if isinstance(cls, type) else None
        if record is None or record.kind is PYDANTIC:  # a model has validated itself
            return
        hints = field_hints(record, self.classes)
        for field in record.fields:
            part = getattr(value, field.name, MISSING)
            if part is not MISSING and not _is_default(part, field):
                yield f".{field.name}", part, with_arguments(hints[field.name], variables)


def _is_default(value: object, field: Field) -> bool:
    """Whether the class itself would put the value there, as with ``by: str = None``."""
    return value is None and field.default is not None and field.default() is None


def _is_one(value: Any, cls: Any) -> bool:
    if not isinstance(cls, type):
        return True
    try:
        return isinstance(value, _WIDER.get(cls, cls))
    except TypeError:  # a protocol, which says nothing that could be looked at
        return True


def _items(value: Any, origin: Any, arguments: tuple[Any, ...]) -> Iterator[tuple[str, Any, Any]]:
    """The parts of a collection, with where they are and what they shall be."""
    if not arguments or not isinstance(origin, type) or isinstance(value, str | bytes):
        return
    if origin is tuple:
        hints = arguments[:1] * len(value) if arguments[1:] == (Ellipsis,) else arguments
        yield from ((f"[{at}]", item, hint) for at, (item, hint) in enumerate(zip(value, hints, strict=False)))
    elif issubclass(origin, collections.abc.Mapping) and len(arguments) == 2:
        for key, item in value.items():
            yield f".keys()[{key!r:.50}]", key, arguments[0]
            yield f"[{key!r:.50}]", item, arguments[1]
    elif origin in _ITEMS and isinstance(value, collections.abc.Collection):
        yield from ((f"[{at}]", item, arguments[0]) for at, item in enumerate(value))


def _length_misfit(value: Any, hint: Any, path: str) -> Misfit | None:
    arguments = get_args(hint)
    if get_origin(hint) is not tuple or arguments[1:] == (Ellipsis,) or len(value) == len(arguments):
        return None
    return Misfit(path, hint, value)
