"""A project's handler for sync frameworks: the worker on a thread's event loop, and the routes as plain calls."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import wait as wait_for_futures
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from workflow_runtime.background import Background, background, is_current, wait_for
from workflow_runtime.http import HttpResponse
from workflow_runtime.service import Service
from workflow_runtime.webhook_route import Call, body_limit
from workflow_runtime.worker_options import worker_options

T = TypeVar("T")

TRY_AGAIN = 5.0
"""Seconds after which a worker that could not start is started again, when there is a request."""
PATIENCE = 10.0
"""Seconds that a request for one of our routes waits for the worker to start."""
PART = 64 * 1024

logger = logging.getLogger("workflow_runtime.bridge")


class Readable(Protocol):
    """A request's body, that ends where the body ends."""

    def read(self, size: int = ..., /) -> bytes:
        """At most ``size`` bytes; none at the end."""


class Bridge:
    """One project's handler: give it to a sync framework's routes. Any thread may call it, and a process that was forked starts anew."""

    def __init__(self, service: Service, *, pulls: bool = True) -> None:
        """Without ``pulls`` there is no worker, and each call of ``flow`` or ``pushed`` is an invocation that handles its message to the end."""
        self._service = service
        self._pulls = pulls
        self._lock = threading.Lock()
        self._life: _Life | None = None
        self._webhook_limit = body_limit()

    def start(self) -> None:
        """Run the worker in this process, unless it runs; it stops when the process ends. Raises ``WorldError`` when it can not start.

        For a server's hook that is called in each process that serves; without one, the first request starts it.
        """
        wait_for(self._current(0.0).started)

    def ensure(self) -> None:
        """Start the worker if it does not run, without waiting for it: what keeps it from starting is logged, and tried again later."""
        self._current(TRY_AGAIN)

    def stop(self) -> None:
        """Stop the worker of this process, as at the end of it: steps in progress are given their time."""
        life, self._life = self._life, None
        if life is not None and is_current(life.background):
            life.stop()

    def flow(self, headers: Mapping[str, str], body: Readable) -> HttpResponse:
        """``Service.flow``."""
        return self._run(self._service.flow(headers, _once(_read(body, self._service.body_limit))))

    def pushed(self, pushes: Sequence[tuple[Mapping[str, str], bytes]]) -> list[HttpResponse]:
        """``Service.pushed`` for each of them, headers and content, all at the same time."""
        return self._run(_together(self._service.pushed(headers, content) for headers, content in pushes))

    def webhook(self, token: str, method: str, url: str, headers: Mapping[str, str], body: Readable) -> HttpResponse:
        """``Service.webhook``."""
        content = _once(_read(body, self._webhook_limit))
        return self._run(self._service.webhook(Call(token, method, url, headers, content)))

    def health(self) -> HttpResponse:
        """``Service.health``."""
        return self._run(self._service.health())

    def manifest(self) -> HttpResponse:
        """``Service.manifest``."""
        return self._run(self._service.manifest())

    async def aflow(self, headers: Mapping[str, str], body: Readable) -> HttpResponse:
        """``Service.flow``, for async code on any event loop. ``body`` is one that has come already, or that may be waited for."""
        return await self._arun(self._service.flow(headers, _once(_read(body, self._service.body_limit))))

    async def awebhook(
        self, token: str, method: str, url: str, headers: Mapping[str, str], body: Readable
    ) -> HttpResponse:
        """``Service.webhook``, like ``aflow``."""
        content = _once(_read(body, self._webhook_limit))
        return await self._arun(self._service.webhook(Call(token, method, url, headers, content)))

    async def ahealth(self) -> HttpResponse:
        """``Service.health``, for async code on any event loop."""
        return await self._arun(self._service.health())

    async def amanifest(self) -> HttpResponse:
        """``Service.manifest``, for async code on any event loop."""
        return await self._arun(self._service.manifest())

    async def _arun(self, work: Coroutine[Any, Any, T]) -> T:
        life = self._current(TRY_AGAIN)
        with suppress(Exception):  # why it does not start is in the log, and the answer says that it has not
            await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(life.started)), PATIENCE)
        return await asyncio.wrap_future(life.background.submit(work))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        life = self._current(TRY_AGAIN)
        wait_for_futures([life.started], PATIENCE)
        return wait_for(life.background.submit(work))

    def _current(self, again_after: float) -> _Life:
        life = self._life
        if life is not None and life.is_good(again_after):
            return life
        with self._lock:
            life = self._life
            if life is None or not life.is_good(again_after):
                if life is not None and not is_current(life.background):
                    life.background.keep(life)
                life = self._life = _Life(self._service, background(), self._pulls)
                life.background.before_exit(self.stop)
            return life


class _Life:
    """One time that the worker runs, from its start to its end."""

    def __init__(self, service: Service, loop: Background, pulls: bool) -> None:
        self.background = loop
        self.started: Future[None] = Future()
        self._began = time.monotonic()
        self._over = asyncio.Event()
        self._ended = loop.submit(self._live(service, pulls))

    def is_good(self, again_after: float) -> bool:
        """Whether it runs, begins to, or failed less than so many seconds ago, in this process."""
        if not is_current(self.background):
            return False
        failed = self.started.done() and self.started.exception() is not None
        return not failed or time.monotonic() < self._began + again_after

    def stop(self) -> None:
        """End it, and wait for that."""
        self.background.call(self._over.set)
        with suppress(Exception):  # what kept it from starting, or from ending well, is in the log
            self._ended.result(worker_options().grace + PATIENCE)

    async def _live(self, service: Service, pulls: bool) -> None:
        try:
            async with service.lifespan(pulls=pulls):
                self.started.set_result(None)
                await self._over.wait()
        except Exception as error:
            if self.started.done():
                logger.exception("the worker did not end well")
            else:
                logger.error("the worker could not start: %s", error)
                self.started.set_exception(error)


def _read(body: Readable, limit: int) -> bytes:
    """All of it, or a part that is longer than ``limit``."""
    parts: list[bytes] = []
    left = limit + 1
    while left > 0 and (part := body.read(min(left, PART))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


async def _together(works: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    return await asyncio.gather(*works)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
