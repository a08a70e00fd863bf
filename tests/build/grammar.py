"""Random workflow programs: source text, drawn from a grammar of what workflow code is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from textwrap import indent

from hypothesis import strategies as st

PRELUDE = '''\
"""A random program."""
from __future__ import annotations

import asyncio
import functools
import heavy_module
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum

from workflow_runtime import step, workflow

LIMIT = 5
TABLE = {n: n * n for n in range(LIMIT)}
COUNT = 0


class Oops(Exception):
    """What goes wrong."""


class Worse(Oops):
    def __init__(self, code: int) -> None:
        super().__init__(f"worse {code}")
        self.code = code


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Point:
    x: int
    y: int = 1
    tags: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.x + self.y

    @step(max_retries=0)
    async def moved(self, by: int) -> Point:
        await asyncio.sleep(0)
        return Point(self.x + by, self.y, [*self.tags, "moved"])


@step(max_retries=0)
async def add(left: int, right: int = LIMIT) -> int:
    heavy_module.warm_up()
    await asyncio.sleep(0)
    return (left + right) % 1009


@step(max_retries=0)
async def odd(number: int) -> int:
    await asyncio.sleep(0)
    if number % 2 == 0:
        raise Worse(number) if number % 3 == 0 else Oops(f"even {number}")
    return number


@step(max_retries=0)
async def point(x: int, *, y: int = 2) -> Point:
    await asyncio.sleep(0)
    return Point(x, y)


def bump(by: int) -> int:
    global COUNT
    COUNT += by
    return COUNT


def upto(number: int) -> Iterator[int]:
    for value in range(number % 4):
        yield value * number


async def later(number: int) -> AsyncIterator[int]:
    for value in range(number % 3):
        yield await add(value, number)


@contextmanager
def noting(items: list[int], value: int) -> Iterator[int]:
    items.append(value)
    try:
        yield value + 1
    finally:
        items.append(-value)


def doubled(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs) * 2

    return wrapper
'''

STEPS = frozenset({"moved", "add", "odd", "point", "inner"})
"""The functions that run elsewhere, so that their frames are no part of the workflow's own traceback."""

NAMES = ("a", "b", "c", "d")


