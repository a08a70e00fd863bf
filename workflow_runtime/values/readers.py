"""Readers made from annotations, for data without a tag; tagged data they hand on, with what they know of its classes."""

from __future__ import annotations

import collections.abc
from collections.abc import Callable
from enum import Enum
from types import UnionType
from typing import Any, Union, get_args, get_origin, is_typeddict

from workflow_runtime.events import Json
from workflow_runtime.values.handles import HANDLES, HandleKind
from workflow_runtime.values.hints import bare, class_hints
from workflow_runtime.values.leaves import TAG, converter_for
from workflow_runtime.values.reading import Reader, Reading
from workflow_runtime.values.record_reading import construct, plan_of
from workflow_runtime.values.records import NAMED_TUPLE, named_class, record_of
from workflow_runtime.values.refusal import Refusal
from workflow_runtime.values.tagged import (
    PLAIN,
    read_any,
    read_fields,
    read_handle,
    read_instance,
    read_items,
    read_tagged,
)
from workflow_runtime.values.unions import Member, union_reader

_LISTS: frozenset[Any] = frozenset(
    {
        list,
        *(
            getattr(collections.abc, name)
            for name in ("Iterable", "Collection", "Sequence", "MutableSequence", "Reversible")
        ),
    }
)
_SETS: frozenset[Any] = frozenset({set, collections.abc.Set, collections.abc.MutableSet})
_DICTS: frozenset[Any] = frozenset({dict, collections.abc.Mapping, collections.abc.MutableMapping})

# By identity, and bounded, for the reasons given at record_reading._PLANS.
_READERS: dict[int, tuple[Any, Reader]] = {}
_READERS_LIMIT = 4096


def reader_of(hint: Any) -> Reader:
    """The reader for a place that is annotated like that."""
    entry = _READERS.get(id(hint))
    if entry is not None and entry[0] is hint:
        return entry[1]
    reader = _new_reader(hint)
    if len(_READERS) >= _READERS_LIMIT:
        _READERS.clear()
    _READERS[id(hint)] = (hint, reader)
    return reader


def _new_reader(annotation: Any) -> Reader:
    hint = bare(annotation)
    origin, args = get_origin(hint), get_args(hint)
    if type(origin or hint).__name__ == "TypeAliasType":
        return _alias_reader(hint)
    if origin in (Union, UnionType):
        return union_reader(tuple(_union_member(arg) for arg in args))
    cls = origin or hint
    if not isinstance(cls, type):
        return read_any
    if cls in HANDLES:
        return _handle_reader(HANDLES[cls], args[0] if args else Any)
    if is_typeddict(cls):
        return _typed_dict_reader(cls)
    if record_of(cls) is not None:
        return _record_reader(hint, cls)
    if issubclass(cls, Enum):
        return _enum_reader(cls)
    convert = converter_for(cls)
    return _collection_reader(cls, args) if convert is None else _text_reader(convert)


def _alias_reader(alias: Any) -> Reader:
    """For ``type X = …``, which may mention itself: looked into only when there is data."""
    made: list[Reader] = []

    def read(data: Json, reading: Reading, depth: int) -> Any:
        if not made:
            value = (get_origin(alias) or alias).__value__
            made.append(reader_of(value[get_args(alias)] if get_args(alias) else value))
        return made[0](data, reading, depth)

    return read


def _handle_reader(kind: HandleKind, argument: Any) -> Reader:
    def read(data: Json, reading: Reading, depth: int) -> Any:
        if type(data) is dict and data.get(TAG) == kind.tag:
            return read_handle(data, argument)
        return read_any(data, reading, depth)

    return read


def _text_reader(convert: Callable[[str], object]) -> Reader:
    def read(data: Json, reading: Reading, depth: int) -> Any:
        if type(data) is not str:
            return read_any(data, reading, depth)
        try:
            return convert(data)
        except (ValueError, ArithmeticError):
            return data  # not checked here: what the caller gave is what the function gets

    return read


def _enum_reader(cls: type[Enum]) -> Reader:
    def read(data: Json, reading: Reading, depth: int) -> Any:
        if type(data) is dict and data.get(TAG) == reading.classes.name_of(cls):
            return read_instance(cls, data, reading, depth)
        if type(data) in PLAIN:
            member = _member(cls, data)
            return data if member is None else member
        return read_any(data, reading, depth)

    return read


def _member(cls: type[Enum], data: Json) -> Enum | None:
    """The member with that value, or of that name. Does not call the class, whose ``_missing_`` is the user's."""
    for member in cls:
        if member.value == data and isinstance(member.value, type(data)):
            return member
    return cls.__members__.get(data) if type(data) is str else None


