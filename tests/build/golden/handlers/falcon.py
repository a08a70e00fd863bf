"""Written by workflow-build 0.1.0. Do not edit.

The combined handler of this project for Falcon (ASGI). In the app:

    from shop._workflow.falcon import mount

    mount(app)

``mount`` adds the routes, a sink for webhooks, since a sink takes any method, one for the
web page, and a middleware that runs the worker from the app's startup to its shutdown.
Falcon lets routes go before sinks: one such as ``/{path:path}`` would keep both away.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

from falcon import HTTPBadRequest, HTTPNotFound
from falcon.asgi import App, Request, Response, SSEvent
from workflow_runtime.asgi import request_url
from workflow_runtime.headers import asgi_headers
from workflow_runtime.http import PREFIX, HttpResponse, HttpStream
from workflow_runtime.page import WEB_PATH, Page, web_page
from workflow_runtime.service import Service
from workflow_runtime.webhook_route import Call

from . import PROJECT
from .step_registrations import STEPS

service = Service(PROJECT, STEPS)


class Worker:
    """Run the worker as long as the app runs."""

    def __init__(self) -> None:
        self._running = AsyncExitStack()

    async def process_startup(self, scope: Any, event: Any) -> None:
        """Start it."""
        await self._running.enter_async_context(service.lifespan())

    async def process_shutdown(self, scope: Any, event: Any) -> None:
        """Let steps end, and stop it."""
        await self._running.aclose()


class Flow:
    """Take one message that a queue pushes."""

    async def on_post(self, req: Request, resp: Response, **_: Any) -> None:
        _fill(resp, await service.flow(asgi_headers(req.scope), _body(req)))


class Health:
    """Say which build this is, and how it is."""

    async def on_get(self, req: Request, resp: Response, **_: Any) -> None:
        _fill(resp, await service.health())


class Manifest:
    """Show what was built, if the environment allows it."""

    async def on_get(self, req: Request, resp: Response, **_: Any) -> None:
        _fill(resp, await service.manifest())


async def webhook(req: Request, resp: Response | None, **params: Any) -> None:
    """Hand a request to the run that waits for it, whatever its method."""
    if resp is None or req.is_websocket:
        raise HTTPNotFound
    headers = asgi_headers(req.scope)
    url, token = request_url(req.scope, headers), params["token"]
    call = Call(token, req.method, url, headers, _body(req))
    _fill(resp, await service.webhook(call))


class Shown:
    """Answer what is below the web page's path."""

    def __init__(self, page: Page) -> None:
        self._page = page

    async def __call__(self, req: Request, resp: Any, **_: Any) -> None:
        """Hand it to the page, unless it is a WebSocket."""
        if resp is None or req.is_websocket:
            raise HTTPNotFound
        answer = await self._page.answer(req.scope, _body(req))
        if isinstance(answer, HttpStream):
            # resp.stream would not end when the client has gone
            resp.sse = _parts(answer)
            answer = HttpResponse(answer.status, answer.headers)
        _fill(resp, answer)


class Part(SSEvent):
    """A part of a stream of events, as it is to be sent."""

    def __init__(self, part: bytes) -> None:
        super().__init__()
        self._part = part

    def serialize(self, handler: Any = None) -> bytes:
        """Give it."""
        return self._part


def mount(app: App[Any, Any], prefix: str = "") -> None:
    """Put the workflow routes, below ``prefix``, and the worker into the app."""
    base = f"{prefix}{PREFIX}"
    app.add_route(f"{base}/flow", Flow())
    app.add_route(f"{base}/health", Health())
    app.add_route(f"{base}/manifest.json", Manifest())
    pattern = re.escape(f"{base}/webhook/{{token}}")
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", pattern)
    app.add_sink(webhook, re.compile(rf"{pattern}\Z"))
    if (page := web_page()) is not None:
        path = re.escape(f"{prefix}{WEB_PATH}")
        app.add_sink(Shown(page), re.compile(rf"{path}(?:/.*)?\Z"))
    app.add_middleware(Worker())


async def _body(req: Request) -> AsyncIterator[bytes]:
    """The body as it comes; Falcon's own stream just ends when the client goes."""
    missing = req.content_length or 0
    async for part in req.stream:
        missing -= len(part)
        yield part
    if missing > 0:
        raise HTTPBadRequest(description="the body is not all there")


async def _parts(stream: HttpStream) -> AsyncIterator[SSEvent]:
    async for part in stream.body:
        yield Part(part)


def _fill(resp: Response, answer: HttpResponse) -> None:
    resp.status, resp.data = answer.status, answer.body
    for name, value in answer.headers.items():
        resp.append_header(name, value)
