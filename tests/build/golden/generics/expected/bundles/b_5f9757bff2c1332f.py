"""Written by workflow-build. Do not edit: the content is checked against its hash.

The code of workflow//generics.flows//main, cut down to what replay needs.
"""
# ruff: noqa

from workflow_runtime.bundles import Bundle, BundleModule

BUNDLE = Bundle(
    workflow="workflow//generics.flows//main",
    stateless=True,
    pure=(),
    modules=(
        BundleModule(
            name="generics",
            path="generics/__init__.py",
            is_package=True,
            source="""\
""",
        ),
        BundleModule(
            name="generics.flows",
            path="generics/flows.py",
            is_package=False,
            source="""\


from dataclasses import dataclass

from pydantic import BaseModel



type Names[T] = dict[str, T]
type Count = int



@dataclass
class Pair[A, B: (int, str)]:
    first: A
    second: B

    def swapped[C](self, extra: C) -> "Pair[B, A]":
        return Pair(self.second, self.first)


class Box[T](BaseModel):
    value: T


@__workflow_step__("step//generics.flows//first")
async def first[T](items: list[T]) -> T:
    ...


@__workflow_step__("step//generics.flows//boxed")
async def boxed(box: Box[int]) -> Box[int]:
    ...


def last[T: Count](items: list[T], names: Names[T] | None = None) -> T:
    return items[-1]



async def main(n: Count) -> list[object]:
    pair = Pair(await first([n, 2]), last([3, 4])).swapped("x")
    return [pair.first, pair.second, (await boxed(Box[int](value=1))).value, f"{"nested"}"]
""",
        ),
    ),
)
