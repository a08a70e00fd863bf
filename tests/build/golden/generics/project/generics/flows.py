"""Type parameters, as Python has them from 3.12 on."""

from dataclasses import dataclass

from pydantic import BaseModel

from workflow_runtime import step, workflow

type Names[T] = dict[str, T]
type Count = int
type Unused = "NotThere"


@dataclass
class Pair[A, B: (int, str)]:
    first: A
    second: B

    def swapped[C](self, extra: C) -> "Pair[B, A]":
        return Pair(self.second, self.first)


class Box[T](BaseModel):
    value: T


@step
async def first[T](items: list[T]) -> T:
    return items[0]


@step
async def boxed(box: Box[int]) -> Box[int]:
    return Box[int](value=box.value + 1)


def last[T: Count](items: list[T], names: Names[T] | None = None) -> T:
    return items[-1]


@workflow
async def main(n: Count) -> list[object]:
    pair = Pair(await first([n, 2]), last([3, 4])).swapped("x")
    return [pair.first, pair.second, (await boxed(Box[int](value=1))).value, f"{"nested"}"]
