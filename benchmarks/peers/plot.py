"""The figures as a picture: for each measurement a group of bars, one bar a peer, on a scale of powers of ten, since they are that far apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

from benchmarks.peers.table import HIGHER_IS_BETTER, TITLES, Column, name_of

WIDTH, LABELS, VALUES = 860, 250, 70
BAR, GAP, HEAD = 16, 3, 34
OURS, THEIRS, FLOOR = "#4051b5", "#9aa3ad", "#d9dde2"


def svg(columns: Sequence[Column], rows: Sequence[str]) -> str:
    """The picture. Times are better short, rates long; each group says which it is."""
    parts: list[str] = []
    top = 8.0
    for row in rows:
        known = [(column, median) for column in columns if (median := column.median(row))]
        if known:
            parts.append(_text(0, top + 16, f"{TITLES[row]}{_meaning(row)}", weight="600"))
            parts += _group(known, row, top + HEAD - 8)
            top += HEAD + len(known) * (BAR + GAP) + 10
    size = f'viewBox="0 0 {WIDTH} {top:.0f}" width="{WIDTH}" height="{top:.0f}"'
    style = "text{font:13px system-ui,sans-serif;fill:#24292f}@media(prefers-color-scheme:dark){text{fill:#d0d7de}}"
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img"><style>{style}</style>\n{body}\n</svg>\n'


def _meaning(row: str) -> str:
    return ", more is better" if row in HIGHER_IS_BETTER else ", milliseconds, less is better"


def _group(known: Sequence[tuple[Column, float]], row: str, top: float) -> list[str]:
    least, most = min(value for _, value in known), max(value for _, value in known)
    low = math.floor(math.log10(least)) if least < most else math.log10(least) - 1
    span = max(math.log10(most) - low, 0.1)
    parts = []
    for at, (column, value) in enumerate(sorted(known, key=lambda one: one[1], reverse=row in HIGHER_IS_BETTER)):
        y = top + at * (BAR + GAP)
        length = max(2.0, (WIDTH - LABELS - VALUES) * (math.log10(value) - low) / span)
        colour = FLOOR if column.is_floor else OURS if column.peer.key.startswith("ours-") else THEIRS
        shown = f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
        parts.append(_text(0, y + 13, name_of(column)))
        parts.append(f'<rect x="{LABELS}" y="{y:.0f}" width="{length:.1f}" height="{BAR}" rx="2" fill="{colour}"/>')
        parts.append(_text(LABELS + length + 6, y + 13, shown))
    return parts


def _text(x: float, y: float, text: str, weight: str = "400") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-weight="{weight}">{escape(text)}</text>'
