"""JSON from strangers."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_runtime.json_text import parse_json
from workflow_runtime.webhooks import WebhookRequest

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


QUOTES = b"[" * 300 + b'"' + b'\\"' * 500_000
"""One string that does not end: whoever tried each of its quotes in turn would be at it for an hour."""
UTF_16 = "≢".encode("utf-16-le") + ("[" * 5_000).encode("utf-16-le")
"""Valid in UTF-16, whose bytes look like the quote of a string around all that follows."""


def depth_of(value: Any) -> int:
    if isinstance(value, dict):
        value = list(value.values())
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


@given(VALUES, st.integers(0, 4), st.booleans())
def test_what_is_no_deeper_than_allowed_is_parsed_and_nothing_else(value: Any, depth: int, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "replace")
    if depth_of(value) > depth:
        with pytest.raises(ValueError, match="deeper"):
            parse_json(text, depth)
    else:
        assert parse_json(text, depth) == json.loads(text)


@pytest.mark.parametrize(
    "text", [b"[" * 1_000_000, b'{"a":' * 100_000, b'"' + b"\\" * 99_999, b"", b"[1", b"\xff", QUOTES, UTF_16]
)
def test_what_is_no_json_or_too_deep_is_a_value_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        WebhookRequest("POST", "/", {}, text, "wrun_1").json()


def test_brackets_in_text_do_not_count() -> None:
    assert parse_json(b'["[[[\\"[[[{{{"]', 1) == ['[[["[[[{{{']
