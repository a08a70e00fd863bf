"""The boxes of code in the documentation."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = tuple(sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]))
FENCE = re.compile(r"(?ms)^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<text>.*?)^(?P=indent)```$")


@dataclass(frozen=True, slots=True)
class Box:
    """One of them."""

    page: str
    """Its path from the root of the repository."""
    line: int
    language: str
    """Empty when the page does not say."""
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@cache
def all_boxes() -> tuple[Box, ...]:
    """Every one, page by page."""
    return tuple(box for page in PAGES for box in _of(page))


def boxes(*languages: str) -> tuple[Box, ...]:
    """Those of the languages."""
    return tuple(box for box in all_boxes() if box.language in languages)


def _of(page: Path) -> Iterator[Box]:
    text = page.read_text("utf-8")
    for found in FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Box(page.relative_to(ROOT).as_posix(), line, found["language"], textwrap.dedent(found["text"]))
