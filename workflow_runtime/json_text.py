"""JSON from strangers: parsed only when it is not nested deeper than anybody needs."""

from __future__ import annotations

import json
import re
from typing import Any

# One that does not end goes on to the end of the text: were it no match, each quote in it would be tried in turn.
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


def parse_json(text: bytes, depth: int) -> Any:
    """The value. Raises ``ValueError`` when ``text`` is no JSON in UTF-8, or nested deeper than ``depth`` levels.

    Python's own limit depends on its version and on how deep the caller is, so that a replay might not meet it where the first run did.
    """
    if text.count(b"[") + text.count(b"{") > depth and _depth(text) > depth:
        raise ValueError(f"JSON that is nested deeper than {depth} levels")
    return json.loads(
        text.decode("utf-8-sig")
    )  # of bytes, json would guess the encoding, and the depth was that of UTF-8


def _depth(text: bytes) -> int:
    level = deepest = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", text)):
        level += 1 if bracket in b"[{" else -1
        deepest = max(deepest, level)
    return deepest
