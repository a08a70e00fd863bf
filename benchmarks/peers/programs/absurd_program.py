"""absurd on Postgres. PG_URL is its database.

Its worker looks for work every 250 ms and its client waits from 50 ms on, doubling. To measure the engine and not these pauses, one batch
is worked on at once after each start, and the result is read once; only ``throughput-16`` uses the worker that it ships, at 10 ms.
"""

from __future__ import annotations

import asyncio
import os
import time
from functools import partial
from importlib.metadata import version
from typing import Any

import absurdctl
import psycopg
from absurd_sdk import AsyncAbsurd
from meter import AT_ONCE, EACH, RUNS, Flows, rows, serve

URL = os.environ["PG_URL"]


async def noop(value: Any) -> Any:
    """The least that a step can do."""
    return value


def register(app: AsyncAbsurd) -> None:
    """Make the tasks known."""

    @app.register_task("in_a_row")
    async def in_a_row(params: Any, context: Any) -> int:
        for number in range(params["count"]):
            await context.step(f"s{number}", lambda number=number: noop(number))
        return int(params["count"])

    @app.register_task("at_once")
    async def at_once(params: Any, context: Any) -> int:
        steps = [context.step(f"s{number}", lambda number=number: noop(number)) for number in range(params["count"])]
        return len(await asyncio.gather(*steps))

    @app.register_task("race")
    async def race(params: Any, context: Any) -> int:
        racers = [
            asyncio.create_task(context.step(f"s{number}", lambda number=number: noop(number)))
            for number in range(params["count"])
        ]
        # Not cancelled: that would cancel a query in flight on the one connection that all steps share.
        done, _ = await asyncio.wait(racers, return_when=asyncio.FIRST_COMPLETED)
        return int(next(iter(done)).result())

    @app.register_task("payload_in_a_row")
    async def payload_in_a_row(params: Any, context: Any) -> int:
        data = params["data"]
        for number in range(params["count"]):
            data = await context.step(f"s{number}", lambda data=data: noop(data))
        return len(data)

    @app.register_task("payload_at_once")
    async def payload_at_once(params: Any, context: Any) -> int:
        steps = [context.step(f"s{number}", lambda: noop(params["data"])) for number in range(params["count"])]
        return sum(map(len, await asyncio.gather(*steps)))


async def throughput(client: AsyncAbsurd) -> float:
    """Steps per second of many runs, so many at a time, by a worker of their own."""
    many = AsyncAbsurd(URL)
    register(many)
    working = asyncio.create_task(many.start_worker(concurrency=AT_ONCE, poll_interval=0.01))
    left = RUNS

    async def one() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            spawned = await client.spawn("in_a_row", {"count": EACH}, queue="default")
            await client.await_task_result(spawned["task_id"], timeout=60)

    try:
        await asyncio.sleep(0.3)
        began = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(AT_ONCE)))
        return RUNS * EACH / (time.perf_counter() - began)
    finally:
        many.stop_worker()
        await working
        await many.close()


async def main() -> None:
    """Serve the rows."""
    with psycopg.connect(URL, autocommit=True) as connection:
        connection.execute(absurdctl.BUNDLED_SCHEMA_SQL)
    client, worker = AsyncAbsurd(URL), AsyncAbsurd(URL)
    await client.create_queue("default")
    register(worker)

    async def run(name: str, **params: object) -> None:
        spawned = await client.spawn(name, params, queue="default")
        while True:
            await worker.work_batch(batch_size=1)
            result = await client.fetch_task_result(spawned["task_id"])
            if result and result.state in ("completed", "failed", "cancelled"):
                if result.state != "completed":
                    raise RuntimeError(f"task {name} ended as {result.state}")
                return

    async def raced(count: int) -> None:
        await run("race", count=count)

    flows = Flows(
        lambda count: run("in_a_row", count=count),
        lambda count: run("at_once", count=count),
        raced,
        lambda count, data: run("payload_in_a_row", count=count, data=data),
        lambda count, data: run("payload_at_once", count=count, data=data),
    )
    await serve({"version": version("absurd-sdk")}, {**rows(flows), "throughput-16": partial(throughput, client)})


asyncio.run(main())
