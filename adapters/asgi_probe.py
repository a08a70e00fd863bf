"""One in-process request to an ASGI app."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from workflow_build.adapters.probe import Answer

Message = MutableMapping[str, Any]
ASGIApp = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


def get(app: ASGIApp, path: str, host: str | None = None) -> Answer:
    """Send ``GET path`` through the app's whole stack. Raises what the app raises; its lifespan is not run."""
    return asyncio.run(_get(app, path, host or "localhost"))


async def _get(app: ASGIApp, path: str, host: str) -> Answer:
    sent: list[Message] = []
    requests = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if requests:
            return requests.pop()
        await asyncio.Event().wait()  # a client that stays connected: middleware may wait for its disconnect
        raise AssertionError("unreachable")

    async def send(message: Message) -> None:
        sent.append(message)

    await app(_scope(path, host), receive, send)
    start = next((message for message in sent if message["type"] == "http.response.start"), None)
    if start is None:
        raise RuntimeError("the app ended without an answer")
    headers = {key.decode("latin-1").lower(): value.decode("latin-1") for key, value in start.get("headers", [])}
    return Answer(start["status"], headers)


def _scope(path: str, host: str) -> Message:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", host.encode("latin-1"))],
        "client": ("127.0.0.1", 0),
        "server": (host, 80),
        "state": {},
    }
