"""Written by workflow-build. Do not edit: the content is checked against its hash.

The code of workflow//decorated.flows//main, cut down to what replay needs.
"""
# ruff: noqa

from workflow_runtime.bundles import Bundle, BundleModule

BUNDLE = Bundle(
    workflow="workflow//decorated.flows//main",
    stateless=False,
    pure=(),
    modules=(
        BundleModule(
            name="decorated",
            path="decorated/__init__.py",
            is_package=True,
            source="""\
""",
        ),
        BundleModule(
            name="decorated.flows",
            path="decorated/flows.py",
            is_package=False,
            source="""\


import functools


from collections.abc import Callable
from contextlib import asynccontextmanager, contextmanager
from typing import AsyncIterator, Iterator, ParamSpec



P = ParamSpec("P")















def twice(function: Callable[P, int]) -> Callable[P, int]:
    \"\"\"Pure, and on a helper that the workflow calls.\"\"\"

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> int:
        return 2 * function(*args, **kwargs)

    return wrapper


@__workflow_step__("step//decorated.flows//above")

async def above(n: int) -> int:
    ...


@__workflow_step__("step//decorated.flows//below")

async def below(n: int) -> int:
    ...


@twice
def helper(n: int) -> int:
    \"\"\"Doubled.\"\"\"
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



async def main(n: int) -> list[object]:
    log: list[str] = []
    with noted(log):
        results = [await above(n), await below(n), helper(n), cached(n) + cached(n), add_one(n)]
    async with stepped(log) as five:
        results.append(five)
    return [results, log, helper.__name__]
""",
        ),
    ),
)
