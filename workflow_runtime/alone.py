"""A worker in a process of its own, without a web app: from its start to the signal that ends it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from types import FrameType
from typing import Protocol

from workflow_runtime.health_server import serving
from workflow_runtime.http import PREFIX, HttpResponse, json_response
from workflow_runtime.logs import runtime_logger
from workflow_runtime.worker_options import Address, WorkerOptions, worker_options

logger = runtime_logger("worker")

LAST_CALL = 5.0
"""Seconds after the grace in which what was called off may end, and messages are handed back."""
LEFT_BEHIND = 3
"""The exit code when something could not be stopped in time."""
SIGNALS = ("SIGINT", "SIGTERM")


class Life(Protocol):
    """What lives in such a process: a ``Service``, or what pushes messages to one."""

    def lifespan(self, *, options: WorkerOptions) -> AbstractAsyncContextManager[None]:
        """Work while the context is open; leaving it ends well within the grace, unless something can not be stopped."""

    async def health(self) -> HttpResponse:
        """How it is."""

    def in_work(self) -> list[str]:
        """What it does at the moment, in words."""


def run_worker(service: Life, options: WorkerOptions | None = None) -> None:
    """Work until SIGINT or SIGTERM comes; then take nothing more, and let what is in work end within the grace.

    What is not done by then is called off, and its messages are handed back. What even then does not end, as a step in a thread, ends with
    the process, 5 seconds later, whatever else goes on in it: exit code 3. A second signal ends the process at once: 128 and the signal's
    number. Raises ``WorldError`` when the world can not be opened, ``WorkflowError`` when a setting makes no sense.
    """
    chosen = options or worker_options()
    stop = _Stop(service, chosen.grace)
    before = {name: signal.signal(getattr(signal, name), stop.asked) for name in SIGNALS}
    try:
        asyncio.run(_serve(service, chosen, stop))
    finally:
        for name, handler in before.items():
            if handler is not None:  # as one that was not set by Python code
                signal.signal(getattr(signal, name), handler)


class _Stop:
    """Told by signals, and not by the event loop, so that steps that block the loop do not keep the process from ending."""

    def __init__(self, life: Life, grace: float) -> None:
        self._life = life
        self._grace = grace
        self._loop: asyncio.AbstractEventLoop | None = None
        self._event = asyncio.Event()
        self._by: int | None = None
        self._begun = threading.Event()
        # Started now: a signal may come while some lock is held that the start of a thread needs.
        threading.Thread(target=self._watch, name="workflow deadline", daemon=True).start()

    def asked(self, number: int, _: FrameType | None) -> None:
        """A signal has come. What is done here is done in the middle of anything."""
        if self._by is not None:
            os._exit(128 + number)
        self._by = number
        self._begun.set()
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed, and the end near
                self._loop.call_soon_threadsafe(self._event.set)

    async def wait(self) -> str:
        """Return when a signal has come; gives its name."""
        self._loop = asyncio.get_running_loop()
        if self._by is None:
            await self._event.wait()
        return signal.Signals(self._by or 0).name

    def _watch(self) -> None:
        self._begun.wait()
        time.sleep(self._grace + LAST_CALL)
        say = threading.Thread(target=self._say, name="workflow last words", daemon=True)
        say.start()
        say.join(1.0)  # nobody may be reading the log, and that is no reason to stay
        os._exit(LEFT_BEHIND)

    def _say(self) -> None:
        left = "".join(f"\n  {one}" for one in self._life.in_work())
        logger.error(
            "%g s after the signal not all has ended, and the process is ended. What it has in hand comes again once it is gone%s",
            *(self._grace + LAST_CALL, f":{left}" if left else ""),
        )
        sys.stdout.flush()


async def _serve(service: Life, options: WorkerOptions, stop: _Stop) -> None:
    async with AsyncExitStack() as stack:
        if options.health is not None:
            where = await stack.enter_async_context(_telling(service, options.health))
            logger.info("health and metrics: http://%s/health, /live and /metrics", where)
        await stack.enter_async_context(service.lifespan(options=options))
        name = await stop.wait()
        logger.info("%s: stopping; a second signal ends this process at once", name)
    logger.info("stopped; nothing is left in hand")


def _telling(service: Life, address: Address) -> AbstractAsyncContextManager[Address]:
    from workflow_runtime.metrics import CONTENT_TYPE, collect, prometheus_text

    async def live() -> HttpResponse:
        return json_response(200, {"live": True})

    async def metrics() -> HttpResponse:
        return HttpResponse(200, {"content-type": CONTENT_TYPE}, (await prometheus_text()).encode())

    collect()
    return serving(
        address, {"/health": service.health, f"{PREFIX}/health": service.health, "/live": live, "/metrics": metrics}
    )
