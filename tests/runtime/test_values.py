"""Built-in values: each comes back equal and of the same type, and what can not cross says where it is."""

from __future__ import annotations

import datetime as dt
import inspect
import json
import math
import socket
import subprocess
import sys
from collections import Counter, OrderedDict
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_runtime.errors import SerializationError
from workflow_runtime.values import decode, encode


def through_json(value: object) -> Any:
    """The value after a journey through the database."""
    return decode(json.loads(json.dumps(encode(value), allow_nan=False)))


def same(one: object, other: object) -> bool:
    """Equal all the way down, types included, with NaN equal to itself."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return len(one) == len(other) and all(
            same(a, b)
            for pair, twin in zip(one.items(), other.items(), strict=True)
            for a, b in zip(pair, twin, strict=True)
        )
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return repr(one) == repr(other) if isinstance(one, (float, complex, Decimal)) else one == other


ANY_TEXT = st.text(st.characters(codec=None))  # lone surrogates and NUL included
ZONES = st.sampled_from(
    [None, dt.UTC, ZoneInfo("UTC"), ZoneInfo("Europe/Berlin"), dt.timezone(dt.timedelta(hours=-3), "X")]
)
HASHABLE_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(2**2500, 2**2501),
    st.floats(allow_nan=False),
    st.complex_numbers(allow_nan=False),
    ANY_TEXT,
    st.binary(),
    st.dates(),
    st.datetimes(timezones=ZONES),
    st.times(timezones=st.sampled_from([None, dt.UTC, ZoneInfo("Europe/Berlin")])),
    st.timedeltas(),
    st.decimals(allow_nan=False),
    st.fractions(),
    st.uuids(),
    st.builds(range, st.integers(-9, 9), st.integers(-9, 9), st.integers(1, 3)),
    st.builds(PurePosixPath, st.text("ab/.")),
    st.builds(PureWindowsPath, st.lists(st.text("ab", min_size=1)).map("\\".join)),
    st.builds(Path, st.text("ab/.")),
)
HASHABLE = st.recursive(
    HASHABLE_LEAVES, lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3), max_leaves=4
)
LEAVES = HASHABLE | st.floats() | st.builds(bytearray, st.binary()) | st.decimals(allow_nan=True)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(ANY_TEXT | st.just("$type"), inner, max_size=4)
        | st.dictionaries(HASHABLE, inner, max_size=3)
        | st.sets(HASHABLE, max_size=3)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(VALUES)
def test_every_builtin_value_comes_back_as_it_was(value: object) -> None:
    assert same(through_json(value), value)


@pytest.mark.parametrize(
    "value",
    [
        float("nan"),
        float("-inf"),
        -0.0,
        complex("nan+infj"),
        Decimal("sNaN"),
        Decimal("1E+5"),
        10**5000,
        Fraction(1, 10**5000),
        "\ud800\udc00",
        "a\0b",
        {"\ud800\udc00": "\udc00\ud800"},
        {"$type": "datetime", "value": "never"},
        {"$anything": 1},
        {1: 1, "1": 2, None: 3, (1, 2): 4},
        {"z": 1, "a": 2},
        dt.datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"), fold=1),
        dt.time(2, 30, fold=1),
        UUID(int=0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_awkward_values_come_back_as_they_were(value: object) -> None:
    assert same(through_json(value), value)
    assert getattr(through_json(value), "fold", 0) == getattr(value, "fold", 0)


def test_a_time_zone_keeps_its_key_and_its_name() -> None:
    berlin = through_json(dt.datetime(2026, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")))
    named = through_json(dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1), "CET")))

    assert berlin.tzinfo is ZoneInfo("Europe/Berlin")
    assert named.tzname() == "CET"


def test_the_data_is_readable() -> None:
    assert encode({"a": [1, "x", None], "at": dt.date(2026, 1, 2), "cents": Decimal("9.90")}) == {
        "a": [1, "x", None],
        "at": {"$type": "date", "value": "2026-01-02"},
        "cents": {"$type": "Decimal", "value": "9.90"},
    }


def test_a_set_is_written_alike_whatever_the_hash_seed_is() -> None:
    code = "from workflow_runtime.values import encode; print(encode({'a', 'b', 'c', frozenset({'x', 'y', 'z'}), 1, None}))"
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert len(outputs) == 1


def test_importing_values_imports_no_model_library() -> None:
    code = (
        "import sys; from workflow_runtime.values import decode, encode; decode(encode([1, {2}]));"
        "print([name for name in ('pydantic', 'attr', 'msgspec') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, check=True)

    assert done.stdout.strip() == b"[]"


class Text(str):
    """A subclass that JSON would quietly flatten."""

    __slots__ = ()


class Unprintable:
    """A value whose own repr is broken."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


