"""The routes as ASGI: any method, any mount, clients that go away; and the wrapper's way with lifespans."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.runtime.doubling import doubled, make_service, own_world
from workflow_runtime import start
from workflow_runtime.asgi import AsgiMount, AsgiRoutes
from workflow_runtime.http import PREFIX
from workflow_runtime.service import Service

Send = Callable[[Any], Awaitable[None]]


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A service on a world of its own."""
    with own_world(monkeypatch, tmp_path):
        yield make_service(tmp_path)


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """An app that knows nothing of lifespans."""
    if scope["type"] != "http":
        raise ValueError(scope["type"])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


async def answered(ask: Callable[[], Awaitable[httpx.Response]]) -> int:
    """The status, once the webhook is there."""
    async with asyncio.timeout(30):
        while (answer := await ask()).status_code == 404:
            pass  # each asking gives the worker its turn
    return answer.status_code


def client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test")


class Lived:
    """The lifespan of an app, as a server runs it."""

    def __init__(self, app: Any) -> None:
        self.to_app: asyncio.Queue[Any] = asyncio.Queue()
        self.from_app: asyncio.Queue[Any] = asyncio.Queue()
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        self.task = asyncio.ensure_future(app(scope, self.to_app.get, self.from_app.put))

    async def ask(self, event: str) -> Any:
        await self.to_app.put({"type": f"lifespan.{event}"})
        return await asyncio.wait_for(self.from_app.get(), 10)


class Recording:
    """An app with a lifespan, that notes what happens."""

    def __init__(self, notes: list[str], fails: bool = False) -> None:
        self.notes, self.fails = notes, fails

    async def __call__(self, scope: Any, receive: Any, send: Send) -> None:
        for event in ("startup", "shutdown"):
            await receive()
            self.notes.append(event)
            if self.fails:
                await send({"type": "lifespan.startup.failed", "message": "no database"})
                raise RuntimeError("no database")
            await send({"type": f"lifespan.{event}.complete"})


async def is_running(service: Service) -> bool:
    return bool(json.loads((await service.health()).body)["worker"] == "running")


@pytest.mark.parametrize("prefix", ["", "/api", "/a/b"])
async def test_the_routes_answer_under_whatever_mount(service: Service, prefix: str) -> None:
    async with service.lifespan(), client(AsgiRoutes(service)) as asks:
        health = await asks.get(f"{prefix}{PREFIX}/health")
        assert (health.status_code, health.headers["x-workflow-build"]) == (200, "build-1")
        assert int(health.headers["content-length"]) == len(health.content)
        head = await asks.head(f"{prefix}{PREFIX}/health")
        assert (head.status_code, head.content) == (200, b"")
        assert (await asks.get(f"{prefix}{PREFIX}/flow")).status_code == 405
        assert (await asks.post(f"{prefix}{PREFIX}/flow", content=b"{}")).status_code == 403
        assert (await asks.get(f"{prefix}{PREFIX}/manifest.json")).status_code == 404
        for nothing in ("nothing", "webhook", "webhook/a/b", "flow/x"):
            assert (await asks.get(f"{prefix}{PREFIX}/{nothing}")).status_code == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PROPFIND", "WHATEVER"])
async def test_a_webhook_takes_any_method_and_the_whole_request(service: Service, method: str) -> None:
    async with service.lifespan(), client(AsgiRoutes(service)) as asks:
        run = await start(doubled, 1, "tökén 1")
        url, headers = f"/x{PREFIX}/webhook/t%C3%B6k%C3%A9n%201?a=%20b", [("X-Twice", "1"), ("x-twice", "2")]
        assert await answered(lambda: asks.request(method, url, content=b"four", headers=headers)) == 202
        assert await run.result(timeout=10) == [10, method, f"http://shop.test{url}", "1, 2"]


async def test_what_is_not_ours_goes_on_to_the_app(service: Service) -> None:
    async with client(AsgiMount(hello, service)) as asks:
        for path in ("/", "/.well-known/workflow/v1", "/.well-known/workflow/v10/flow", f"/api{PREFIX}/health"):
            assert (await asks.get(path)).text == "hello"


async def test_below_a_root_path_the_wrapper_still_knows_its_own(service: Service) -> None:
    transport = httpx.ASGITransport(AsgiMount(hello, service), root_path="/site")
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as asks:
        assert (await asks.get(f"/site{PREFIX}/health")).headers["x-workflow-build"] == "build-1"
        assert (await asks.get(f"{PREFIX}/health")).headers["x-workflow-build"] == "build-1"


async def test_the_worker_runs_while_an_app_without_a_lifespan_is_served(service: Service) -> None:
    served = Lived(AsgiMount(hello, service))

    assert await served.ask("startup") == {"type": "lifespan.startup.complete"}
    assert await is_running(service)
    assert await served.ask("shutdown") == {"type": "lifespan.shutdown.complete"}
    await served.task
    assert not await is_running(service)


async def test_the_worker_starts_after_the_app_and_stops_before_it(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes: list[str] = []

    class Noting:
        async def __aenter__(self) -> None:
            notes.append("worker starts")

        async def __aexit__(self, *error: object) -> None:
            notes.append("worker stops")

    monkeypatch.setattr(service, "lifespan", lambda *, pulls: Noting())
    served = Lived(AsgiMount(Recording(notes), service))
    await served.ask("startup")
    await served.ask("shutdown")
    await served.task

    assert notes == ["startup", "worker starts", "worker stops", "shutdown"]


async def test_an_app_that_fails_to_start_keeps_the_worker_from_starting(service: Service) -> None:
    served = Lived(AsgiMount(Recording([], fails=True), service))

    assert await served.ask("startup") == {"type": "lifespan.startup.failed", "message": "no database"}
    with pytest.raises(RuntimeError, match="no database"):
        await served.task
    assert not await is_running(service)


async def test_a_worker_that_fails_to_start_lets_the_app_shut_down(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "blocked").write_text("")
    monkeypatch.setenv("WORKFLOW_WORLD", f"sqlite:///{tmp_path / 'blocked' / 'runs.db'}")
    notes: list[str] = []
    served = Lived(AsgiMount(Recording(notes), service))

    answer = await served.ask("startup")

    assert answer["type"] == "lifespan.startup.failed"
    assert "blocked" in answer["message"]
    assert notes == ["startup", "shutdown"]
    with pytest.raises(Exception, match="blocked"):
        await served.task


async def test_a_client_that_goes_away_in_its_request_is_not_answered(service: Service) -> None:
    messages = iter([{"type": "http.request", "body": b"ha", "more_body": True}, {"type": "http.disconnect"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": f"{PREFIX}/flow", "headers": [], "query_string": b""}
    await AsgiRoutes(service)(scope, receive, send)

    assert sent == []
    assert next(messages, None) is None
