"""The workflows for Temporal, whose sandbox imports this module anew."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow


@activity.defn
async def noop(number: int) -> int:
    return number


@activity.defn
async def echo(data: str) -> str:
    return data


def call(function: Any, argument: object) -> Any:
    """Start an activity."""
    return workflow.start_activity(function, argument, start_to_close_timeout=timedelta(seconds=60))


@workflow.defn
class InARow:
    @workflow.run
    async def run(self, count: int) -> int:
        for number in range(count):
            await call(noop, number)
        return count


@workflow.defn
class AtOnce:
    @workflow.run
    async def run(self, count: int) -> int:
        return len(await asyncio.gather(*[call(noop, number) for number in range(count)]))


@workflow.defn
class Race:
    @workflow.run
    async def run(self, count: int) -> int:
        racers = [call(noop, number) for number in range(count)]
        done, _ = await workflow.wait(racers, return_when=asyncio.FIRST_COMPLETED)
        return int(done[0].result())


@workflow.defn
class PayloadInARow:
    @workflow.run
    async def run(self, count: int, data: str) -> int:
        for _ in range(count):
            data = await call(echo, data)
        return len(data)


@workflow.defn
class PayloadAtOnce:
    @workflow.run
    async def run(self, count: int, data: str) -> int:
        return sum(map(len, await asyncio.gather(*[call(echo, data) for _ in range(count)])))


WORKFLOWS = [InARow, AtOnce, Race, PayloadInARow, PayloadAtOnce]
