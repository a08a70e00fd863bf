"""Reading data that says itself what it is, and data at places without an annotation."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, Flag
from typing import Any

from workflow_runtime.events import Json
from workflow_runtime.values.error_decoding import read_error
from workflow_runtime.values.handles import HANDLES_BY_TAG
from workflow_runtime.values.leaves import LEAF_TAGS, TAG, read_leaf
from workflow_runtime.values.reading import Reader, Reading
from workflow_runtime.values.record_reading import plan_of, rebuild
from workflow_runtime.values.refusal import MAX_DEPTH, Refusal, TooDeep, shown
from workflow_runtime.values.type_names import ARGUMENTS, parametrized

PLAIN = frozenset({str, int, float, bool, type(None)})
"""The types that are themselves in JSON."""
_COLLECTIONS = {"tuple": tuple, "set": set, "frozenset": frozenset}


def read_any(data: Json, reading: Reading, depth: int) -> Any:
    """The value at a place without an annotation: by tag, or as plain data."""
    kind = type(data)
    if kind in PLAIN:
        return data
    if kind is dict:
        return read_tagged(data, reading, depth) if TAG in data else read_fields(data, reading, depth, {}, read_any)
    if kind is list:
        return read_items(data, reading, depth, (), read_any)
    raise Refusal(f"{kind} is not JSON data; decode what json.loads gives")


def read_items(data: Json, reading: Reading, depth: int, first: tuple[Reader, ...], rest: Reader) -> list[Any]:
    """A list's items: the first ones by their own readers, the others by ``rest``."""
    if type(data) is not list:
        raise Refusal(f"expected a list of items, found {shown(data)}")
    if depth >= MAX_DEPTH:
        raise TooDeep
    depth += 1
    items: list[Any] = []
    try:
        for index, item in enumerate(data):
            items.append((first[index] if index < len(first) else rest)(item, reading, depth))
    except Refusal as refusal:
        refusal.inside(data, f"[{len(items)}]")
        raise
    return items


def read_fields(
    data: Mapping[str, Json], reading: Reading, depth: int, readers: Mapping[str, Reader], rest: Reader
) -> dict[str, Any]:
    """A plain object's values: those named in ``readers`` by their own, the others by ``rest``."""
    if depth >= MAX_DEPTH:
        raise TooDeep
    depth += 1
    fields: dict[str, Any] = {}
    key = ""
    try:
        for key, item in data.items():
            fields[key] = readers.get(key, rest)(item, reading, depth)
    except Refusal as refusal:
        refusal.inside(data, f"[{shown(key)}]")
        raise
    return fields


def read_tagged(
    data: Mapping[str, Json],
    reading: Reading,
    depth: int,
    *,
    first: tuple[Reader, ...] = (),
    rest: Reader = read_any,
    keys: Reader = read_any,
) -> Any:
    """The value of a tagged object. ``first``, ``rest`` and ``keys`` read what is in it when it is a collection."""
    tag = data[TAG]
    if type(tag) is not str:
        raise Refusal(f"{TAG!r} must be a name, found {shown(tag)}")
    if tag in LEAF_TAGS:
        return read_leaf(data)
    if tag in _COLLECTIONS:
        items = read_items(data.get("items"), reading, depth, first, rest)
        try:
            return _COLLECTIONS[tag](items)
        except Exception as error:
            raise Refusal(f"can not make a {tag} of this: {error}") from error
    if tag == "dict":
        return _read_pairs(data.get("items"), reading, depth, keys, rest)
    if tag == "exception":
        return _read_exception(data, reading, depth)
    if tag in HANDLES_BY_TAG:
        return read_handle(data)
    found = reading.find(tag)
    if found is None:
        raise Refusal(
            f"class {tag} is not known here; import its module before, keep the class under that name, or name it in the annotation"
        )
    return read_instance(found, data, reading, depth)


def read_handle(data: Mapping[str, Json], argument: Any = Any) -> object:
    """The handle that tagged data stands for, at a place whose annotation has that type argument."""
    try:
        return HANDLES_BY_TAG[data[TAG]].read(data, argument)
    except (KeyError, TypeError, ValueError) as error:
        raise Refusal(f"not a valid {data[TAG]}: {type(error).__name__}: {error}") from error


def read_instance(cls: type, data: Mapping[str, Json], reading: Reading, depth: int, hint: Any = None) -> Any:
    """An instance of ``cls`` from its tagged data. ``hint`` is the annotation when that says more, as ``Box[int]`` does."""
    if depth >= MAX_DEPTH:
        raise TooDeep
    if issubclass(cls, Enum):
        return _read_member(cls, data, reading)
    if ARGUMENTS in data:
        hint = parametrized(cls, data[ARGUMENTS], reading.find)
    plan = plan_of(cls if hint is None else hint, reading)
    if plan is None:
        raise Refusal(f"{cls} is no class of data fields")
    return rebuild(plan, data, reading, depth)


def _read_pairs(pairs: Json, reading: Reading, depth: int, keys: Reader, values: Reader) -> dict[Any, Any]:
    if type(pairs) is not list or not all(type(pair) is list and len(pair) == 2 for pair in pairs):
        raise Refusal("expected a list of [key, value] pairs")
    if depth >= MAX_DEPTH:
        raise TooDeep
    result: dict[Any, Any] = {}
    for index, (key, item) in enumerate(pairs):
        part = f".keys()[{index}]"
        try:
            name = keys(key, reading, depth + 1)
            part = f"[{shown(name)}]"
            result[name] = values(item, reading, depth + 1)
        except Refusal as refusal:
            refusal.inside(pairs, part)
            raise
        except Exception as error:
            refused = Refusal(f"can not be the key of a dict: {error}")
            refused.inside(pairs, part)
            raise refused from error
    return result


def _read_exception(data: Mapping[str, Json], reading: Reading, depth: int) -> BaseException:
    if depth >= MAX_DEPTH:
        raise TooDeep
    return read_error(data.get("error"), reading.classes, lambda part, inner: read_any(part, reading, inner), depth + 1)


def _read_member(cls: type[Enum], data: Mapping[str, Json], reading: Reading) -> Enum:
    name = data.get("name")
    if type(name) is str and name in cls.__members__:
        return cls.__members__[name]
    if issubclass(cls, Flag) and "value" in data:
        try:
            return cls(read_any(data["value"], reading, 0))
        except Exception as error:
            raise Refusal(f"not a value of {cls}: {error}") from error
    raise Refusal(f"{cls} has no member {shown(name)}; it has {', '.join(cls.__members__)}")