@dataclass(slots=True)
class _Draw:
    """One program in the making."""

    draw: st.DrawFn
    serial: int = 0
    helpers: list[tuple[str, bool]] = field(default_factory=list)

    def fresh(self, stem: str) -> str:
        self.serial += 1
        return f"{stem}{self.serial}"

    def pick(self, *options: str) -> str:
        return str(self.draw(st.sampled_from(options)))

    def number(self, low: int, high: int) -> int:
        return int(self.draw(st.integers(low, high)))

    def one_of(self, *makers: Callable[[], str]) -> str:
        """What one of them makes; the others draw nothing."""
        return makers[self.number(0, len(makers) - 1)]()

    def value(self, depth: int, awaits: bool) -> str:
        """An expression that gives an int."""
        if depth <= 0:
            return self.pick(*NAMES, str(self.number(-3, 9)), "LIMIT", "Level.HIGH", "len(items)")

        def part() -> str:
            return self.value(depth - 1, awaits)

        makers: list[Callable[[], str]] = [
            lambda: f"({part()} {self.pick('+', '-', '*', '|', '^')} {part()})",
            lambda: f"({part()} % {self.number(2, 9)})",
            lambda: f"({part()} // {self.pick('3', '2', 'd', 'a')})",
            lambda: f"({part()} if {part()} > {self.pick(*NAMES)} else {part()})",
            lambda: f"sum(n * {self.value(0, awaits)} for n in upto({part()}))",
            lambda: f"sum([n for n in range({self.number(0, 3)}) if n != {self.value(0, awaits)}])",
            lambda: f"Point({part()}, {part()}).total",
            lambda: f"TABLE[{part()} % LIMIT]",
            lambda: f"(lambda n, m={part()}: n - m)({part()})",
            lambda: f"len(f'{{{self.value(0, awaits)}:>{self.number(1, 5)}}}{{d!r}}')",
            lambda: f"bump({part()})",
            lambda: f"max({part()}, {part()}, key=abs)",
            lambda: self._call(part, is_async=False),
        ]
        if awaits:
            makers += [
                lambda: f"await add({part()}, {part()})",
                lambda: f"await add({part()})",
                lambda: f"await odd({part()})",
                lambda: f"(await (await point({part()}, y={part()})).moved({part()})).total",
                lambda: f"sum([await add(n, {self.value(0, awaits)}) for n in range({self.number(0, 2)})])",
                lambda: f"sum([n async for n in later({self.value(0, awaits)})])",
                lambda: f"await {self._call(part, is_async=True)}",
            ]
        return self.one_of(*makers)

    def _call(self, part: Callable[[], str], *, is_async: bool) -> str:
        """A call of a helper, or of what is always there."""
        names = [name for name, kind in self.helpers if kind is is_async] or ["add" if is_async else "bump"]
        return f"{self.pick(*names)}({part()})"

    def block(self, depth: int, awaits: bool, *, loop: bool = False) -> str:
        count = self.number(1, 3)
        return "\n".join(self.statement(depth, awaits, loop=loop) for _ in range(count)) + "\n"

    def inner(self, depth: int, awaits: bool, *, loop: bool = False) -> str:
        return indent(self.block(depth - 1, awaits, loop=loop), "    ")

    def statement(self, depth: int, awaits: bool, *, loop: bool) -> str:
        name, value = self.pick(*NAMES), self.value(self.number(0, 2), awaits)
        if depth > 0 and self.number(0, 2):
            make = self.draw(st.sampled_from([self._if, self._for, self._while, self._try, self._match, self._with]))
            return make(depth, awaits, name, value)
        makers: list[Callable[[], str]] = [
            lambda: f"{name} = {value} % 101",
            lambda: f"{name} += {value}",
            lambda: f"items.append({value})",
            lambda: f"items.append(({name} := {value} % 97))",
            lambda: f"{name}, {self.pick(*NAMES)} = {value} % 101, {name}",
            lambda: f"assert {value} != {self.number(0, 3)}, 'not so'",
            lambda: f"if {value} % {self.number(2, 5)} == 0:\n    raise Oops(f'at {{{name}}}')",
            lambda: f"if {value} % {self.number(2, 5)} == 0:\n    return {name}",
            lambda: f"if {value} % 4 == 1:\n    raise Worse({name}) from ValueError({value})",
        ]
        if loop:
            makers.append(lambda: f"if {value} % 3 == 0:\n    {self.pick('break', 'continue')}")
        if awaits:
            makers += [lambda: self._gather(name), lambda: self._group(name), lambda: self._nested(name, value)]
        return self.one_of(*makers)

    def _gather(self, name: str) -> str:
        calls = ", ".join(f"{self.pick('add', 'odd')}({self.value(1, awaits=False)})" for _ in range(self.number(1, 3)))
        if self.number(0, 1):
            return f"{name} = sum(await asyncio.gather({calls}))"
        outcomes = self.fresh("outcomes")
        return (
            f"{outcomes} = await asyncio.gather({calls}, return_exceptions=True)\n"
            f"items.extend(n if isinstance(n, int) else -len(str(n)) for n in {outcomes})"
        )

    def _group(self, name: str) -> str:
        task, other = self.fresh("task"), self.fresh("task")
        return (
            f"async with asyncio.TaskGroup() as group:\n"
            f"    {task} = group.create_task(add({self.value(1, awaits=False)}))\n"
            f"    {other} = group.create_task(odd({self.value(0, awaits=False)} * 2 + 1))\n"
            f"{name} = {task}.result() - {other}.result()"
        )

    def _nested(self, name: str, value: str) -> str:
        function = self.fresh("make")
        return (
            f"def {function}(factor):\n"
            f"    @step(max_retries=0)\n"
            f"    async def inner(n, m={self.pick('factor', '2')}):\n"
            f"        await asyncio.sleep(0)\n"
            f"        if n == {self.number(0, 4)}:\n"
            f"            raise Oops(f'inner {{factor}}')\n"
            f"        return n * factor + m\n\n"
            f"    return inner\n"
            f"{name} = await {function}({value} % 7)({self.value(0, awaits=False)})"
        )

    def _if(self, depth: int, awaits: bool, name: str, value: str) -> str:
        return f"if {value} > {name}:\n{self.inner(depth, awaits)}else:\n{self.inner(depth, awaits)}"

    def _for(self, depth: int, awaits: bool, name: str, value: str) -> str:
        source = self.pick(f"range({self.number(0, 3)})", f"upto({value})", "(a, b)", "enumerate(items[:2])")
        target = "index, n" if source.startswith("enumerate") else name
        ending = f"else:\n{self.inner(0, awaits)}" if self.number(0, 1) else ""
        return f"for {target} in {source}:\n{self.inner(depth, awaits, loop=True)}{ending}"

    def _while(self, depth: int, awaits: bool, name: str, value: str) -> str:
        turns = self.fresh("turns")
        body = self.inner(depth, awaits, loop=True)
        return f"{turns} = 0\nwhile {turns} < {self.number(1, 3)} and {value} != {name}:\n    {turns} += 1\n{body}"

    def _try(self, depth: int, awaits: bool, name: str, value: str) -> str:
        kinds = self.pick("Oops", "Worse", "(Oops, AssertionError)", "Exception", "ZeroDivisionError")
        note = "    items.append(len(str(error)))\n"
        again = "    raise Oops('again') from error\n"
        handler = self.one_of(lambda: "", lambda: "    raise\n", lambda: self.inner(depth, awaits), lambda: again)
        ending = self.one_of(
            lambda: "", lambda: f"finally:\n{self.inner(0, awaits)}", lambda: f"else:\n    {name} = {value}\n"
        )
        return f"try:\n{self.inner(depth, awaits)}except {kinds} as error:\n{note}{handler}{ending}"

    def _match(self, depth: int, awaits: bool, name: str, value: str) -> str:
        subject = self.pick(f"{value} % 3", f"Point({value}, {name})", f"[{name}, *items]")
        return (
            f"match {subject}:\n    case 0 | 1:\n{indent(self.inner(0, awaits), '    ')}"
            f"    case Point(x=x, y=y) if x > y:\n        {name} = x - y\n"
            f"    case [first, *rest]:\n        {name} = first + len(rest)\n"
            f"    case _:\n{indent(self.inner(depth, awaits), '    ')}"
        )

    def _with(self, depth: int, awaits: bool, name: str, value: str) -> str:
        return f"with noting(items, {value}) as {name}:\n{self.inner(depth, awaits)}"

    def helper(self) -> str:
        is_async = bool(self.number(0, 1))
        name = self.fresh("helper")
        decorator = "" if is_async or self.number(0, 2) else "@doubled\n"
        head = f"{decorator}{'async ' if is_async else ''}def {name}(a, b=LIMIT):\n    items, c, d = [], 1, 2\n"
        text = f"{head}{indent(self.block(1, is_async), '    ')}    return a + b + c + d + len(items)\n"
        self.helpers.append((name, is_async))
        return text


@st.composite
def programs(draw: st.DrawFn) -> str:
    """The source of a module with a workflow ``main(a, b)``."""
    making = _Draw(draw)
    helpers = [making.helper() for _ in range(making.number(0, 2))]
    body = making.block(3, awaits=True) + making.block(2, awaits=True)
    main = (
        "@workflow\nasync def main(a: int, b: int = 1) -> object:\n"
        f"    items: list[int] = []\n    c, d = 0, 3\n{indent(body, '    ')}"
        "    return [a, b, c, d, items, await point(a), COUNT, Level.LOW]\n"
    )
    return "\n\n".join([PRELUDE, *helpers, main])
