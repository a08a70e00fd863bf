"""Written by workflow-build. Do not edit: the content is checked against its hash.

The code of workflow//registries.flows//main, cut down to what replay needs.
"""
# ruff: noqa

from workflow_runtime.bundles import Bundle, BundleModule

BUNDLE = Bundle(
    workflow="workflow//registries.flows//main",
    stateless=False,
    pure=(),
    modules=(
        BundleModule(
            name="registries",
            path="registries/__init__.py",
            is_package=True,
            source="""\
""",
        ),
        BundleModule(
            name="registries.flows",
            path="registries/flows.py",
            is_package=False,
            source="""\


import functools
import heapq
from collections.abc import Callable



HANDLERS: dict[str, Callable[[int], int]] = {}
NAMES: list[str] = []
HEAP: list[int] = []
KINDS: list[str] = []


def handles(name: str):
    def register(function: Callable[[int], int]):
        HANDLERS[name] = function
        return function

    return register


def note(name: str) -> None:
    NAMES.append(name)


def note_all(*names: str) -> None:
    for name in names:
        note(name)


@handles("double")
def _double(n: int) -> int:
    return n * 2


@handles("square")
def _square(n: int) -> int:
    return n * n






note("first")
note_all("second", "third")
heapq.heappush(HEAP, 5)
heapq.heappush(HEAP, 2)


@functools.singledispatch
def shown(value: object) -> str:
    return "something"


@shown.register
def _(value: int) -> str:
    return f"number {value}"


@shown.register(str)
def _text(value: str) -> str:
    return f"text {value}"


class Shape:
    sides = 0

    def __init_subclass__(cls) -> None:
        KINDS.append(cls.__name__)


class Triangle(Shape):
    sides = 3


setattr(Shape, "color", "red")  # noqa: B010


class Known(type):
    names: list[str] = []

    def __new__(cls, name, bases, body):
        cls.names.append(name)
        return super().__new__(cls, name, bases, body)


class One(metaclass=Known):
    pass


class Two(One):
    pass


@__workflow_step__("step//registries.flows//echo")
async def echo(n: int) -> int:
    ...



async def main(n: int) -> list[object]:
    n = await echo(n)
    handled = [HANDLERS[name](n) for name in sorted(HANDLERS)]
    return [handled, NAMES, HEAP, shown(n), shown("a"), shown(None), KINDS, Shape.color, Known.names]
""",
        ),
    ),
)
