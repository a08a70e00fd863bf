"""Written by workflow-build. Do not edit: the content is checked against its hash.

The code of workflow//syntax.flows//main, cut down to what replay needs.
"""
# ruff: noqa

from workflow_runtime.bundles import Bundle, BundleModule

BUNDLE = Bundle(
    workflow="workflow//syntax.flows//main",
    stateless=False,
    pure=(),
    modules=(
        BundleModule(
            name="syntax",
            path="syntax/__init__.py",
            is_package=True,
            source="""\
""",
        ),
        BundleModule(
            name="syntax.flows",
            path="syntax/flows.py",
            is_package=False,
            source="""\


from __future__ import annotations

import asyncio
import functools
import itertools
import re
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass


import workflow_runtime as wr








WORD = re.compile(r"\\w+")
DEFAULTS = {"a": 1, **{k: len(k) for k in ("bb", "ccc")}}
FIRST, (SECOND, *REST) = 1, (2, 3, 4)
NUMBERS: list[int] = [n for n in range(10) if (half := n // 2) > 1 and half < 4]
compose = functools.reduce(lambda f, g: lambda x: g(f(x)), [abs, str, len])



@dataclass
class Move:
    x: int
    y: int = FIRST


@__workflow_step__("step//syntax.flows//echo")
async def echo(value: object) -> object:
    ...


def kind(value: object, *, fallback: str = "other", table: dict[str, int] = DEFAULTS) -> str:
    match value:
        case {"kind": str(name), **rest} if rest:
            return f"{name}+{sorted(rest)}"
        case [Move(x, y=0) | Move(x=0, y=x), *_]:
            return f"move {x}"
        case [first, *others]:
            return f"{first!r} and {len(others)}"
        case int() | float() as number if number > table["ccc"]:
            return f"{number:08.3f}"
        case None:
            return "none"
    return fallback


async def ticks(limit: int) -> AsyncIterator[int]:
    for n in range(limit):
        try:
            yield await wr.step and n  # type: ignore[misc]
        except TypeError:
            yield n


async def counted(limit: int) -> AsyncIterator[tuple[int, str]]:
    async for tick in ticks(limit):
        yield tick, str(await echo(tick))







async def main(n: int) -> list[object]:
    groups: dict[bool, list[int]] = defaultdict(list)
    for number in itertools.chain(NUMBERS, REST):
        groups[number % 2 == 0].append(number)
    if (words := WORD.findall("one two")) and len(words) > 1:
        words += [f"{words[0]!r:>7}", f"{n=}", rf"\\{n}"]
    *start, last = words
    pairs = {tick: text async for tick, text in counted(n)}
    both = await asyncio.gather(*(echo(x) for x in (SECOND, None)))
    nested = [[row * col for col in range(row)] for row in range(3)]
    kinds = [kind(x) for x in ({"kind": "k", "z": 1}, [Move(0, 5)], [1, 2], 5.5, None, "?")]
    try:
        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            task = group.create_task(echo(b"bytes"))
            raise KeyError("one")
    except* KeyError as errors:
        caught = len(errors.exceptions)
    while True:
        n -= 1
        if n < 0:
            break
    else:
        caught = -1
    return [groups[True], groups[False], start, last, pairs, both, nested, kinds, caught, compose(-123), task.done(), n]
""",
        ),
    ),
)
