"""Written by workflow-build. Do not edit: the content is checked against its hash.

The code of workflow//objects.flows//main, cut down to what replay needs.
"""
# ruff: noqa

from workflow_runtime.bundles import Bundle, BundleModule

BUNDLE = Bundle(
    workflow="workflow//objects.flows//main",
    stateless=False,
    pure=(),
    modules=(
        BundleModule(
            name="objects",
            path="objects/__init__.py",
            is_package=True,
            source="""\
""",
        ),
        BundleModule(
            name="objects.flows",
            path="objects/flows.py",
            is_package=False,
            source="""\
from objects.shapes import Box, Shape, Square, measure



@__workflow_step__("step//objects.flows//side")
async def side(box: Box) -> int:
    ...



async def main(n: int) -> list[object]:
    square = Square(await side(Box(n).grown()))
    square.size = -1
    other = Square(n) @ Square(2)
    return [
        square.area,
        other.area,
        measure(other),
        list(other),
        other.doubled,
        other == Square(2 * n),
        len({other, Square(2 * n)}),
        Shape.names[Square.label],
        Square.Inner.depth,
        isinstance(other, Shape),
    ]
""",
        ),
        BundleModule(
            name="objects.shapes",
            path="objects/shapes.py",
            is_package=False,
            source="""\
import abc

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self


class HasArea(Protocol):
    @property
    def area(self) -> int: ...


class Shape(abc.ABC):
    \"\"\"A base.\"\"\"

    sides: ClassVar[int] = 0
    names = {"square": 4}
    lock: "threading.Lock | None" = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.label = cls.__name__.lower()

    def __init__(self, size: int) -> None:
        self._size = size

    @property
    @abc.abstractmethod
    def area(self) -> int: ...

    @property
    def size(self) -> int:
        return self._size

    @size.setter
    def size(self, value: int) -> None:
        self._size = max(value, 0)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shape) and self.area == other.area

    def __hash__(self) -> int:
        return hash(self.area)

    def __iter__(self) -> Iterator[int]:
        yield from range(self.sides)


class Square(Shape):
    sides = 4

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.doubled = self._twice()

    def _twice(self) -> int:
        return 2 * self._size

    @property
    def area(self) -> int:
        return self._size**2

    def __matmul__(self, other: "Square") -> Self:
        return type(self)(self.size * other.size)

    class Inner:
        depth = 3


@dataclass(slots=True, frozen=True)
class Box:
    \"\"\"With slots.\"\"\"

    side: int

    def grown(self, by: int = Square.Inner.depth) -> "Box":
        return Box(self.side + by)

    def unused(self) -> Any:
        return self.side


def measure(shape: HasArea) -> int:
    return shape.area
""",
        ),
    ),
)
