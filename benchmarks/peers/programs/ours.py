"""workflow-build: a compiled project and its worker in one process, as a web app has them. WORKFLOW_WORLD says where the state is."""

from __future__ import annotations

import asyncio
import importlib
import os
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from meter import Flows, rows, serve

SOURCE = """
import asyncio

from workflow_runtime import get_writable, step, workflow


@step
async def noop(number: int) -> int:
    return number


@step
async def echo(data: str) -> str:
    return data


@step
async def write_one() -> None:
    await get_writable("out").write("x")


@workflow
async def in_a_row(count: int) -> int:
    for number in range(count):
        await noop(number)
    return count


@workflow
async def at_once(count: int) -> int:
    return len(await asyncio.gather(*(noop(number) for number in range(count))))


@workflow
async def race(count: int) -> int:
    racers = [asyncio.create_task(noop(number)) for number in range(count)]
    done, _ = await asyncio.wait(racers, return_when=asyncio.FIRST_COMPLETED)
    return min(task.result() for task in done)


@workflow
async def payload_in_a_row(count: int, data: str) -> int:
    for _ in range(count):
        data = await echo(data)
    return len(data)


@workflow
async def payload_at_once(count: int, data: str) -> int:
    return sum(map(len, await asyncio.gather(*(echo(data) for _ in range(count)))))


@workflow
async def one_chunk() -> None:
    await write_one()
"""


def compiled(folder: Path) -> None:
    """A project with the workflows, built."""
    (folder / "measured_flows").mkdir()
    (folder / "measured_flows" / "__init__.py").touch()
    (folder / "measured_flows" / "flows.py").write_text(SOURCE, "utf-8")
    (folder / "pyproject.toml").write_text('[project]\nname = "measured_flows"\nversion = "1"\n', "utf-8")
    subprocess.run([sys.executable, "-m", "workflow_build", "-q", "--target", "worker"], cwd=folder, check=True)
    sys.path.insert(0, str(folder))


async def main(folder: Path) -> None:
    """Serve the rows."""
    from workflow_runtime import start

    service = importlib.import_module("measured_flows._workflow.worker").service
    flows = importlib.import_module("measured_flows.flows")

    async def run(flow: Any, *args: object) -> None:
        await (await start(flow, *args)).result()

    async def first_chunk() -> float:
        began = time.perf_counter()
        run = await start(flows.one_chunk)
        async for _ in run.stream("out"):
            took = time.perf_counter() - began
        await run.result()
        return took

    offered = Flows(
        lambda count: run(flows.in_a_row, count),
        lambda count: run(flows.at_once, count),
        lambda count: run(flows.race, count),
        lambda count, data: run(flows.payload_in_a_row, count, data),
        lambda count, data: run(flows.payload_at_once, count, data),
        first_chunk,
    )
    async with service.lifespan():
        await serve({"version": version("workflow-build")}, rows(offered))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        os.environ.setdefault("WORKFLOW_WORLD", f"sqlite:///{made}/runs.db")
        compiled(Path(made))
        asyncio.run(main(Path(made)))
