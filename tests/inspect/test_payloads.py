"""Values and errors as text: readable, bounded, and harmless whatever is in them."""

from __future__ import annotations

import json
import string
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.inspect.shop import STACK, error
from workflow_runtime.seeing.errors import error_line, error_view, frames_of
from workflow_runtime.seeing.payloads import arguments, brief, show, show_call, visible
from workflow_runtime.values import encode, encode_error

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.just("$type"), inner),
    max_leaves=30,
)
HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x9b31m",
    "a\rb",
    "\u202egnp.exe",
    "zero\u200bwidth",
    "\u2066isolated",
    "\ud800",
    "tag\U000e0041",
    "\x00\x08\x7f",
    "line\u2028end",
]


@dataclass
class Order:
    id: str
    cents: int


def test_marks_can_not_be_heaped_on_a_letter_until_they_cover_other_lines() -> None:
    assert visible("e\u0301\u0302\u0303\u0304, ก็, שָׁ") == "e\u0301\u0302\u0303\u0304, ก็, שָׁ"
    assert visible("Z" + "\u0335" * 6 + "a\u0301") == "Z" + "\u0335" * 4 + "\\u0335" * 2 + "a\u0301"
    assert visible("ก" + "\u0e47" * 5) == "ก" + "\u0e47" * 4 + "\\u0e47"


def test_values_read_like_python() -> None:
    value = {
        "order": Order("ord_1", 1290),
        "at": datetime(2026, 11, 22, 9, 25, tzinfo=UTC),
        "pair": (1, 2.5),
        "one": (1,),
        "set": {3},
        "none": [None, True, set()],
        "price": Decimal("12.90"),
        "id": UUID(int=1),
        "keys": {1: "a"},
        "bytes": b"hello",
        "quote": "it's",
    }

    assert show(encode(value)).text == (
        "{'order': Order(id='ord_1', cents=1290), 'at': datetime('2026-11-22T09:25:00+00:00'), 'pair': (1, 2.5), 'one': (1,), "
        "'set': {3}, 'none': [None, True, set()], 'price': Decimal('12.90'), 'id': UUID('00000000-0000-0000-0000-000000000001'), "
        "'keys': {1: 'a'}, 'bytes': bytes(aGVsbG8=, 5 bytes), 'quote': \"it's\"}"
    )
    assert show(encode(timedelta(hours=1))).text == "timedelta(days=0, seconds=3600, microseconds=0)"
    assert show(encode(ValueError("no"))).text == "ValueError('no')"


def test_one_part_a_line_when_there_is_room() -> None:
    assert show(encode({"a": [1, 2], "b": {}}), indent=True).text == "{\n  'a': [\n    1,\n    2\n  ],\n  'b': {}\n}"


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_that_moves_colours_hides_or_turns_is_left(text: str) -> None:
    for shown in (
        visible(text),
        visible(text, lines=True),
        show(text).text,
        show({text: [text]}).text,
        show({"$type": text, text: text}).text,
        show({"$type": "Decimal", "value": text}).text,
        show({"$type": "exception", "error": {"type": text, "message": text}}).text,
        show({"$type": "Run", "id": text}).text,
        brief(text),
        brief({"$type": "shop.Order", "id": text}),
        show_call({"args": [text], "kwargs": {text: text}}).text,
        error_line(error(text, text)),
        repr(error_view(error(text, text, notes=[text], stack=f'  File "{text}", line 1, in {text}\n    {text}\n'))),
    ):
        assert shown.isprintable(), shown


def test_what_people_write_stays_as_it_is() -> None:
    for text in ("Grüße, 世界", "👩 ok", "שלום", "naïve café"):
        assert visible(text) == text


@given(JSON)
def test_any_data_gives_printable_text_of_bounded_length(value: Any) -> None:
    shown = show(value, limit=200)

    assert all(char.isprintable() or char == " " for char in shown.text)
    assert len(shown.text) < 200 + 10 * 200  # an escape is up to ten characters long
    assert brief(value).isprintable()
    assert isinstance(show_call(value).text, str)
    error_view(value)
    error_line(value)


def test_what_is_cut_says_how_much() -> None:
    assert show("x" * 5000, limit=100).text == f"'{'x' * 100}'… 4,900 more characters"
    assert show(list(range(1000)), limit=20).text == "[0, 1, 2, 3, 4, 5, 6, … 993 more]"
    assert show(list(range(1000)), limit=20).cut
    assert not show([1]).cut
    assert show_call({"args": ["a" * 90, "b" * 90, "c"]}, limit=100).text.endswith("… 1 more")


def test_depth_is_limited() -> None:
    deep: Any = []
    for _ in range(900):
        deep = [deep]

    assert show(deep, depth=3).text == "[[[[… 1 item]]]]"
    assert show(deep).cut
    assert show(encode([[[]]])).text == "[[[]]]"


def test_a_huge_value_costs_what_is_shown_of_it() -> None:
    """Counted in calls, since times differ from machine to machine."""
    import sys

    huge = json.loads(json.dumps([{"a": n} for n in range(200_000)]))
    calls = 0

    def count_call(frame: object, kind: str, argument: object) -> None:
        nonlocal calls
        calls += kind == "call"

    sys.setprofile(count_call)
    try:
        show(huge, limit=1000)
    finally:
        sys.setprofile(None)
    assert calls < 5000


def test_arguments_have_the_names_that_are_known() -> None:
    call = {"args": ["ord_1", 5], "kwargs": {"retry": True}}

    assert arguments(call) == (("", "ord_1"), ("", 5), ("retry", True))
    assert arguments(call, ["order"]) == (("order", "ord_1"), ("", 5), ("retry", True))
    assert show_call(call, ["order", "count"]).text == "order='ord_1', count=5, retry=True"


def test_a_record_is_brief_by_its_first_field() -> None:
    assert brief(encode(Order("ord_1", 5))) == "ord_1"
    assert brief("x" * 100) == "x" * 23 + "…"
    assert brief([1, 2]) == "[1, 2]"


def test_frames_are_told_apart_into_the_users_own_and_libraries() -> None:
    frames = frames_of(STACK)

    assert [(frame.place, frame.function, frame.own) for frame in frames] == [
        ("/srv/shop/payments.py:41", "charge_card", True),
        ("/srv/venv/lib/python3.12/site-packages/gateway/client.py:977", "charge", False),
    ]
    assert frames[0].source.split("\n")[0] == "answer = await gateway.charge(card, cents)"


def test_the_errors_that_the_runtime_writes_are_read() -> None:
    try:
        try:
            json.loads("{")
        except ValueError as inner:
            raise RuntimeError("could not read") from inner
    except RuntimeError as raised:
        raised.add_note("line 1")
        view = error_view(encode_error(raised))

    assert (view.name, view.message, view.notes, view.is_cause) == ("RuntimeError", "could not read", ("line 1",), True)
    assert [one.name for one in view.chain] == ["RuntimeError", "JSONDecodeError"]
    assert view.own_frames[-1].path.endswith("test_payloads.py")
    cause = view.chain[1]
    assert cause.own_frames
    assert all("json" in frame.path for frame in cause.library_frames)
    assert cause.library_frames


def test_groups_have_their_members() -> None:
    view = error_view(encode_error(ExceptionGroup("two", [ValueError("a"), KeyError("b")])))

    assert [member.line for member in view.members] == ["ValueError: a", "KeyError: 'b'"]


@given(st.text(alphabet=string.printable + "\x1b\u202e", max_size=300))
def test_any_stack_is_read(text: str) -> None:
    frames_of(text)
    frames_of(f'  File "{text}", line 12, in f\n{text}')
