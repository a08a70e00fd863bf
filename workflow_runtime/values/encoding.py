"""From values to plain JSON data."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, Flag
from typing import Any, TypeAlias

from workflow_runtime.errors import SerializationError
from workflow_runtime.events import Json
from workflow_runtime.values.advice import advice_for
from workflow_runtime.values.classes import PROCESS_CLASSES, Classes
from workflow_runtime.values.error_encoding import ErrorWriter
from workflow_runtime.values.handles import HANDLES
from workflow_runtime.values.leaves import LEAF_WRITERS, TAG, survives_json
from workflow_runtime.values.records import (
    EXTRA,
    MISSING,
    MSGSPEC,
    PYDANTIC,
    UNSET,
    Record,
    library_class,
    named_class,
    record_of,
)
from workflow_runtime.values.refusal import MAX_DEPTH, Refusal, TooDeep, shown
from workflow_runtime.values.type_names import ARGUMENTS, write_type


@dataclass(slots=True)
class _Context:
    """What stays the same during one call."""

    classes: Classes
    errors: ErrorWriter = field(init=False)

    def __post_init__(self) -> None:
        self.errors = ErrorWriter(self.classes, lambda value, depth: _encode(value, self, depth))


_Encoder: TypeAlias = Callable[[Any, _Context, int], Json]


def encode(value: object, classes: Classes = PROCESS_CLASSES, *, where: str = "value") -> Json:
    """Plain JSON data for ``value``. Raises ``SerializationError`` with the path, which starts with ``where``."""
    try:
        return _encode(value, _Context(classes), 0)
    except Refusal as refusal:
        raise refusal.error(where) from None
    except RecursionError:
        raise SerializationError(f"{where}: nested too deep for the stack that is left; flatten it") from None


def encode_call(
    args: Sequence[object], kwargs: Mapping[str, object], classes: Classes = PROCESS_CLASSES, *, where: str
) -> Json:
    """The data of a call's arguments. Raises ``SerializationError`` naming the argument."""
    call: dict[str, Json] = {
        "args": [encode(value, classes, where=f"{where}: args[{index}]") for index, value in enumerate(args)]
    }
    if kwargs:
        call["kwargs"] = {name: encode(value, classes, where=f"{where}: {name}") for name, value in kwargs.items()}
    return call


def encode_error(error: BaseException, classes: Classes = PROCESS_CLASSES) -> Json:
    """The data of an exception, with its cause, notes and stack. What can not be serialized in it is given as text; never raises."""
    return _Context(classes).errors.write(error, 0)


def _encode(value: Any, context: _Context, depth: int) -> Json:
    cls = type(value)
    return (_ENCODERS.get(cls) or _encoder_of(cls))(value, context, depth)


def _leaf(write: Callable[[Any], Json]) -> _Encoder:
    return lambda value, context, depth: write(value)


def _as_it_is(value: Any, context: _Context, depth: int) -> Json:
    return value


def _encode_items(value: Any, context: _Context, depth: int) -> list[Json]:
    if depth >= MAX_DEPTH:
        raise TooDeep
    depth += 1
    items: list[Json] = []
    try:
        for item in value:
            cls = type(item)
            items.append((_ENCODERS.get(cls) or _encoder_of(cls))(item, context, depth))
    except Refusal as refusal:
        refusal.inside(value, f"[{len(items)}]")
        raise
    return items


def _encode_tuple(value: tuple[Any, ...], context: _Context, depth: int) -> Json:
    return {TAG: "tuple", "items": _encode_items(value, context, depth)}


def _encode_set(value: set[Any] | frozenset[Any], context: _Context, depth: int) -> Json:
    if depth >= MAX_DEPTH:
        raise TooDeep
    items: list[Json] = []
    for item in value:
        try:
            items.append(_encode(item, context, depth + 1))
        except Refusal as refusal:
            refusal.inside(value, f"{{{shown(item)}}}")
            raise
    # The order of a set depends on the process's hash seed; equal sets must give equal data.
    items.sort(key=lambda item: json.dumps(item, sort_keys=True))
    return {TAG: type(value).__name__, "items": items}


def _encode_dict(value: dict[Any, Any], context: _Context, depth: int) -> Json:
    if depth >= MAX_DEPTH:
        raise TooDeep
    for key in value:
        if type(key) is not str or key[:1] == "$" or not survives_json(key):
            return _encode_pairs(value, context, depth)
    depth += 1
    result: dict[str, Json] = {}
    key = None
    try:
        for key, item in value.items():
            cls = type(item)
            result[key] = (_ENCODERS.get(cls) or _encoder_of(cls))(item, context, depth)
    except Refusal as refusal:
        refusal.inside(value, f"[{shown(key)}]")
        raise
    return result


