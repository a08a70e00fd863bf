"""Dataclasses, named tuples and enums: by name, without running their code, and through changes of the class."""

from __future__ import annotations

import collections
import gc
import json
import sys
import types
import weakref
from dataclasses import InitVar, dataclass, field, make_dataclass
from enum import Enum, Flag, IntEnum, StrEnum, auto
from http import HTTPStatus
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import pytest

from workflow_runtime.errors import SerializationError
from workflow_runtime.values import PROCESS_CLASSES, decode, decode_call, encode

T = TypeVar("T")


class Color(Enum):
    RED = "red"
    CRIMSON = "red"  # noqa: PIE796 - an alias is what is tested
    BLUE = ("b", 1)


class Level(IntEnum):
    LOW = 1


class Mode(StrEnum):
    FAST = "fast"


class Access(Flag):
    READ = auto()
    WRITE = auto()


class Point(NamedTuple):
    x: int
    y: int = 7


@dataclass
class Line:
    sku: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class Order:
    id: str
    lines: list[Line]
    parent: Order | None = None
    kinds: ClassVar[int] = 0


@dataclass
class Checked:
    """Its constructor does what rebuilding must not do again."""

    made: ClassVar[int] = 0
    name: str
    secret: InitVar[str] = ""
    length: int = field(init=False)
    tags: list[str] = field(default_factory=list)

    def __post_init__(self, secret: str) -> None:
        Checked.made += 1
        self.length = len(self.name) + len(secret)


@dataclass
class Outer:
    @dataclass
    class Inner:
        n: int

    inner: Inner


@dataclass
class Box(Generic[T]):
    item: T
    more: list[T] = field(default_factory=list)


@dataclass
class Special(Line):
    note: str = ""


@dataclass
class NumberText(str):
    """A dataclass that is text as well: what it is made of can not be told."""

    n: int = 0


def through_json(value: object, annotation: object = Any) -> Any:
    """The value after a journey through the database."""
    return decode(json.loads(json.dumps(encode(value), allow_nan=False)), annotation)


@pytest.mark.parametrize(
    "value",
    [
        *Color,
        Level.LOW,
        Mode.FAST,
        Access.READ,
        Access.READ | Access.WRITE,
        Access(0),
        HTTPStatus.NOT_FOUND,
        Point(1, 2),
        Order("a", [Line("x"), Special("y", 2, "z")], Order("b", [])),
        Outer(Outer.Inner(3)),
        Box(Line("x")),
        {Mode.FAST: Point(0), Level.LOW: {Color.RED}},
    ],
)
def test_an_instance_comes_back_as_it_was(value: object) -> None:
    back = through_json(value)

    assert back == value
    assert type(back) is type(value)


def test_fields_stand_beside_the_name() -> None:
    assert encode(Order("a", [Line("x")])) == {
        "$type": f"{__name__}.Order",
        "id": "a",
        "lines": [{"$type": f"{__name__}.Line", "sku": "x", "count": 1}],
        "parent": None,
    }
    assert encode(Outer.Inner(1)) == {"$type": f"{__name__}.Outer.Inner", "n": 1}
    assert encode(Color.CRIMSON) == {"$type": f"{__name__}.Color", "name": "RED"}


def test_rebuilding_runs_no_constructor() -> None:
    value = Checked("abc", secret="xy")
    made = Checked.made

    back = through_json(value, Checked)

    assert (back.name, back.length, Checked.made) == ("abc", 5, made)


def test_plain_data_goes_through_the_constructor() -> None:
    made = decode({"name": "abc", "secret": "xy", "length": 99, "unknown": 1}, Checked)

    assert made == Checked("abc", secret="xy")


def test_a_field_that_was_added_takes_its_default() -> None:
    assert decode({"$type": f"{__name__}.Line", "sku": "x"}) == Line("x", 1)
    assert decode({"$type": f"{__name__}.Point", "x": 1}) == Point(1, 7)


def test_a_field_that_was_added_without_default_is_named() -> None:
    with pytest.raises(SerializationError, match="order: field 'sku' is missing and has no default"):
        decode({"$type": f"{__name__}.Line", "count": 1}, where="order")


def test_a_field_that_was_removed_is_passed_over() -> None:
    assert decode({"$type": f"{__name__}.Line", "sku": "x", "gone": {"a": 1}}) == Line("x")


def test_a_member_that_was_removed_is_named() -> None:
    with pytest.raises(SerializationError, match=r"has no member 'GREEN'; it has RED, CRIMSON, BLUE"):
        decode({"$type": f"{__name__}.Color", "name": "GREEN"})


def test_a_field_that_the_instance_lacks_stays_away() -> None:
    value = object.__new__(Checked)
    value.name, value.tags = "x", []

    back = through_json(value)

    assert not hasattr(back, "length")


