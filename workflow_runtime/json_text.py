"""JSON from strangers: parsed only when it is not nested deeper than anybody needs."""

from __future__ import annotations

import json
import re
from typing import Any

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


def parse_json(text: bytes, depth: int) -> Any:
    """The value. Raises ``ValueError`` when ``text`` is no JSON, or nested deeper than ``depth`` levels.

    Python's own limit depends on its version and on how deep the caller is, so that a replay might not meet it where the first run did.
    """
    if text.count(b"[") + text.count(b"{") > depth and _depth(text) > depth:
        raise ValueError(f"JSON that is nested deeper than {depth} levels")
    return json.loads(text)


def _depth(text: bytes) -> int:
    level = deepest = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", text)):
        level += 1 if bracket in b"[{" else -1
        deepest = max(deepest, level)
    return deepest
