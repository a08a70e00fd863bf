"""Calls: each argument by its parameter's annotation, and both sides named when they do not fit."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from workflow_runtime.errors import SerializationError
from workflow_runtime.values import decode_call, encode_call, return_hint

if TYPE_CHECKING:
    from somewhere import Absent  # type: ignore[import-not-found]


@dataclass
class Order:
    sku: str


def charge(order: Order, cents: int = 0, *more: dt.date, note: str | None = None, **tags: Order) -> list[Order]:
    """A parameter of each kind."""
    return [order]


def partly(order: Order, other: Absent, day: dt.date) -> Absent:
    """One annotation is only there for the type checker."""


def positional_only(order: Order, /, **order_by: dt.date) -> None:
    """A keyword may have the name of a positional-only parameter."""


def bare(a, b):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201 - users need not annotate
    """Nothing is annotated."""


class Shop:
    """Callables that are no functions."""

    def sell(self, order: Order) -> Order:
        return order

    def __call__(self, order: Order) -> Order:
        return order


def wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator as users write them."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


def through_json(function: Callable[..., object], *args: object, **kwargs: object) -> object:
    """The call after a journey through the database."""
    return decode_call(json.loads(json.dumps(encode_call(args, kwargs, where="call"))), function, where="call")


def test_a_call_comes_back_as_it_was() -> None:
    args = (Order("a"), 5, dt.date(2026, 1, 2))
    kwargs = {"note": "n", "extra": Order("b")}

    assert through_json(charge, *args, **kwargs) == (args, kwargs)
    assert through_json(bare, Order("a"), b=(1, 2)) == ((Order("a"),), {"b": (1, 2)})


def test_plain_arguments_are_read_by_their_parameters() -> None:
    plain, day = {"sku": "a"}, "2026-01-02"

    assert decode_call({"args": [plain, 1, day], "kwargs": {"x": plain}}, charge, where="c") == (
        (Order("a"), 1, dt.date(2026, 1, 2)),
        {"x": Order("a")},
    )
    assert decode_call({"kwargs": {"order": plain}}, charge, where="c") == ((), {"order": Order("a")})
    assert decode_call({"args": [plain], "kwargs": {"order": day}}, positional_only, where="c") == (
        (Order("a"),),
        {"order": dt.date(2026, 1, 2)},
    )


@pytest.mark.parametrize("function", [Shop().sell, Shop(), wrapped(Shop().sell), functools.partial(charge, cents=1)])
def test_callables_of_all_kinds_are_read_by_their_annotations(function: Callable[..., object]) -> None:
    assert decode_call({"args": [{"sku": "a"}]}, function, where="c") == ((Order("a"),), {})


def test_a_name_that_can_not_be_resolved_spoils_only_its_own_parameter() -> None:
    data = {"args": [{"sku": "a"}, {"sku": "b"}, "2026-01-02"]}

    assert decode_call(data, partly, where="c") == ((Order("a"), {"sku": "b"}, dt.date(2026, 1, 2)), {})


def test_the_return_annotation_is_resolved_or_any() -> None:
    assert return_hint(charge) == list[Order]
    assert return_hint(Shop().sell) is Order
    assert return_hint(partly) is Any
    assert return_hint(bare) is Any


def test_kwargs_are_left_out_when_there_are_none() -> None:
    assert encode_call([1], {}, where="c") == {"args": [1]}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (
            {"args": []},
            r"gives 0 positional, the function takes charge\(order, cents=0, \*more, note=None, \*\*tags\): missing",
        ),
        ({"args": [1], "kwargs": {"order": 1}}, "gives 1 positional and order=, .* multiple values"),
    ],
)
def test_a_call_that_does_not_fit_names_both_sides(data: object, says: str) -> None:
    with pytest.raises(SerializationError, match=f"^step x: the call {says}"):
        decode_call(data, charge, where="step x")


@pytest.mark.parametrize("data", [None, [], {"args": {}}, {"kwargs": []}, {"args": None}, "x"])
def test_what_is_no_call_is_refused(data: object) -> None:
    with pytest.raises(SerializationError, match=r"^step x: not the data of a call"):
        decode_call(data, charge, where="step x")


def test_an_argument_that_can_not_cross_is_named() -> None:
    with pytest.raises(SerializationError, match=r"^step x: args\[1\]\[0\]: cannot serialize"):
        encode_call([1, [object()]], {}, where="step x")
    with pytest.raises(SerializationError, match=r"^step x: note: cannot serialize"):
        encode_call([], {"note": object()}, where="step x")
    with pytest.raises(SerializationError, match=r"^step x: order: field 'sku' is missing"):
        decode_call({"args": [{"$type": f"{__name__}.Order"}]}, charge, where="step x")