async def coroutine_function() -> None:
    """Something to forget an await of."""


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: OrderedDict(a=1), "give it as dict"),
        (lambda: Counter("a"), "give it as dict"),
        (lambda: Text("a"), "give it as str"),
        (lambda: (n for n in range(3)), "give it as list"),
        (lambda: test_the_data_is_readable, "pass data"),
        (lambda: math, "pass data"),
        (lambda: int, "pass its name"),
        (lambda: memoryview(b"a"), "give it as bytes"),
        (lambda: object(), "pass data, not live objects"),
        (Unprintable, "pass data, not live objects"),
    ],
)
def test_what_is_not_data_is_refused_with_advice(make: Callable[[], object], says: str) -> None:
    with pytest.raises(SerializationError, match=f"^order: cannot serialize .*{says}"):
        encode(make(), where="order")


def test_a_forgotten_await_is_named() -> None:
    forgotten = coroutine_function()
    with pytest.raises(SerializationError, match="await it"):
        encode(forgotten)
    forgotten.close()


def test_the_error_has_the_path_to_the_value() -> None:
    with socket.socket() as live, pytest.raises(SerializationError) as caught:
        encode({"lines": [1, ({2: live},)]}, where="order")

    assert str(caught.value).startswith("order['lines'][1][0][2]: cannot serialize <class 'socket.socket'>")


@pytest.mark.parametrize("value", [{1: Unprintable()}, {(1, Unprintable()): 1}, {Unprintable()}])
def test_an_unserializable_key_or_member_is_refused(value: object) -> None:
    with pytest.raises(SerializationError, match="cannot serialize"):
        encode(value)


def test_a_value_that_contains_itself_is_refused_and_says_where() -> None:
    loop: dict[str, Any] = {"name": "x"}
    loop["parent"] = [loop]

    with pytest.raises(SerializationError, match=r"^order\[0\]: contains itself \(through \['parent'\]\[0\]\)"):
        encode([loop], where="order")


def nested(levels: int, wrap: Callable[[Any], Any]) -> Any:
    """A value of that many containers inside each other."""
    value: Any = wrap(None)
    for _ in range(levels - 1):
        value = wrap(value)
    return value


WRAPS: list[Callable[[Any], Any]] = [
    lambda inner: [inner],
    lambda inner: {"a": inner},
    lambda inner: {1: inner},
    lambda inner: (inner,),
    lambda inner: frozenset([inner]),
    lambda inner: ValueError(inner),
]


@pytest.mark.parametrize("wrap", WRAPS[:5])
def test_two_hundred_levels_pass_and_one_more_is_refused(wrap: Callable[[Any], Any]) -> None:
    deepest = nested(200, wrap)

    assert through_json(deepest) == deepest
    with pytest.raises(SerializationError, match="nested deeper than 200 levels"):
        encode(nested(201, wrap))


def at_depth(levels: int, call: Callable[[], object]) -> object:
    """The result of the call, made with that many frames already on the stack."""
    return call() if levels == 0 else at_depth(levels - 1, call)


@pytest.mark.parametrize("function", [encode, decode])
def test_a_stack_that_is_nearly_used_up_is_said_to_be(function: Callable[[object], object]) -> None:
    used = sys.getrecursionlimit() - len(inspect.stack()) - 100
    value = nested(150, lambda inner: [inner])

    with pytest.raises(SerializationError, match="for the stack that is left"):
        at_depth(used, lambda: function(value))


@pytest.mark.parametrize("data", [nested(201, wrap) for wrap in WRAPS[:2]])
def test_data_that_is_too_deep_is_refused(data: object) -> None:
    with pytest.raises(SerializationError, match="nested deeper than 200 levels"):
        decode(data)


@pytest.mark.parametrize("data", [{"$type": "set", "items": [[]]}, {"$type": "dict", "items": [[[], 1]]}, {1, 2}, b"x"])
def test_data_that_can_not_be_is_refused(data: object) -> None:
    with pytest.raises(SerializationError):
        decode(data)


def test_an_unknown_zone_says_what_to_install() -> None:
    with pytest.raises(SerializationError, match="tzdata"):
        decode({"$type": "datetime", "value": "2026-01-01T00:00:00", "zone": "Mars/Olympus"})
