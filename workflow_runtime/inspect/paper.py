"""What is printed on: how wide it is, whether it has colours, and which characters it can show."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from workflow_runtime.seeing.payloads import visible

_UNBOUNDED = 100_000
_NARROWEST = 40


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The signs for states and lines."""

    states: dict[str, str]
    first: str
    middle: str
    last: str
    worked: str
    failed: str
    pause: str
    waited: str
    lost: str
    arrow: str
    cut: str


UNICODE = Glyphs(
    {
        "completed": "✓",
        "failed": "✗",
        "cancelled": "⊘",
        "running": "▸",
        "waiting": "◷",
        "paused": "‖",
        "queued": "…",
        "pending": "…",
        "started": "↳",
        "continued": "→",
        "lost": "?",
    },
    *("┬", "├", "└", "█", "╳", "·", "┄", "╌", "→", "…"),  # noqa: RUF001 - it is a cross on purpose
)
ASCII = Glyphs(
    {
        "completed": "+",
        "failed": "x",
        "cancelled": "/",
        "running": ">",
        "waiting": "o",
        "paused": "=",
        "queued": ".",
        "pending": ".",
        "started": "^",
        "continued": ">",
        "lost": "?",
    },
    *(",", "|", "'", "=", "x", ".", "-", "~", "->", "..."),
)
STYLES = {
    "completed": "green",
    "failed": "red",
    "cancelled": "dim",
    "running": "cyan",
    "waiting": "yellow",
    "paused": "yellow",
    "queued": "dim",
    "pending": "dim",
    "started": "",
    "continued": "dim",
    "lost": "red",
}


class Paper:
    """Where text goes: a terminal, with its width and colours; or a pipe or file, with neither."""

    def __init__(self, file: TextIO | None = None) -> None:
        out = sys.stdout if file is None else file
        self.is_terminal = out.isatty()
        plain = not self.is_terminal or bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
        self.glyphs = ASCII if plain or not _shows(out, UNICODE) else UNICODE
        if hasattr(out, "reconfigure"):
            out.reconfigure(errors="backslashreplace")
        self.console = Console(
            file=out,
            no_color=plain,
            color_system=None if plain else "auto",
            markup=False,
            highlight=False,
            emoji=False,
            soft_wrap=True,
            width=_UNBOUNDED,
        )
        self.width = max(_NARROWEST, shutil.get_terminal_size().columns) if self.is_terminal else _UNBOUNDED

    def glyph(self, state: str) -> Text:
        """The sign for a state, in its colour."""
        return Text(self.glyphs.states.get(state, " "), STYLES.get(state, ""))

    def line(self, *parts: Text | str) -> None:
        """Print one line of parts; on a terminal, what is too long for it is cut."""
        text = Text.assemble(*parts)
        if not text.plain.isprintable():  # the last of all guards: what is printed here comes from outside
            text = Text(visible(text.plain))
        if self.glyphs is ASCII and "…" in text.plain:
            text = Text("...").join(text.split("…"))
        text.rstrip()
        self.fit(text, self.width)
        self._put(text)

    def lines(self, text: str, style: str = "", indent: str = "") -> None:
        """Print text of several lines, wrapped where the terminal ends."""
        for line in text.split("\n"):
            self._put(Text(indent + visible(line), style))

    def _put(self, text: Text) -> None:
        if self.is_terminal:
            self.console.print(text, soft_wrap=True)
        else:  # rich takes long for a log, and ends the process with 1 when the reader has seen enough
            print(text.plain, file=self.console.file)

    def fit(self, text: Text, width: int) -> Text:
        """The text itself, cut to so many columns."""
        if text.cell_len > width:
            keep = width - cell_len(self.glyphs.cut)
            text.truncate(max(0, keep))
            text.append(self.glyphs.cut)
        return text

    def table(
        self, head: Sequence[str], rows: Iterable[Sequence[Text | str]], *, right: Sequence[int] = (), grow: int = -1
    ) -> None:
        """Print columns. Those in ``right`` are set to the right; column ``grow`` gives way when the terminal is too narrow for all."""
        cells = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
        heads = [Text(name, "dim") for name in head]
        widths = [max(row[at].cell_len for row in [heads, *cells]) for at in range(len(head))]
        over = sum(widths) + 2 * (len(head) - 1) - self.width
        if over > 0:
            widths[grow] = max(8, widths[grow] - over)
        for row in [heads, *cells]:
            parts: list[Text | str] = []
            for at, (cell, width) in enumerate(zip(row, widths, strict=True)):
                self.fit(cell, width)
                space = " " * (width - cell.cell_len)
                parts += [space, cell] if at in right else [cell, space]
                parts.append("  ")
            self.line(*parts)


def _shows(out: TextIO, glyphs: Glyphs) -> bool:
    """Whether the encoding has all the signs."""
    signs = "".join([*glyphs.states.values(), glyphs.first, glyphs.worked, glyphs.waited, glyphs.arrow])
    try:
        signs.encode(getattr(out, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
