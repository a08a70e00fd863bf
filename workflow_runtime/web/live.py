"""Event streams of pages: the world is asked while somebody looks, and what has changed is told, and nothing else."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from workflow_runtime.errors import RunNotFoundError, WorldError
from workflow_runtime.http import HttpStream
from workflow_runtime.logs import runtime_logger
from workflow_runtime.web.rendering import SECURITY

logger = runtime_logger("web")

INTERVAL = 0.5
"""Seconds between looks, at least."""
SHARE = 0.1
"""Of the time, what looking for one page may take: what takes long is looked at less often."""
HEARTBEAT = 20.0
"""Seconds of silence after which a comment shows that the connection stands."""
LONGEST = 3600.0
"""Seconds after which a stream ends, so that the browser asks anew, with whatever right it then has."""

Look = Callable[[], Awaitable[Mapping[str, Any] | None]]
"""What has changed since the last look, empty when nothing; None when nothing can change any more."""


def event_stream(look: Look, *, interval: float = INTERVAL) -> HttpStream:
    """Server-sent events: ``change`` for each look that finds one, ``end`` after the last."""
    headers = {**SECURITY, "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no"}
    return HttpStream(200, headers, _events(look, interval))


async def _events(look: Look, interval: float) -> AsyncIterator[bytes]:
    begun = quiet_since = time.monotonic()
    yield b": here\n\n"
    while time.monotonic() - begun < LONGEST:
        looked = time.monotonic()
        try:
            change = await look()
        except RunNotFoundError:
            yield b"event: reload\ndata: null\n\n"
            return
        except WorldError as error:  # it may be back soon
            logger.warning("the web page could not ask the world: %s", error)
            change = {}
        if change is None:
            yield b"event: end\ndata: null\n\n"
            return
        if change:
            yield b"event: change\ndata: %b\n\n" % _json(change)
            quiet_since = time.monotonic()
        elif time.monotonic() - quiet_since >= HEARTBEAT:
            yield b": still here\n\n"
            quiet_since = time.monotonic()
        await asyncio.sleep(max(interval, (time.monotonic() - looked) / SHARE))


def _json(change: Mapping[str, Any]) -> bytes:
    return json.dumps(change, ensure_ascii=True, separators=(",", ":")).encode("ascii")
