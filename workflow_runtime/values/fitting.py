"""Whether a value is what an annotation says, as far as the annotation tells."""

from __future__ import annotations

import collections.abc
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, is_typeddict

from workflow_runtime.values.hints import bare

_WIDER: dict[type, tuple[type, ...]] = {float: (int, float), complex: (int, float, complex)}  # as type checkers have it
_ITEMS = (list, set, frozenset, collections.abc.Sequence, collections.abc.Set, collections.abc.Iterable)


def fits(value: Any, annotation: Any) -> bool:
    """Whether ``value`` may stand where ``annotation`` does. What an annotation says beyond classes and collections of them is not
    looked at.
    """
    hint = bare(annotation)
    if type(hint).__name__ == "TypeAliasType":
        return fits(value, hint.__value__)
    origin, arguments = get_origin(hint) or hint, get_args(hint)
    if origin is None or origin is NoneType:
        return value is None
    if origin in (Union, UnionType):
        return any(fits(value, member) for member in arguments)
    if origin is Literal:
        return any(value == allowed and type(value) is type(allowed) for allowed in arguments)
    if not isinstance(origin, type):
        return True
    if is_typeddict(origin):
        required: frozenset[str] = vars(origin)["__required_keys__"]
        return isinstance(value, dict) and required <= value.keys()
    return _is_one(value, origin) and _items_fit(value, origin, arguments)


def _is_one(value: Any, cls: type) -> bool:
    try:
        return isinstance(value, _WIDER.get(cls, cls))
    except TypeError:  # a protocol, which says nothing that could be looked at
        return True


def _items_fit(value: Any, origin: type, arguments: tuple[Any, ...]) -> bool:
    if not arguments or isinstance(value, str | bytes):
        return True
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return all(fits(item, arguments[0]) for item in value)
        return len(value) == len(arguments) and all(map(fits, value, arguments))
    if issubclass(origin, collections.abc.Mapping) and len(arguments) == 2:
        return all(fits(key, arguments[0]) and fits(item, arguments[1]) for key, item in value.items())
    if origin in _ITEMS and isinstance(value, collections.abc.Collection):
        return all(fits(item, arguments[0]) for item in value)
    return True
