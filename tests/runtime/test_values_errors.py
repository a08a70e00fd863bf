"""Exceptions: the same class, text, state, cause and stack on the other side, whatever their constructors look like."""

from __future__ import annotations

import asyncio
import json
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from workflow_runtime.errors import FatalError, RetryableError, RunFailedError, SerializationError
from workflow_runtime.values import decode, decode_error, encode, encode_error


class Declined(Exception):
    """Its constructor takes other arguments than it hands on."""

    def __init__(self, card: str, *, cents: int) -> None:
        super().__init__(f"{card} was declined")
        self.card = card
        self.cents = cents


class Stubborn(Exception):
    """Neither its ``__new__`` nor its ``__str__`` can be used."""

    def __new__(cls, *args: object) -> Stubborn:  # noqa: PYI034 - it never returns
        raise AssertionError("must not be called")

    def __str__(self) -> str:
        raise RuntimeError("no text")


class Disk(OSError):
    """A subclass of OSError with a constructor of its own, which makes OSError's own one hold back."""

    def __init__(self, path: str) -> None:
        super().__init__(28, "disk full", path)


@dataclass(frozen=True)
class Frozen(Exception):
    """An exception that refuses attributes."""

    code: int


class Silent(Exception):
    """Has a property where OSError would have state."""

    @property
    def errno(self) -> int:
        return 1


class Count(pydantic.BaseModel):
    n: int


def raised(make: Callable[[], BaseException]) -> BaseException:
    """The exception with a traceback, as a step would raise it."""
    try:
        raise make()
    except BaseException as error:  # noqa: BLE001 - SystemExit and its like are tested
        return error


def through_json(error: BaseException) -> Any:
    """The exception after a journey through the database."""
    return decode_error(json.loads(json.dumps(encode_error(error), allow_nan=False)))


def invalid() -> BaseException:
    """An exception whose class can not be made by anyone but its library."""
    with pytest.raises(pydantic.ValidationError) as caught:
        Count.model_validate({"n": "x"})
    return caught.value


def unicode_error() -> BaseException:
    """An exception that keeps all of its state in C."""
    return UnicodeDecodeError("utf-8", b"a\xff", 1, 2, "bad byte")


SAME = [
    lambda: ValueError("x", 1, (2,)),
    lambda: KeyError("missing"),
    lambda: Declined("visa", cents=5),
    lambda: FileNotFoundError(2, "No such file", "a.txt"),
    lambda: OSError("only text"),
    lambda: OSError(5, "io", "a", None, "b"),
    lambda: Disk("/x"),
    unicode_error,
    lambda: SyntaxError("bad", ("f.py", 1, 2, "x =")),
    lambda: ModuleNotFoundError("no x", name="x", path="p"),
    lambda: StopIteration(3),
    lambda: FatalError("no more"),
    lambda: RunFailedError("wrun_1", "text"),
    lambda: asyncio.QueueEmpty(),
    lambda: ExceptionGroup("many", [ValueError("a"), ExceptionGroup("inner", [Declined("b", cents=1)])]),
]


@pytest.mark.parametrize("make", SAME)
def test_an_exception_comes_back_as_it_was(make: Callable[[], BaseException]) -> None:
    error = raised(make)
    back = through_json(error)

    assert type(back) is type(error)
    assert str(back) == str(error)
    assert repr(back) == repr(error)
    assert back.args == error.args or isinstance(error, ExceptionGroup)
    own = {name: value for name, value in vars(back).items() if name not in ("_workflow_stack", "__notes__")}
    assert own == vars(error)


def test_state_in_c_comes_back() -> None:
    disk, bad = through_json(raised(lambda: Disk("/x"))), through_json(unicode_error())

    assert (disk.errno, disk.strerror, disk.filename) == (28, "disk full", "/x")
    assert (bad.encoding, bad.object, bad.start, bad.end, bad.reason) == ("utf-8", b"a\xff", 1, 2, "bad byte")
    assert through_json(OSError(5, "io", "a", None, "b")).filename2 == "b"


def test_what_a_retry_needs_survives() -> None:
    assert through_json(RetryableError("later", retry_after=timedelta(minutes=5))).retry_after == timedelta(minutes=5)


class Ordered(pydantic.BaseModel):
    count: int = pydantic.Field(gt=0)
    kind: str

    @pydantic.field_validator("kind")
    @classmethod
    def _is_known(cls, kind: str) -> str:
        if kind == "odd":
            raise ValueError(f"{{{kind}}} is not known")
        if kind == "custom":
            raise PydanticCustomError("not_known", "{kind} is not known", {"kind": kind})
        return kind


