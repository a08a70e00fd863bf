import abc
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self


class HasArea(Protocol):
    @property
    def area(self) -> int: ...


class Shape(abc.ABC):
    """A base."""

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
    """With slots."""

    side: int

    def grown(self, by: int = Square.Inner.depth) -> "Box":
        return Box(self.side + by)

    def unused(self) -> Any:
        return self.side


def measure(shape: HasArea) -> int:
    return shape.area
