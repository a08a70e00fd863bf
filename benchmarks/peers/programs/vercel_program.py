"""vercel-workflow on its Local World, one process, its queue embedded.

Its ``return_value()`` looks once a second. To measure the engine and not that pause, the clock stops when the event ``run_completed`` is
written. That world writes files without waiting for the disk, and keeps its queue in memory.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from importlib.metadata import version
from typing import Any

os.environ.setdefault("VERCEL_QUEUE_LOG_LEVEL", "error")
os.environ["WORKFLOW_LOCAL_DATA_DIR"] = tempfile.mkdtemp(prefix="bench-")
logging.disable(logging.WARNING)

import vercel_flows as flows
from meter import Flows, rows, serve
from vercel import workflow
from vercel.workflow._internal import world as worlds

ended: dict[str, asyncio.Event] = {}


def watch_ends() -> None:
    """Have ``ended`` told of each run's end."""
    world = worlds.get_world()
    inner = world.events_create

    async def events_create(run_id: str, data: Any) -> Any:
        result = await inner(run_id, data)
        if data.event_type in ("run_completed", "run_failed"):
            ended.setdefault(run_id, asyncio.Event()).set()
        return result

    world.events_create = events_create


async def run(flow: Any, *args: object) -> None:
    """One run, from its start to its end."""
    started = await workflow.start(flow, *args)
    await ended.setdefault(started.run_id, asyncio.Event()).wait()


async def main() -> None:
    """Serve the rows."""
    watch_ends()
    offered = Flows(
        lambda count: run(flows.in_a_row, count),
        lambda count: run(flows.at_once, count),
        lambda count: run(flows.race, count),
        lambda count, data: run(flows.payload_in_a_row, count, data),
        lambda count, data: run(flows.payload_at_once, count, data),
    )
    await serve({"version": version("vercel-workflow")}, rows(offered))
    os._exit(0)  # the queue's task group belongs to the task that first used it


asyncio.run(main())