@pytest.mark.parametrize("data", [{}, {"count": "x", "kind": 1}, {"count": 0, "kind": "odd"}, {"kind": "custom"}])
def test_what_pydantic_found_comes_back_with_its_errors(data: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        Ordered.model_validate(data)
    back = through_json(through_json(caught.value))

    assert type(back) is pydantic.ValidationError
    assert (str(back), repr(back)) == (str(caught.value), repr(caught.value))
    for name in ("type", "loc", "msg", "input", "url"):
        assert [one.get(name) for one in back.errors()] == [one.get(name) for one in caught.value.errors()]
    assert all("ctx" not in one or one["type"] in ("value_error", "greater_than") for one in back.errors())


def test_what_pydantic_found_in_live_objects_comes_back_with_their_text() -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        Count.model_validate({"n": print})
    (line,) = through_json(caught.value).errors()

    assert (line["loc"], line["type"], line["input"]) == (("n",), "int_type", "<built-in function print>")


@pytest.mark.parametrize("damage", [None, {}, {"title": 1, "lines": [{}]}, {"title": "x", "lines": 3}])
def test_a_class_that_can_not_be_made_is_stood_in_for(damage: Any) -> None:
    error = invalid()
    data: Any = encode_error(error)
    data["validation"] = damage
    back = decode_error(data)

    assert isinstance(back, ValueError)
    assert type(back).__name__ == "ValidationError"
    assert str(back) == str(error)
    assert back.args == (str(error),)
    assert repr(back) == f"ValidationError({str(error)!r})"


def test_user_code_is_not_run() -> None:
    stubborn = through_json(Exception.__new__(Stubborn, "a"))
    frozen = through_json(raised(lambda: Frozen(7)))

    assert (type(stubborn), stubborn.args) == (Stubborn, ("a",))
    assert (type(frozen), frozen.code) == (Frozen, 7)
    assert encode_error(Exception.__new__(Stubborn))["message"] == "<Stubborn, whose str raised RuntimeError>"
    assert type(through_json(Silent("x"))) is Silent


def test_an_unknown_class_is_caught_by_its_nearest_known_base() -> None:
    class Gone(Disk):
        """Can not be found by name."""

    back = through_json(raised(lambda: Gone("/x")))

    assert isinstance(back, Disk)
    assert (type(back).__name__, str(back), back.errno) == ("Gone", "[Errno 28] disk full: '/x'", 28)
    assert type(through_json(Gone("/y"))) is type(back)
    assert encode_error(through_json(back)) == encode_error(back)


def test_an_unknown_class_without_known_bases_is_an_exception() -> None:
    back = decode_error({"type": "shop.gone.Broken", "message": "text", "bases": ["shop.gone.Base"], "args": [1]})

    assert (type(back).__mro__[1], type(back).__module__, str(back)) == (Exception, "shop.gone", "text")


@pytest.mark.parametrize("make", [lambda: SystemExit(3), KeyboardInterrupt, asyncio.CancelledError, GeneratorExit])
def test_what_would_end_the_worker_comes_back_as_an_exception(make: Callable[[], BaseException]) -> None:
    error = make()
    back = through_json(error)

    assert isinstance(back, Exception)
    assert type(back).__name__ == type(error).__name__
    assert str(back) == str(error)


def test_a_group_that_is_no_exception_comes_back_with_its_members() -> None:
    back = through_json(BaseExceptionGroup("g", [SystemExit(1), ValueError("v")]))

    assert isinstance(back, ExceptionGroup)
    assert [type(member).__name__ for member in back.exceptions] == ["SystemExit", "ValueError"]


def failing() -> None:
    """Raises with a cause, as steps do."""
    try:
        int("x")
    except ValueError as error:
        error.add_note("a note")
        raise Declined("visa", cents=1) from error


def caught(function: Callable[[], None]) -> BaseException:
    """What the function raises."""
    try:
        function()
    except Exception as error:  # noqa: BLE001 - any of them
        return error
    raise AssertionError("it did not raise")


def test_causes_notes_and_stack_are_shown_when_it_is_printed() -> None:
    back = through_json(caught(failing))
    text = "".join(traceback.format_exception(back))

    assert isinstance(back.__cause__, ValueError)
    assert "a note" in text
    assert "where it was raised:" in text
    assert f'File "{__file__}"' in text
    assert 'int("x")' in text
    assert "direct cause" in text


def test_the_context_is_kept_unless_it_was_suppressed() -> None:
    def during() -> None:
        try:
            int("x")
        except ValueError:
            raise KeyError("y")  # noqa: B904 - the implicit context is what is tested

    def suppressed() -> None:
        try:
            int("x")
        except ValueError:
            raise KeyError("y") from None

    assert isinstance(through_json(caught(during)).__context__, ValueError)
    assert through_json(caught(suppressed)).__context__ is None


def test_encoding_a_decoded_error_again_changes_nothing() -> None:
    data = encode_error(caught(failing))

    assert encode_error(decode_error(encode_error(decode_error(data)))) == data


def test_a_decoded_error_that_is_raised_again_has_one_stack_from_end_to_end() -> None:
    back = through_json(caught(failing))

    def workflow() -> None:
        raise back

    again = through_json(caught(workflow))
    (note,) = again.__notes__

    assert note.count("Traceback") == 1
    assert note.index("in workflow") < note.index("in failing")
    assert note.count("in failing") == 1


def test_what_can_not_cross_is_given_as_text() -> None:
    error = ValueError("x", object())
    error.live = object()  # type: ignore[attr-defined]
    error.fine = 1  # type: ignore[attr-defined]
    data = encode_error(error)

    assert data["args"][0] == "x"
    assert data["args"][1].startswith("<object object at")
    assert data["state"] == {"fine": 1}


def test_an_argument_of_an_unknown_class_does_not_lose_the_error() -> None:
    gone = {"$type": "shop.gone.Order", "sku": "a"}
    back = decode_error({"type": "builtins.ValueError", "args": [gone], "state": {"order": gone}})

    assert isinstance(back, ValueError)
    assert back.args == (gone,)


def test_size_is_bounded() -> None:
    def deep(n: int) -> None:
        if n:
            deep(n - 1)
        raise ValueError("x" * 10_000_000)

    error = caught(lambda: deep(300))
    error.huge = ["y" * 1000] * 1000  # type: ignore[attr-defined]
    wide = ExceptionGroup("g", [ExceptionGroup("h", [ValueError("z")] * 300)] * 300)

    assert len(json.dumps(encode_error(error))) < 100_000
    assert len(json.dumps(encode_error(wide))) < 100_000
    assert "more characters" in encode_error(error)["message"]
    assert "frames left out" in encode_error(error)["stack"]


def test_a_chain_of_causes_is_bounded_and_cycles_end() -> None:
    error = first = ValueError("0")
    for number in range(1, 1000):
        later = ValueError(str(number))
        later.__cause__ = error
        error = later
    first.__cause__ = error
    holding = ValueError()
    holding.args = (holding, [holding], [holding])
    holding.itself = holding  # type: ignore[attr-defined]

    assert 10 < json.dumps(encode_error(error)).count('"cause"') < 50
    assert type(through_json(holding)) is ValueError


def test_each_of_many_exceptions_keeps_its_cause() -> None:
    many = [caught(failing) for _ in range(150)]

    assert all(isinstance(error.__cause__, ValueError) for error in decode(encode(many)))


def test_an_exception_is_a_value() -> None:
    data = encode({"results": [1, Declined("visa", cents=5)]})
    back = decode(json.loads(json.dumps(data)))

    assert data["results"][1]["$type"] == "exception"
    assert (type(back["results"][1]), back["results"][1].cents) == (Declined, 5)


@pytest.mark.parametrize("data", [None, [], {}, {"type": 5}, {"type": "a\0b", "bases": []}, {"type": "\ud800"}, "x"])
def test_what_is_no_error_is_refused(data: object) -> None:
    with pytest.raises(SerializationError, match=r"^error: "):
        decode_error(data)


JSON_SCALARS = st.none() | st.booleans() | st.integers() | st.text()


@settings(deadline=None)
@given(
    st.lists(JSON_SCALARS, max_size=3),
    st.dictionaries(st.text(), JSON_SCALARS, max_size=3),
    st.lists(st.text(), max_size=2),
)
def test_any_exception_survives_with_its_args_state_and_notes(
    args: list[Any], state: dict[str, Any], notes: list[str]
) -> None:
    error = Declined.__new__(Declined, *args)
    error.__dict__.update(state)
    for note in notes:
        error.add_note(note)

    back = through_json(error)

    assert (type(back), back.args, vars(back)) == (Declined, error.args, vars(error))