def test_a_class_inside_a_function_is_refused() -> None:
    @dataclass
    class Hidden:
        n: int

    with pytest.raises(SerializationError, match="move it to module level"):
        encode(Hidden(1))


def test_a_dataclass_that_is_a_builtin_as_well_is_refused() -> None:
    with pytest.raises(SerializationError, match="give it as str"):
        encode(NumberText())


def test_an_unknown_class_is_named_with_what_to_do() -> None:
    with pytest.raises(SerializationError, match=r"order\['a'\]\[0\]: class shop.gone.Order is not known here; import"):
        decode({"a": [{"$type": "shop.gone.Order"}]}, where="order")


def test_data_can_not_name_what_is_no_data_class() -> None:
    for name in (
        "subprocess.Popen",
        "os.system",
        "builtins.object",
        "builtins.int",
        "sys",
        "pathlib.Path",
        "typing.NamedTuple",
    ):
        assert PROCESS_CLASSES.find(name) is None
        with pytest.raises(SerializationError, match="is not known here"):
            decode({"$type": name, "args": "x"})


def test_data_imports_nothing() -> None:
    assert "antigravity" not in sys.modules
    module = types.ModuleType("lazy_module_of_test")
    touched: list[str] = []
    module.__dict__["__getattr__"] = touched.append
    sys.modules[module.__name__] = module
    try:
        assert PROCESS_CLASSES.find("lazy_module_of_test.Order") is None
        assert PROCESS_CLASSES.find("antigravity.Order") is None
    finally:
        del sys.modules[module.__name__]

    assert not touched
    assert "antigravity" not in sys.modules


class Bundle:
    """A context with its own classes, as a bundle is."""

    def __init__(self, **known: type) -> None:
        self.known = known

    def name_of(self, cls: type) -> str:
        return f"shop.{cls.__qualname__}"

    def find(self, name: str) -> type | None:
        return self.known.get(name.removeprefix("shop."))


def test_each_context_decodes_to_its_own_classes() -> None:
    other_line = make_dataclass("Line", [("sku", str), ("count", int)])
    data = encode([Line("x")], Bundle())

    assert data == [{"$type": "shop.Line", "sku": "x", "count": 1}]
    assert decode(data, classes=Bundle(Line=Line)) == [Line("x")]
    assert decode(data, classes=Bundle(Line=other_line)) == [other_line("x", 1)]


def test_a_class_that_only_the_annotation_knows_is_found() -> None:
    nothing = Bundle()
    data = encode(Order("a", [Line("x")]), nothing)

    assert decode(data, Order, nothing) == Order("a", [Line("x")])
    assert decode({"any": [data]}, dict[str, list[Any] | Order], nothing) == {"any": [Order("a", [Line("x")])]}
    with pytest.raises(SerializationError, match=r"shop\.Order is not known here"):
        decode(data, classes=nothing)


def test_the_annotations_class_goes_before_another_of_that_name() -> None:
    other_line = make_dataclass("Line", [("sku", str), ("count", int)])

    assert type(decode(encode(Line("x"), Bundle()), other_line, Bundle(Line=Line))) is other_line


def test_a_known_subclass_of_the_annotation_keeps_its_class() -> None:
    assert through_json([Special("x", 1, "n")], list[Line]) == [Special("x", 1, "n")]


SOURCE = """
from __future__ import annotations
from dataclasses import dataclass
from decimal import Decimal

@dataclass
class Line:
    price: Decimal

@dataclass
class Order:
    lines: list[Line]
    parent: Order | None = None

def step(order: Order) -> Order: ...
"""


def test_annotations_lead_to_the_classes_of_the_same_execution(monkeypatch: pytest.MonkeyPatch) -> None:
    process, bundle = types.ModuleType("twice_executed"), types.ModuleType("twice_executed")
    monkeypatch.setitem(sys.modules, "twice_executed", process)
    for module in (process, bundle):
        exec(SOURCE, module.__dict__)  # noqa: S102 - two executions of one module are what is tested
    plain = {"args": [{"lines": [{"price": "1.5"}], "parent": {"lines": []}}]}

    for module in (process, bundle):
        known = {f"twice_executed.{name}": vars(module)[name] for name in ("Line", "Order")}
        classes = PROCESS_CLASSES if module is process else Bundle(**known)
        (order,), _ = decode_call(plain, module.step, classes, where="step")

        assert type(order) is module.Order
        assert type(order.lines[0]) is module.Line
        assert type(order.parent) is module.Order


def test_classes_that_came_and_went_are_let_go() -> None:
    make_class: Any = collections.namedtuple
    born: list[weakref.ref[type]] = []
    for number in range(6000):
        cls = make_class(f"Passing{number}", "a")
        born.append(weakref.ref(cls))
        assert type(decode(encode(cls(1)), cls)) is cls
    del cls
    gc.collect()

    assert sum(reference() is not None for reference in born) < 4500
