"""Another process with a worker, for what many processes share: ``python -m benchmarks.measured.second_worker FILE INLINE_STEPS``.

It says ``ready``, and works until its input ends.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

from benchmarks.measured.flows import register
from workflow_runtime.handler.handler import Handler
from workflow_runtime.handler.options import HandlerOptions
from workflow_runtime.worker import Worker
from workflow_runtime.worlds.sqlite import SqliteWorld


async def work(path: str, inline_steps: int) -> None:
    """Handle messages until nobody wants it any more."""
    world = SqliteWorld(path)
    await world.open()
    with ThreadPoolExecutor(1) as threads:
        handler = Handler(world, register(), threads, HandlerOptions(inline_steps=inline_steps))
        async with Worker(world, handler).running():
            print("ready", flush=True)
            await asyncio.to_thread(sys.stdin.read)
    await world.close()


@asynccontextmanager
async def second_worker(path: Path, inline_steps: int) -> AsyncIterator[None]:
    """One that is ready, while the context is open."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "benchmarks.measured.second_worker", str(path), str(inline_steps)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if (await process.stdout.readline()).strip() != b"ready":
            raise SystemExit("the second worker did not start; what it said is above")
        yield
    finally:
        process.stdin.close()
        await process.wait()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], int(sys.argv[2])))