def _encode_pairs(value: dict[Any, Any], context: _Context, depth: int) -> Json:
    pairs: list[Json] = []
    for key, item in value.items():
        part = f".keys()[{len(pairs)}]"
        try:
            name = _encode(key, context, depth + 1)
            part = f"[{shown(key)}]"
            pairs.append([name, _encode(item, context, depth + 1)])
        except Refusal as refusal:
            refusal.inside(value, part)
            raise
    return {TAG: "dict", "items": pairs}


def _encode_exception(value: BaseException, context: _Context, depth: int) -> Json:
    if depth >= MAX_DEPTH:
        raise TooDeep
    return {TAG: "exception", "error": context.errors.write(value, depth + 1)}


def _encode_enum(value: Enum, context: _Context, depth: int) -> Json:
    cls = type(value)
    data = {TAG: context.classes.name_of(cls)}
    if cls.__members__.get(value.name) is value:
        return {**data, "name": value.name}
    if isinstance(value, Flag):
        return {**data, "value": _encode(value.value, context, depth + 1)}
    raise Refusal(f"cannot serialize {shown(value)}: it is no member of {cls}")


def _record_encoder(record: Record) -> _Encoder:
    names = tuple(field.name for field in record.fields)
    named = named_class(record.cls)
    # msgspec's mark for a field that was not given: as good as no field.
    unset = library_class("msgspec", "UNSET") if record.kind is MSGSPEC else MISSING

    def encode_record(value: Any, context: _Context, depth: int) -> dict[str, Json]:
        if depth >= MAX_DEPTH:
            raise TooDeep
        depth += 1
        data: dict[str, Json] = {TAG: context.classes.name_of(named)}
        name = ""
        try:
            for name in names:
                item = getattr(value, name, MISSING)
                if item is not MISSING and item is not unset:
                    cls = type(item)
                    data[name] = (_ENCODERS.get(cls) or _encoder_of(cls))(item, context, depth)
        except Refusal as refusal:
            refusal.inside(value, f".{name}")
            raise
        return data

    return encode_record


def _model_encoder(record: Record) -> _Encoder:
    """Pydantic models: a parametrized generic is named by its origin and arguments; what was never set stays so."""
    arguments = getattr(record.cls, "__pydantic_generic_metadata__", {}).get("args", ())
    encode_fields = _record_encoder(record)

    def encode_model(value: Any, context: _Context, depth: int) -> dict[str, Json]:
        data: dict[str, Json] = encode_fields(value, context, depth)
        if arguments:
            data[ARGUMENTS] = [write_type(argument, context.classes) for argument in arguments]
        unset = sorted((data.keys() & record.names) - value.model_fields_set)
        if unset:
            data[UNSET] = unset
        if value.model_extra:
            data[EXTRA] = _encode(value.model_extra, context, depth + 1)
        return data

    return encode_model


def _refuser(reason: str) -> _Encoder:
    def refuse(value: object, context: _Context, depth: int) -> Json:
        raise Refusal(reason)

    return refuse


_ENCODERS: dict[type, _Encoder] = {
    bool: _as_it_is,
    type(None): _as_it_is,
    list: _encode_items,
    dict: _encode_dict,
    tuple: _encode_tuple,
    set: _encode_set,
    frozenset: _encode_set,
    **{cls: _leaf(write) for cls, write in LEAF_WRITERS.items()},
}

# Bounded for the reason given at records._RECORDS.
_CLASS_ENCODERS: dict[type, _Encoder] = {}
_CLASS_ENCODERS_LIMIT = 1024


def _encoder_of(cls: type) -> _Encoder:
    encoder = _CLASS_ENCODERS.get(cls)
    if encoder is None:
        if len(_CLASS_ENCODERS) >= _CLASS_ENCODERS_LIMIT:
            _CLASS_ENCODERS.clear()
        encoder = _CLASS_ENCODERS[cls] = _new_encoder(cls)
    return encoder


def _new_encoder(cls: type) -> _Encoder:
    if (handle := HANDLES.get(cls)) is not None:
        return _leaf(lambda value: {TAG: handle.tag, **handle.write(value)})
    if issubclass(cls, BaseException):
        return _encode_exception
    record = record_of(cls)
    if record is None and not issubclass(cls, Enum):
        return _refuser(f"cannot serialize {cls}; {advice_for(cls)}")
    if "<locals>" in cls.__qualname__:
        return _refuser(
            f"cannot serialize {cls}: a class defined inside a function can not be found again; move it to module level"
        )
    if record is None:
        return _encode_enum
    return _model_encoder(record) if record.kind is PYDANTIC else _record_encoder(record)
