"""Steps with other decorators, and decorators on helpers."""

import functools
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager, contextmanager
from typing import AsyncIterator, Iterator, ParamSpec, TypeVar

from workflow_runtime import step, workflow

P = ParamSpec("P")
R = TypeVar("R")


def timed(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """Impure, but only on the real step."""

    @functools.wraps(function)
    async def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        time.sleep(0)
        os.environ.get("HOME")
        return await function(*args, **kwargs)

    return wrapper


def twice(function: Callable[P, int]) -> Callable[P, int]:
    """Pure, and on a helper that the workflow calls."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> int:
        return 2 * function(*args, **kwargs)

    return wrapper


@timed
@step(max_retries=1)
async def above(n: int) -> int:
    return n


@step(max_retries=1)
@timed
async def below(n: int) -> int:
    return n + 1


@twice
def helper(n: int) -> int:
    """Doubled."""
    return n


@functools.cache
def cached(n: int) -> int:
    return n * 10


add_one = functools.partial(lambda a, b: a + b, 1)


@contextmanager
def noted(log: list[str]) -> Iterator[None]:
    log.append("in")
    try:
        yield
    finally:
        log.append("out")


@asynccontextmanager
async def stepped(log: list[str]) -> AsyncIterator[int]:
    log.append("enter")
    yield await above(5)
    log.append("leave")


@workflow
async def main(n: int) -> list[object]:
    log: list[str] = []
    with noted(log):
        results = [await above(n), await below(n), helper(n), cached(n) + cached(n), add_one(n)]
    async with stepped(log) as five:
        results.append(five)
    return [results, log, helper.__name__]
