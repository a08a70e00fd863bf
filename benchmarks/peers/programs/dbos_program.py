"""DBOS Transact, in one process: workflows run in this event loop. DBOS_URL is its database."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from importlib.metadata import version
from typing import Any

from dbos import DBOS, DBOSConfig
from meter import Flows, rows, serve

DBOS(
    config=DBOSConfig(
        name="bench", system_database_url=os.environ["DBOS_URL"], log_level="ERROR", run_admin_server=False
    )
)
logging.getLogger("dbos").setLevel(logging.CRITICAL)


@DBOS.step()
async def noop(number: int) -> int:
    return number


@DBOS.step()
async def echo(data: str) -> str:
    return data


@DBOS.step()
async def write_one() -> None:
    await DBOS.write_stream_async("out", "x")


@DBOS.workflow()
async def in_a_row(count: int) -> int:
    for number in range(count):
        await noop(number)
    return count


@DBOS.workflow()
async def at_once(count: int) -> int:
    return len(await asyncio.gather(*(noop(number) for number in range(count))))


@DBOS.workflow()
async def race(count: int) -> int:
    racers = [asyncio.create_task(noop(number)) for number in range(count)]
    done, late = await asyncio.wait(racers, return_when=asyncio.FIRST_COMPLETED)
    for task in late:
        task.cancel()
    return next(iter(done)).result()


@DBOS.workflow()
async def payload_in_a_row(count: int, data: str) -> int:
    for _ in range(count):
        data = await echo(data)
    return len(data)


@DBOS.workflow()
async def payload_at_once(count: int, data: str) -> int:
    return sum(map(len, await asyncio.gather(*(echo(data) for _ in range(count)))))


@DBOS.workflow()
async def one_chunk() -> None:
    await write_one()
    await DBOS.close_stream_async("out")


async def run(flow: Any, *args: object) -> Any:
    """One run, from its start to its result."""
    return await (await DBOS.start_workflow_async(flow, *args)).get_result()


async def first_chunk() -> float:
    """Seconds to the first chunk."""
    began = time.perf_counter()
    handle = await DBOS.start_workflow_async(one_chunk)
    async for _ in DBOS.read_stream_async(handle.get_workflow_id(), "out"):
        took = time.perf_counter() - began
        break
    await handle.get_result()
    return took


async def main() -> None:
    """Serve the rows."""
    DBOS.launch()
    flows = Flows(
        lambda count: run(in_a_row, count),
        lambda count: run(at_once, count),
        lambda count: run(race, count),
        lambda count, data: run(payload_in_a_row, count, data),
        lambda count, data: run(payload_at_once, count, data),
        first_chunk,
    )
    await serve({"version": version("dbos")}, rows(flows))
    os._exit(0)  # its threads would keep the process alive


asyncio.run(main())
