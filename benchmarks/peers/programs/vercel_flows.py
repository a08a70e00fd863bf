"""The workflows for vercel-workflow, whose sandbox imports this module anew."""

from __future__ import annotations

import asyncio

from vercel import workflow

flows = workflow.Workflows(sandbox_policy=workflow.SandboxPolicy(share_sandboxes=True))


@flows.step
async def noop(number: int) -> int:
    return number


@flows.step
async def echo(data: str) -> str:
    return data


@flows.workflow
async def in_a_row(count: int) -> int:
    for number in range(count):
        await noop(number)
    return count


@flows.workflow
async def at_once(count: int) -> int:
    return len(await asyncio.gather(*[noop(number) for number in range(count)]))


@flows.workflow
async def race(count: int) -> int:
    racers = [asyncio.ensure_future(noop(number)) for number in range(count)]
    done, _ = await asyncio.wait(racers, return_when=asyncio.FIRST_COMPLETED)
    return next(iter(done)).result()


@flows.workflow
async def payload_in_a_row(count: int, data: str) -> int:
    for _ in range(count):
        data = await echo(data)
    return len(data)


@flows.workflow
async def payload_at_once(count: int, data: str) -> int:
    return sum(map(len, await asyncio.gather(*[echo(data) for _ in range(count)])))
