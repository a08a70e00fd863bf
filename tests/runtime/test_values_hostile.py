"""Data that nobody encoded: whatever it is, decoding gives a value or a ``SerializationError``, and nothing else."""

from __future__ import annotations

import contextlib
import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, Flag
from typing import Any, Generic, NamedTuple, TypeVar

import attrs
import msgspec
import pydantic
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_runtime.errors import SerializationError
from workflow_runtime.values import decode, decode_call, decode_error
from workflow_runtime.values.leaves import LEAF_TAGS

T = TypeVar("T")


class Color(Enum):
    RED = 1


class Access(Flag):
    READ = 1


class Point(NamedTuple):
    x: int
    y: dt.date | None = None


def broken_default() -> int:
    """A default factory of the user's that fails."""
    raise RuntimeError("no")


@dataclass
class Order:
    x: int
    items: list[Order | Point] = field(default_factory=list)
    y: int = field(default_factory=broken_default)

    def __hash__(self) -> int:
        raise RuntimeError("no hash")


class Model(pydantic.BaseModel, Generic[T]):
    x: int
    item: T | None = None


@attrs.define
class Shelf:
    x: int
    y: dt.date


class Part(msgspec.Struct):
    x: int
    y: dt.date | None = None


class Failing(Exception):
    def __init__(self) -> None:
        raise AssertionError("must not be called")


def step(order: Order, model: Model[int] | Shelf, *more: Part, at: dt.datetime | Decimal, **rest: Color) -> None:
    """Takes something of each kind."""


CLASSES = [f"{__name__}.{c.__name__}" for c in (Color, Access, Point, Order, Model, Shelf, Part, Failing)]
BUILTIN_ERRORS = [
    f"builtins.{n}" for n in ("OSError", "UnicodeDecodeError", "ExceptionGroup", "SystemExit", "KeyError", "object")
]
TAGS = st.sampled_from(
    [*sorted(LEAF_TAGS), "tuple", "set", "frozenset", "dict", "exception", *CLASSES, "os.system", "", "..", "."]
)
KEYS = st.sampled_from(
    "value items error name fold zone hex parts numerator denominator real imag start stop step days seconds microseconds "
    "x y item $args $unset $extra args kwargs state cause context errors notes stack bases message errno filename".split()
)
TEXTS = st.sampled_from(
    ["2026-01-02", "nan", "0x5", "RED", "UTC", "../..", "AAAA", "\0", "\ud800", "1e999999", "int", "...", "list"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.integers(10**30, 10**40) | st.floats() | TEXTS | TAGS


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Plain objects, tagged ones, and ones that look like errors."""
    fields = st.dictionaries(KEYS, inner, max_size=5)
    tagged = st.builds(lambda rest, tag: {"$type": tag, **rest}, fields, TAGS | SCALARS)
    errors = st.builds(
        lambda rest, name, bases: {"type": name, "bases": bases, **rest},
        fields,
        st.sampled_from([*CLASSES, *BUILTIN_ERRORS, "a.b"]),
        st.lists(st.sampled_from([*BUILTIN_ERRORS, *CLASSES])),
    )
    return st.lists(inner, max_size=4) | fields | tagged | errors


DATA = st.recursive(SCALARS, objects, max_leaves=15)
ANNOTATIONS = st.one_of(
    st.sampled_from([Any, Order, Point, Model, Model[int], Shelf, Part, Color, Access, dt.datetime, Decimal, Failing]),
    st.sampled_from([list[Order], set[Order], dict[Order, Any], tuple[Point, Color], frozenset[Color]]),
    st.sampled_from([Order | Model[int] | Point | None, dict[str, Shelf | Part], dict[Any, set[Any]]]),
)


@settings(max_examples=400, deadline=None)
@given(DATA, ANNOTATIONS)
def test_decode_gives_a_value_or_says_what_is_wrong(data: Any, annotation: Any) -> None:
    with contextlib.suppress(SerializationError):
        decode(data, annotation)


@settings(max_examples=300, deadline=None)
@given(DATA)
def test_decode_error_gives_an_exception_or_says_what_is_wrong(data: Any) -> None:
    with contextlib.suppress(SerializationError):
        assert isinstance(decode_error(data), Exception)


@settings(max_examples=200, deadline=None)
@given(DATA, st.lists(DATA, max_size=3), st.dictionaries(KEYS | st.sampled_from(["order", "model", "at"]), DATA))
def test_decode_call_gives_arguments_or_says_what_is_wrong(data: Any, args: list[Any], kwargs: dict[str, Any]) -> None:
    for call in (data, {"args": args, "kwargs": kwargs}):
        with contextlib.suppress(SerializationError):
            decode_call(call, step, where="step")


def test_chains_of_causes_of_any_length_are_refused_or_read() -> None:
    data: Any = {"type": "builtins.ValueError"}
    for _ in range(900):
        data = {"type": "builtins.ValueError", "cause": data}
    with contextlib.suppress(SerializationError):
        decode_error(data)
