"""A bridge beside async code: the worker's life in a server's, and the routes' answers awaited on another event loop."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.doubling import make_service, own_world
from workflow_runtime import WorldError
from workflow_runtime.asgi_worker import AsgiWorker
from workflow_runtime.bridge import Bridge


@pytest.fixture
def bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bridge]:
    """A bridge that has not started yet, on a world of its own."""
    with own_world(monkeypatch, tmp_path):
        bridge = Bridge(make_service(tmp_path))
        yield bridge
        bridge.stop()


class Server:
    """The server's side of a lifespan."""

    def __init__(self, app: AsgiWorker) -> None:
        self.events: asyncio.Queue[Any] = asyncio.Queue()
        self.told: asyncio.Queue[Any] = asyncio.Queue()
        self.task = asyncio.ensure_future(app({"type": "lifespan"}, self.events.get, self.told.put))

    async def ask(self, event: str) -> Any:
        """What the app answers."""
        await self.events.put({"type": event})
        return await self.told.get()


async def refuse(scope: Any, receive: Any, send: Any) -> None:
    """As Django does."""
    raise ValueError(f"can only handle HTTP, not {scope['type']}")


async def no_event() -> Any:
    """Nothing comes."""
    await asyncio.Event().wait()


async def to_nobody(message: Any) -> None:
    """Nothing is sent."""


async def test_the_worker_runs_from_the_servers_start_to_its_end(bridge: Bridge) -> None:
    server = Server(AsgiWorker(refuse, bridge))

    assert await server.ask("lifespan.startup") == {"type": "lifespan.startup.complete"}
    assert (await bridge.ahealth()).status == 200
    assert await server.ask("lifespan.shutdown") == {"type": "lifespan.shutdown.complete"}
    await server.task


async def test_a_server_is_told_when_the_worker_can_not_start(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WORKFLOW_WORLD", f"sqlite:///{tmp_path}")
    server = Server(AsgiWorker(refuse, bridge))

    told = await server.ask("lifespan.startup")

    assert told["type"] == "lifespan.startup.failed"
    assert "the worker did not start: " in told["message"]
    with pytest.raises(WorldError):
        await server.task


async def test_all_but_lifespan_events_go_to_the_app(bridge: Bridge) -> None:
    with pytest.raises(ValueError, match="not websocket"):
        await AsgiWorker(refuse, bridge)({"type": "websocket"}, no_event, to_nobody)


async def test_routes_answer_on_whatever_event_loop(bridge: Bridge) -> None:
    assert (await bridge.ahealth()).status == 200, "it starts the worker, and waits for it"
    assert (await bridge.amanifest()).status == 404
    assert (await bridge.aflow({}, io.BytesIO(b"{}"))).status == 403
    assert (await bridge.aflow({}, io.BytesIO(b"x" * 300_000))).status == 413
    assert (await bridge.awebhook("nobody", "PUT", "http://localhost/x", {}, io.BytesIO(b"x"))).status == 404


async def test_health_says_that_a_worker_can_not_start(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WORKFLOW_WORLD", f"sqlite:///{tmp_path}")

    assert (await bridge.ahealth()).status == 503
