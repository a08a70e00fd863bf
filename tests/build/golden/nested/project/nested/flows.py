"""Steps inside of other functions: what they capture travels with the call."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from workflow_runtime import NO_RETRY, StepTimeoutError, exponential, step, workflow


@dataclass
class Tariff:
    """What a piece costs."""

    cents: int


def priced(tariff: Tariff) -> Callable[[int], Awaitable[int]]:
    """A helper that makes a step."""

    @step(max_retries=0)
    async def price(count: int, rebate: int = tariff.cents // 10) -> int:
        return tariff.cents * count - rebate

    return price


@workflow
async def main(names: list[str], factor: int) -> list[object]:
    total = 0

    @step
    def double(number: int, *more: int, by: int = factor) -> int:
        return sum((number, *more)) * by

    async def greet(name: str) -> str:
        "use step"
        return json.dumps(f"{name} of {len(names)}, {total} so far")

    results: list[object] = []
    for name in names:
        total += await double(1, 2)
        results.append(await greet(name))
    results.append(await priced(Tariff(100))(3))
    return results


@workflow
async def unfit() -> int:
    handle = object()

    @step
    def use() -> int:
        return hash(handle)

    return await use()


class Flows:
    """Nested in a static method."""

    @staticmethod
    @workflow
    async def run(numbers: list[int]) -> list[int]:
        def outer(offset: int) -> Callable[[int], Awaitable[int]]:
            @step(timeout="30 s", retry={StepTimeoutError: NO_RETRY, OSError: exponential(1, cap="5 min")})
            async def inner(number: int) -> int:
                return number + offset + len(numbers)

            return inner

        return [await outer(number)(1) for number in numbers]
