"""A worker in a process of its own, without a web app."""

from __future__ import annotations

import asyncio
import signal

from workflow_runtime.service import Service


def run_worker(service: Service) -> None:
    """Work until SIGINT or SIGTERM comes; then let steps in progress end. Raises ``WorldError`` when the world can not be opened."""
    asyncio.run(_serve(service))


async def _serve(service: Service) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in ("SIGINT", "SIGTERM"):
        try:
            loop.add_signal_handler(getattr(signal, name), stop.set)
        except NotImplementedError:  # Windows has no signal handlers on event loops
            signal.signal(getattr(signal, name), lambda *_: loop.call_soon_threadsafe(stop.set))
    async with service.lifespan():
        await stop.wait()
