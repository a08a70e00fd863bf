"""Whether a value is what an annotation says: what a hook's payload is held against."""

from __future__ import annotations

import collections.abc
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Annotated, Any, Generic, Literal, NewType, Protocol, TypedDict, TypeVar

import pytest

from workflow_runtime.values.fitting import fits

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
    assert [value for value in good if not fits(value, hint)] == []
    assert [value for value in bad if fits(value, hint)] == []
