"""Whether a value is what an annotation says: what a hook's payload is held against."""

from __future__ import annotations

import collections.abc
from dataclasses import dataclass, field
from datetime import date
from enum import Enum
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, NotRequired, Protocol, TypedDict, TypeVar

import attrs
import msgspec
import pytest

from workflow_runtime.values.fitting import misfit

T = TypeVar("T")


@dataclass
class Order:
    sku: str


@dataclass
class Box(Generic[T]):
    inside: T


class Size(Enum):
    S = 1


class Contact(TypedDict):
    email: str


class Named(Protocol):
    name: str


Sku = NewType("Sku", str)


@dataclass
class Decision:
    approved: bool
    by: str = None  # type: ignore[assignment]  # as people write it


class Place(NamedTuple):
    shelf: str
    row: int


@attrs.define
class Parcel:
    grams: int
    _to: str


class Struct(msgspec.Struct):
    count: int


class Person(TypedDict):
    name: str
    age: NotRequired[int]


@dataclass
class Form:
    decisions: list[Decision]
    where: Place | None = None
    people: dict[str, Person] = field(default_factory=dict)


@dataclass
class Knot:
    inside: Knot | None = None


def made(cls: Any, *values: object) -> Any:
    """An instance, with whatever values."""
    return cls(*values)


@pytest.mark.parametrize(
    ("hint", "good", "bad"),
    [
        (Any, [None, 1, Order("a")], []),
        (None, [None], [0, False]),
        (int, [1, True], ["1", 1.0, None]),
        (float, [1.5, 2], ["1.5", None]),
        (str, ["a"], [b"a", 1]),
        (Order, [Order("a")], [{"sku": "a"}, None, Size.S]),
        (Order | None, [None, Order("a")], ["a"]),
        (int | str, [1, "a"], [None, 1.5]),
        (list[int], [[], [1, 2]], [[1, "a"], (1,), "12", None]),
        (collections.abc.Sequence[str], [["a"], ("a",), "a"], [[1], {"a"}]),
        (set[str], [{"a"}], [{1}, ["a"]]),
        (dict[str, list[int]], [{}, {"a": [1]}], [{"a": ["b"]}, {1: [1]}, []]),
        (tuple[int, str], [(1, "a")], [(1,), ("a", 1), [1, "a"]]),
        (tuple[int, ...], [(), (1, 2)], [("a",)]),
        (Literal["yes", 1], ["yes", 1], ["no", True]),
        (Annotated[int, "pieces"], [1], ["1"]),
        (Sku, ["a"], [1]),
        (Contact, [{"email": "a"}], [{}, "a"]),
        (Box[int], [Box(1)], [1]),
        (Size, [Size.S], [1, "S"]),
        (date, [date(2026, 1, 1)], ["2026-01-01"]),
        (Named, [1, "what a protocol asks for is not looked at"], []),
        (type[int], [int], [1]),
    ],
)
def test_a_value_fits_or_does_not(hint: Any, good: list[object], bad: list[object]) -> None:
    assert [value for value in good if misfit(value, hint)] == []
    assert [value for value in bad if not misfit(value, hint)] == []


@pytest.mark.parametrize(
    ("value", "hint", "path"),
    [
        (made(Decision, "false", "ada"), Decision, "approved"),
        (made(Decision, True, 3), Decision, "by"),
        (made(Decision, 1, "ada"), Decision, "approved"),
        (made(Decision, None, "ada"), Decision | None, "approved"),
        (made(Place, "A", "3"), Place, "row"),
        (made(Parcel, "12", "ada"), Parcel, "grams"),
        (made(Parcel, 12, 7), Parcel, "_to"),
        (made(Struct, "1"), Struct, "count"),
        ({"name": 1}, Person, "name"),
        ({"name": "ada", "age": "7"}, Person, "age"),
        ({}, Person, "name"),
        (Box("a"), Box[int], "inside"),
        ([Box(made(Decision, "no"))], list[Box[Decision]], "[0].inside.approved"),
        (Form([made(Decision, True), made(Decision, "no")]), Form, "decisions[1].approved"),
        (Form([], made(Place, 1, 2)), Form, "where.shelf"),
        (Form([], None, {"a": made(dict, {"name": "ada", "age": "?"})}), Form, "people['a'].age"),
        ((1, "a"), tuple[int, int], "[1]"),
        ({"a": 1, 2: 3}, dict[str, int], ".keys()[2]"),
        ("yes", Decision, ""),
    ],
)
def test_what_does_not_fit_is_named_down_to_the_field(value: object, hint: Any, path: str) -> None:
    found = misfit(value, hint)
    assert found is not None
    assert found.path == path.removeprefix(".")


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (Decision(True), Decision),
        (Parcel(12, "ada"), Parcel),
        (Struct(1), Struct),
        ({"name": "ada"}, Person),
        (Form([Decision(False, "ada")], Place("A", 3), {"a": {"name": "ada", "age": 7}}), Form),
        (Box("a"), Box),
    ],
)
def test_records_whose_fields_fit_do(value: object, hint: Any) -> None:
    assert misfit(value, hint) is None


def test_what_holds_itself_is_left_to_those_who_encode_it() -> None:
    knot = Knot()
    knot.inside = knot
    assert misfit(knot, Knot) is None
