"""What stages yield, as plain data: dataclasses become lists of their fields and come back by their annotations. No pickle."""

from __future__ import annotations

import ast
import dataclasses
import json
import types
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

Coder = tuple[Callable[[Any], Any], Callable[[Any], Any]]
"""From a value to data, and back."""

NotData = (TypeError, ValueError, KeyError, IndexError, SyntaxError, RecursionError, MemoryError)
"""What decoding raises for anything that does not fit."""


def dump(kind: Any, value: object) -> str:
    """The text for a value of the type ``kind``."""
    return json.dumps(_coder(kind)[0](value), separators=(",", ":"))


def load(kind: Any, text: str) -> Any:
    """The value of type ``kind`` that ``dump`` made the text from. Raises one of ``NotData`` for other texts."""
    return _coder(kind)[1](json.loads(text))


@cache
def _coder(kind: Any) -> Coder:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind in (str, int, bool):
        return _same, _exactly(kind)
    if kind is object:
        return repr, ast.literal_eval
    if kind is Path:
        return str, Path
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return _record(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return (lambda value: value.value), kind
    if origin in (typing.Union, types.UnionType):
        return _union(arguments)
    if origin is tuple:
        return _sequence(arguments)
    if origin is frozenset:
        encode, decode = _sequence((*arguments, ...))
        return (lambda value: sorted(encode(value))), (lambda data: frozenset(decode(data)))
    if origin is Mapping:
        return _mapping(*arguments)
    raise TypeError(f"{kind} has no form as data")


def _record(kind: type) -> Coder:
    encoders: list[tuple[str, Callable[[Any], Any]]] = []
    decoders: list[Callable[[Any], Any]] = []

    def prepare() -> None:
        """At first use: the fields of a record may hold records of its own kind."""
        hints = typing.get_type_hints(kind)
        for field in (field for field in dataclasses.fields(kind) if field.init):
            encode_field, decode_field = _coder(hints[field.name])
            encoders.append((field.name, encode_field))
            decoders.append(decode_field)

    def encode(value: Any) -> list[Any]:
        if not encoders:
            prepare()
        return [encode_field(getattr(value, name)) for name, encode_field in encoders]

    def decode(data: list[Any]) -> Any:
        if not decoders:
            prepare()
        return kind(*[decode_field(item) for decode_field, item in zip(decoders, data, strict=True)])

    return encode, decode


def _union(kinds: tuple[Any, ...]) -> Coder:
    """``X | None`` only: the data does not say which of several types it was."""
    (kind,) = [kind for kind in kinds if kind is not types.NoneType]
    encode, decode = _coder(kind)
    return (
        lambda value: None if value is None else encode(value),
        lambda data: None if data is None else decode(data),
    )


def _sequence(kinds: tuple[Any, ...]) -> Coder:
    if len(kinds) == 2 and kinds[1] is ...:
        encode, decode = _coder(kinds[0])
        return (lambda value: [encode(item) for item in value]), (lambda data: tuple([decode(item) for item in data]))
    coders = [_coder(kind) for kind in kinds]
    return (
        lambda value: [encode(item) for (encode, _), item in zip(coders, value, strict=True)],
        lambda data: tuple(decode(item) for (_, decode), item in zip(coders, data, strict=True)),
    )


def _mapping(key: Any, value: Any) -> Coder:
    (encode_key, decode_key), (encode, decode) = _coder(key), _coder(value)
    return (
        lambda given: [[encode_key(name), encode(item)] for name, item in given.items()],
        lambda data: {decode_key(name): decode(item) for name, item in data},
    )


def _same(value: Any) -> Any:
    return value


def _exactly(kind: type) -> Callable[[Any], Any]:
    def decode(data: Any) -> Any:
        if type(data) is not kind:
            raise TypeError(f"{data!r} is no {kind.__name__}")
        return data

    return decode
