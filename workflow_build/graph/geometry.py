"""What a drawing is put together from: blocks with an entry at the top and an exit below it, placed side by side or stacked."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from workflow_build.graph.model import Node
from workflow_build.graph.text import shortened

CHARACTER = 7.3
"""Width of a character of the drawing's fixed-width font, with some room to spare for fonts that run wider."""
SMALL = 6.7
"""The same for the smaller text of labels on lines."""
WIDEST = 46
"""Characters that are shown of a label; the rest is in the title."""
GAP = 26.0
COLUMN_GAP = 24.0
RAIL = 14.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """The box of a node. ``shape`` is box, pill, hexagon or bar."""

    node: Node
    x: float
    y: float
    width: float
    height: float
    shape: str = "box"


@dataclass(frozen=True, slots=True)
class Path:
    """A line through points. ``style`` is line, back, aside or bar."""

    points: tuple[Point, ...]
    arrow: bool = False
    style: str = "line"


@dataclass(frozen=True, slots=True)
class Label:
    """Text on a line, centred at its point."""

    text: str
    x: float
    y: float

    @property
    def width(self) -> float:
        """With some room on both sides."""
        return text_width(self.text, SMALL) + 10


@dataclass(frozen=True, slots=True)
class Frame:
    """What encloses a loop, a called function or a time limit."""

    kind: str
    x: float
    y: float
    width: float
    height: float


Shape = Box | Path | Label | Frame


@dataclass(slots=True)
class Block:
    """A part of a drawing around x = 0, where it is entered at the top and left at the bottom."""

    left: float = 0
    right: float = 0
    height: float = 0
    exits: bool = True
    shapes: list[Shape] = field(default_factory=list)
    parts: list[tuple[float, float, Block]] = field(default_factory=list)

    def put(self, part: Block, x: float, y: float) -> None:
        """Place ``part`` inside, and grow."""
        self.parts.append((x, y, part))
        self.left, self.right = max(self.left, part.left - x), max(self.right, part.right + x)
        self.height = max(self.height, y + part.height)

    def draw(self, *points: Point, arrow: bool = False, style: str = "line") -> None:
        """Add a line; the first points are drawn only if it has a length."""
        if len(set(points)) > 1:
            self.shapes.append(Path(points, arrow, style))

    def placed(self, x: float = 0, y: float = 0) -> Iterator[Shape]:
        """All shapes with the block's entry at that point."""
        for shape in self.shapes:
            yield moved(shape, x, y)
        for dx, dy, part in self.parts:
            yield from part.placed(x + dx, y + dy)


def moved(shape: Shape, x: float, y: float) -> Shape:
    """The shape, further right and down."""
    match shape:
        case Path(points, arrow, style):
            return Path(tuple((px + x, py + y) for px, py in points), arrow, style)
        case Box(node, bx, by, width, height, form):
            return Box(node, bx + x, by + y, width, height, form)
        case Label(text, lx, ly):
            return Label(text, lx + x, ly + y)
        case Frame(kind, fx, fy, width, height):
            return Frame(kind, fx + x, fy + y, width, height)


def stacked(blocks: Sequence[Block]) -> Block:
    """One below the other, with arrows where one goes on to the next."""
    result, y = Block(), 0.0
    for number, block in enumerate(blocks):
        if number:
            if result.exits:
                result.draw((0, y), (0, y + GAP), arrow=True)
            y += GAP
        result.put(block, 0, y)
        y, result.exits = y + block.height, block.exits
    return result


def column(label: str, body: Block, *, arrow: bool) -> Block:
    """An arm: the line that leads into it with its label, and what is in it."""
    lead = 40.0 if label else 18.0
    result = Block(exits=body.exits)
    result.put(body, 0, lead)
    result.draw((0, 0), (0, lead), arrow=arrow)
    if label:
        text = Label(visible(label), 0, 16)
        result.shapes.append(text)
        result.left, result.right = max(result.left, text.width / 2), max(result.right, text.width / 2)
    return result


def side_by_side(columns: Sequence[Block]) -> list[float]:
    """Where the columns stand so that none touches another and all together are centred."""
    places = [0.0]
    for before, after in pairwise(columns):
        places.append(places[-1] + before.right + COLUMN_GAP + after.left)
    middle = (places[0] + places[-1]) / 2
    return [place - middle for place in places]


def visible(text: str) -> str:
    """The text as it is drawn: printable, and not too long."""
    return shortened("".join(char if char.isprintable() else "�" for char in text), WIDEST)


def text_width(text: str, character: float = CHARACTER) -> float:
    """About how wide the text is drawn."""
    return sum(_cells(char) for char in text) * character


def _cells(char: str) -> int:
    return 0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