def _collection_reader(cls: type, args: tuple[Any, ...]) -> Reader:
    if cls is tuple:
        return _tuple_reader(args)
    if cls in _LISTS and args:
        return _items_reader(list, reader_of(args[0]))
    if cls in _SETS:
        return _items_reader(set, reader_of(args[0]) if args else read_any)
    if cls is frozenset:
        return _items_reader(frozenset, reader_of(args[0]) if args else read_any)
    if cls in _DICTS and len(args) == 2:
        return _dict_reader(reader_of(args[0]), reader_of(args[1]))
    return read_any


def _items_reader(make: Any, item: Reader) -> Reader:
    def read(data: Json, reading: Reading, depth: int) -> Any:
        kind = type(data)
        if kind is list:
            return _made(make, read_items(data, reading, depth, (), item))
        if kind is dict and TAG in data:
            return read_tagged(data, reading, depth, rest=item)
        return read_any(data, reading, depth)

    return read


def _tuple_reader(args: tuple[Any, ...]) -> Reader:
    repeated = len(args) == 2 and args[1] is Ellipsis
    first = () if repeated else tuple(reader_of(arg) for arg in args)
    rest = reader_of(args[0]) if repeated else read_any

    def read(data: Json, reading: Reading, depth: int) -> Any:
        kind = type(data)
        if kind is list:
            return tuple(read_items(data, reading, depth, first, rest))
        if kind is dict and TAG in data:
            return read_tagged(data, reading, depth, first=first, rest=rest)
        return read_any(data, reading, depth)

    return read


def _dict_reader(key: Reader, value: Reader) -> Reader:
    def read(data: Json, reading: Reading, depth: int) -> Any:
        if type(data) is not dict:
            return read_any(data, reading, depth)
        if TAG in data:
            return read_tagged(data, reading, depth, rest=value, keys=key)
        fields = read_fields(data, reading, depth, {}, value)
        return _made(dict, [(key(name, reading, depth), item) for name, item in fields.items()])

    return read


def _made(make: Any, items: list[Any]) -> Any:
    try:
        return items if make is list else make(items)
    except Exception as error:
        raise Refusal(f"can not make a {make.__name__} of this: {error}") from error


def _typed_dict_reader(cls: type) -> Reader:
    readers: dict[str, Reader] = {}

    def read(data: Json, reading: Reading, depth: int) -> Any:
        if type(data) is not dict or TAG in data:
            return read_any(data, reading, depth)
        if not readers:
            readers.update((name, reader_of(hint)) for name, hint in class_hints(cls, reading.classes).items())
        return read_fields(data, reading, depth, readers, read_any)

    return read


def _record_reader(hint: Any, cls: type) -> Reader:
    named = named_class(cls)
    parametrized = hint if get_origin(hint) else None

    def read(data: Json, reading: Reading, depth: int) -> Any:
        kind = type(data)
        if kind is dict and TAG in data:
            if data[TAG] == reading.classes.name_of(named):
                return read_instance(named, data, reading, depth, parametrized)
            return read_tagged(data, reading, depth)
        plan = plan_of(hint, reading) if kind is dict or kind is list else None
        if plan is None:
            return read_any(data, reading, depth)
        if kind is list:
            fits = plan.record.kind is NAMED_TUPLE and len(data) <= len(plan.record.fields)
            if not fits:
                return read_any(data, reading, depth)
            data = dict(zip((field.name for field in plan.record.fields), data, strict=False))
        return construct(plan, data, reading, depth)

    return read


def _union_member(hint: Any) -> Member:
    stripped = bare(hint)
    cls = get_origin(stripped) or stripped
    return Member(hint=stripped, cls=cls if isinstance(cls, type) else None, reader=reader_of(hint), fits=_fits(cls))


def _fits(cls: Any) -> Callable[[Json], bool]:
    """Whether untagged data has the shape that a union's member of this class is read from."""
    if not isinstance(cls, type):
        return lambda data: False
    if is_typeddict(cls) or cls in _DICTS:
        return lambda data: type(data) is dict
    if record_of(cls) is not None:
        kinds = (dict, list) if issubclass(cls, tuple) else (dict,)
        return lambda data: type(data) in kinds
    if cls in _LISTS or cls in _SETS or cls in (tuple, frozenset):
        return lambda data: type(data) is list
    if issubclass(cls, Enum):
        return lambda data: type(data) in PLAIN and _member(cls, data) is not None
    convert = converter_for(cls)
    return lambda data: convert is not None and type(data) is str and _converts(convert, data)


def _converts(convert: Callable[[str], object], data: str) -> bool:
    try:
        convert(data)
    except (ValueError, ArithmeticError):
        return False
    return True
