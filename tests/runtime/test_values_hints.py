"""Data without tags, read by the annotation of its place; what does not fit is passed on as it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Generic, Literal, NamedTuple, NewType, Optional, Required, TypedDict, TypeVar, Union
from uuid import UUID

import pytest
from typing_extensions import TypeAliasType

from workflow_runtime.errors import SerializationError
from workflow_runtime.values import decode, encode

T = TypeVar("T")
Cents = NewType("Cents", Decimal)
ID = UUID("12345678-1234-5678-1234-567812345678")


class Status(Enum):
    OPEN = "open"
    DONE = 2


class Point(NamedTuple):
    x: int
    on: dt.date | None = None


@dataclass
class Line:
    sku: str
    price: Decimal = Decimal(0)


@dataclass
class Order:
    lines: list[Line]
    at: dt.datetime | None = None
    parent: Order | None = None
    unknown: NoSuchName = None  # type: ignore[name-defined]  # noqa: F821 - what can not be resolved must do no harm


@dataclass
class Card:
    number: str
    kind: Literal["card"] = "card"


@dataclass
class Cash:
    number: str
    kind: Literal["cash"] = "cash"


@dataclass
class Noted:
    number: str
    note: str = ""


@dataclass
class Box(Generic[T]):
    item: T
    more: list[T] = field(default_factory=list)


class Movie(TypedDict, total=False):
    title: Required[str]
    on: dt.date
    lines: list[Line]


Lines = TypeAliasType("Lines", list[Line])
Pair = TypeAliasType("Pair", tuple[T, T], type_params=(T,))
DAY = dt.date(2026, 1, 2)


@pytest.mark.parametrize(
    ("annotation", "data", "value"),
    [
        (dt.datetime, "2026-01-02T03:04:05Z", dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)),
        (dt.date, "2026-01-02", DAY),
        (dt.time, "03:04", dt.time(3, 4)),
        (Decimal, "1.50", Decimal("1.50")),
        (UUID, str(ID), ID),
        (Status, "open", Status.OPEN),
        (Status, 2, Status.DONE),
        (Status, "DONE", Status.DONE),
        (Annotated[Cents, "x"], "5", Decimal(5)),
        (Line, {"sku": "x", "price": "1.5", "more": 1}, Line("x", Decimal("1.5"))),
        (list[Line], [{"sku": "x"}], [Line("x")]),
        (Sequence[Line], [{"sku": "x"}], [Line("x")]),
        (Iterable[dt.date], ["2026-01-02"], [DAY]),
        (tuple[Line, dt.date], [{"sku": "x"}, "2026-01-02"], (Line("x"), DAY)),
        (tuple[dt.date, ...], ["2026-01-02"] * 2, (DAY, DAY)),
        (tuple, [1, 2], (1, 2)),
        (set[Status], ["open", 2], {Status.OPEN, Status.DONE}),
        (AbstractSet[dt.date], ["2026-01-02"], {DAY}),
        (frozenset[int], [1], frozenset({1})),
        (dict[str, Line], {"a": {"sku": "x"}}, {"a": Line("x")}),
        (Mapping[dt.date, Line], {"2026-01-02": {"sku": "x"}}, {DAY: Line("x")}),
        (Optional[Line], {"sku": "x"}, Line("x")),  # noqa: UP045 - the old spelling is tested
        (Line | None, None, None),
        (Point, {"x": 1, "on": "2026-01-02"}, Point(1, DAY)),
        (Point, [1, "2026-01-02"], Point(1, DAY)),
        (Movie, {"title": "t", "on": "2026-01-02", "x": 1}, {"title": "t", "on": DAY, "x": 1}),
        (Movie, {"title": "t", "lines": [{"sku": "x"}]}, {"title": "t", "lines": [Line("x")]}),
        (Box[Line], {"item": {"sku": "x"}, "more": [{"sku": "y"}]}, Box(Line("x"), [Line("y")])),
        (Lines, [{"sku": "x"}], [Line("x")]),
        (Pair[dt.date], ["2026-01-02", "2026-01-02"], (DAY, DAY)),
        (dict[str, Any], {"a": [1]}, {"a": [1]}),
        (Order, {"lines": [], "parent": {"lines": [{"sku": "x"}]}}, Order([], parent=Order([Line("x")]))),
    ],
)
def test_plain_data_becomes_what_is_annotated(annotation: object, data: Any, value: object) -> None:
    assert decode(data, annotation) == value
    assert type(decode(data, annotation)) is type(value)


@pytest.mark.parametrize(
    ("annotation", "data", "value"),
    [
        (dt.datetime | str, "2026-01-02", "2026-01-02"),
        (Decimal | int, 5, 5),
        (dt.date | Decimal, "1.5", Decimal("1.5")),
        (Card | Cash, {"number": "1", "kind": "cash"}, Cash("1")),
        (Card | Noted, {"number": "1", "note": "n"}, Noted("1", "n")),
        (Line | Order, {"lines": []}, Order([])),
        (Union[list[dt.date], dt.date], "2026-01-02", DAY),  # noqa: UP007 - the old spelling is tested
        (Union[dt.date, list[dt.date]], ["2026-01-02"], [DAY]),  # noqa: UP007 - the old spelling is tested
        (int | None, "x", "x"),
        (Status | str | None, "open", "open"),
    ],
)
def test_a_union_takes_its_own_plain_types_first_and_then_what_fits(
    annotation: object, data: Any, value: object
) -> None:
    assert decode(data, annotation) == value
    assert type(decode(data, annotation)) is type(value)


@pytest.mark.parametrize(
    ("annotation", "data"),
    [
        (str, 1),
        (int, "1"),
        (int, 1.5),
        (dt.datetime, "soon"),
        (Decimal, "many"),
        (Decimal, 5),
        (UUID, "x"),
        (Status, "never"),
        (Status, True),
        (list[Line], 5),
        (Line, [1]),
        (Line, "x"),
        (Point, [1, 2, 3]),
        (dict[str, Line], [1]),
        (tuple[int, ...], "x"),
        ("NoSuchName", {"a": 1}),
        (TypeVar("Free"), {"a": 1}),
        (5, {"a": 1}),
    ],
)
def test_what_does_not_fit_is_passed_on_unchanged(annotation: object, data: Any) -> None:
    assert decode(data, annotation) == data
    assert type(decode(data, annotation)) is type(data)


@pytest.mark.parametrize("value", [(Line("x"),), {Status.OPEN: Line("x")}, frozenset({DAY}), Line("x"), DAY, None])
@pytest.mark.parametrize(
    "annotation",
    [
        list[Order],
        dict[str, Order],
        tuple[Order, ...],
        set[Order],
        Order,
        Order | Status,
        Movie,
        Status,
        int,
        dt.datetime,
    ],
)
def test_a_tag_wins_over_whatever_is_annotated(value: object, annotation: object) -> None:
    assert decode(encode(value), annotation) == value


def test_a_missing_field_is_named_with_the_path() -> None:
    with pytest.raises(SerializationError, match=r"^order\.lines\[1\]: not data for .*Line.*field 'sku' is missing"):
        decode({"lines": [{"sku": "x"}, {"price": "1"}]}, Order, where="order")


def test_equal_unions_of_another_order_do_not_mix() -> None:
    data = {"number": "1"}

    assert decode(data, Card | Cash) == Card("1")
    assert decode(data, Cash | Card) == Cash("1")
