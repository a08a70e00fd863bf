"""Classes of pydantic, attrs and msgspec: rebuilt as they were, and made by their own rules from plain data."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeVar, Union

import attrs
import msgspec
import pydantic
import pytest

from workflow_runtime.errors import SerializationError
from workflow_runtime.values import decode, encode

T = TypeVar("T")


@dataclass
class Plain:
    n: int


class Line(pydantic.BaseModel):
    sku: str
    price: Decimal = Decimal("1.50")


class Order(pydantic.BaseModel):
    """With an alias, validation that must not run twice, private state, and other kinds of classes inside."""

    validated: int = 0
    shop_name: str = pydantic.Field(default="s", alias="shopName")
    lines: list[Line] = []
    at: dt.datetime | None = None
    plain: Plain | None = None
    parent: Order | None = None
    _cache: dict[str, int] = pydantic.PrivateAttr(default_factory=dict)
    _unset: int = pydantic.PrivateAttr()

    @pydantic.model_validator(mode="after")
    def count(self) -> Order:
        self.__dict__["validated"] += 1
        return self


class Open(pydantic.BaseModel, extra="allow", frozen=True):
    n: int


class Box(pydantic.BaseModel, Generic[T]):
    item: T


class Names(pydantic.RootModel[list[str]]):
    """A model without named fields."""


class Special(Line):
    note: str = ""


class Card(pydantic.BaseModel):
    number: int


class Cash(pydantic.BaseModel):
    coins: list[int]


class Wallet(pydantic.BaseModel):
    token: pydantic.SecretStr


@attrs.define
class Shelf:
    _rows: int
    items: list[Line] = attrs.Factory(list)
    size: int = attrs.field(init=False, default=3)
    double: int = attrs.field(default=attrs.Factory(lambda self: self._rows * 2, takes_self=True))

    def __attrs_post_init__(self) -> None:
        self.size += 1


@attrs.frozen(slots=False)
class Frozen:
    day: dt.date


class Part(msgspec.Struct, rename="camel", frozen=True):
    part_id: int
    made_on: dt.date | None = None
    tags: list[str] = msgspec.field(default_factory=list)


class Choosy(msgspec.Struct, kw_only=True):
    first: int = 1
    second: int
    third: int | msgspec.UnsetType = msgspec.UNSET


@pydantic.dataclasses.dataclass
class Checked:
    n: int


def through_json(value: object, annotation: object = Any) -> Any:
    """The value after a journey through the database."""
    return decode(json.loads(json.dumps(encode(value), allow_nan=False)), annotation)


@pytest.mark.parametrize(
    "value",
    [
        Line(sku="a"),
        Order(shopName="x", lines=[Line(sku="a"), Special(sku="b", note="n")], plain=Plain(1), parent=Order()),
        Open.model_validate({"n": 1, "more": [Line(sku="a")]}),
        Open.model_validate({"n": 1, "$type": "x", "$unset": 2}),
        Box[int](item=1),
        Box[list[Line] | None](item=[Line(sku="a")]),
        Box[dict[str, tuple[int, ...]]](item={"a": (1,)}),
        Box[Box[Any]](item=Box[Any](item=1)),
        Box(item=Line(sku="a")),
        Names(["a", "b"]),
        Shelf(2, [Line(sku="a")]),
        Frozen(dt.date(2026, 1, 2)),
        Part(1, dt.date(2026, 1, 2), ["x"]),
        Box[Union[int, str]](item=1),  # noqa: UP007 - another class than the one of `int | str`
        Choosy(second=2),
        Checked(1),
    ],
)
def test_an_instance_comes_back_as_it_was(value: object) -> None:
    for annotation in (Any, type(value)):
        back = through_json(value, annotation)

        assert back == value
        assert type(back) is type(value)


def test_a_model_remembers_what_was_set() -> None:
    back = through_json(Order(shopName="x", validated=5), Order)

    assert back.model_fields_set == {"shop_name", "validated"}
    assert back.validated == 6, "rebuilding must not validate again"
    assert encode(back) == encode(Order(shopName="x", validated=5))


def test_private_state_is_left_at_its_default() -> None:
    order = Order()
    order._cache["x"] = 1

    back = through_json(order, Order)

    assert back._cache == {}
    with pytest.raises(AttributeError):
        _ = back._unset


def test_extra_values_stay_extra() -> None:
    back = through_json(Open.model_validate({"n": 1, "more": Line(sku="a")}))

    assert back.model_extra == {"more": Line(sku="a")}
    assert back.more.sku == "a"


def test_models_are_written_by_field_name_and_nothing_is_set_in_passing() -> None:
    assert encode(Order(shopName="x", validated=1))["shop_name"] == "x"
    assert encode(Line(sku="a", price=Decimal(2))) == {
        "$type": f"{__name__}.Line",
        "sku": "a",
        "price": {"$type": "Decimal", "value": "2"},
    }


def test_a_time_that_pydantic_parsed_crosses() -> None:
    order = Order.model_validate_json('{"at": "2026-01-02T03:04:05+02:00"}')

    assert through_json(order, Order).at == order.at


def test_a_missing_field_takes_its_default_or_is_named() -> None:
    assert decode({"$type": f"{__name__}.Line", "sku": "a"}) == Line(sku="a")
    shelf = decode({"$type": f"{__name__}.Shelf", "_rows": 1, "size": 4, "double": 5})
    assert shelf == Shelf(1, double=5)
    for name in ("Line", "Shelf", "Part"):
        with pytest.raises(SerializationError, match=r"sku|_rows|part_id"):
            decode({"$type": f"{__name__}.{name}"})


def test_a_secret_is_refused_with_its_path() -> None:
    with pytest.raises(SerializationError, match=r"^wallet\.token: cannot serialize .*SecretStr"):
        encode(Wallet(token=pydantic.SecretStr("x")), where="wallet")


@pytest.mark.parametrize(
    ("annotation", "data", "value"),
    [
        (Line, {"sku": "a", "price": "2.5"}, Line(sku="a", price=Decimal("2.5"))),
        (list[Line], [{"sku": "a"}], [Line(sku="a")]),
        (Box[int], {"item": "3"}, Box[int](item=3)),
        (Order | None, {"shopName": "x"}, Order(shopName="x")),
        (Card | Cash, {"coins": [1]}, Cash(coins=[1])),
        (Shelf, {"rows": 1}, Shelf(1)),
        (Shelf, {"_rows": 1, "items": [{"sku": "a"}]}, Shelf(1, [Line(sku="a")])),
        (Frozen, {"day": "2026-01-02"}, Frozen(dt.date(2026, 1, 2))),
        (Part, {"partId": 1, "madeOn": "2026-01-02"}, Part(1, dt.date(2026, 1, 2))),
        (Part, {"part_id": 1}, Part(1)),
    ],
)
def test_plain_data_is_made_by_the_class_itself(annotation: object, data: Any, value: object) -> None:
    assert decode(data, annotation) == value


def test_tagged_parts_inside_plain_data_are_kept() -> None:
    assert decode({"plain": encode(Plain(1)), "lines": [encode(Special(sku="a"))]}, Order).lines == [Special(sku="a")]


@pytest.mark.parametrize("annotation", [Line, Line | None, Card | Cash, Part, Shelf])
def test_plain_data_that_the_class_refuses_is_an_error_with_the_path(annotation: Any) -> None:
    with pytest.raises(SerializationError, match=r"^body\['a'\]: "):
        decode({"a": {"price": "x"}}, dict[str, annotation], where="body")


@pytest.mark.parametrize("arguments", [None, [], ["gone.Class"], [5], ["int", "int"], [["int", "int"]], [["..."]]])
def test_type_arguments_that_can_not_be_are_refused(arguments: object) -> None:
    with pytest.raises(SerializationError):
        decode({"$type": f"{__name__}.Box", "item": 1, "$args": arguments})
