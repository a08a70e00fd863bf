"""Figures as a picture: groups of bars, each group on a scale of powers of ten, since figures are that far apart. It follows dark and light."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, VALUES, LETTER = 860, 70, 7
BAR, GAP, HEAD = 16, 3, 34
OURS, THEIRS, FLOOR = "#4051b5", "#9aa3ad", "#d9dde2"
STYLE = "text{font:13px system-ui,sans-serif;fill:#24292f}@media(prefers-color-scheme:dark){text{fill:#d0d7de}}"


@dataclass(frozen=True, slots=True)
class Bar:
    """One of them."""

    name: str
    value: float
    """More than 0, in the group's unit."""
    colour: str = OURS


@dataclass(frozen=True, slots=True)
class Group:
    """Bars that are compared."""

    title: str
    bars: Sequence[Bar]
    """From the top; one at least."""


def picture(groups: Sequence[Group]) -> str:
    """The groups below each other, as SVG."""
    parts: list[str] = []
    top, left = 8.0, 12 + LETTER * max((len(bar.name) for group in groups for bar in group.bars), default=0)
    for group in groups:
        parts.append(_text(0, top + 16, group.title, weight="600"))
        parts += _bars(group.bars, left, top + HEAD - 8)
        top += HEAD + len(group.bars) * (BAR + GAP) + 10
    size = f'viewBox="0 0 {WIDTH} {top:.0f}" width="{WIDTH}" height="{top:.0f}"'
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><style>{STYLE}</style>\n{body}\n</svg>\n'


def _bars(bars: Sequence[Bar], left: float, top: float) -> list[str]:
    least, most = min(bar.value for bar in bars), max(bar.value for bar in bars)
    low = math.floor(math.log10(least)) if least < most else math.log10(least) - 1
    span = max(math.log10(most) - low, 0.1)
    parts = []
    for at, bar in enumerate(bars):
        y = top + at * (BAR + GAP)
        length = max(2.0, (WIDTH - left - VALUES) * (math.log10(bar.value) - low) / span)
        shown = f"{bar.value:,.0f}" if bar.value >= 100 else f"{bar.value:.1f}"
        parts.append(_text(0, y + 13, bar.name))
        parts.append(f'<rect x="{left}" y="{y:.0f}" width="{length:.1f}" height="{BAR}" rx="2" fill="{bar.colour}"/>')
        parts.append(_text(left + length + 6, y + 13, shown))
    return parts


def _text(x: float, y: float, text: str, weight: str = "400") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" style="font-weight:{weight}">{escape(text)}</text>'
