"""Written by workflow-build 0.1.0. Do not edit.

The combined handler of this project for Sanic. In the app:

    from shop._workflow.sanic import mount

    mount(app)

``mount`` registers a blueprint with the routes, and with listeners that run the worker
in each server process. Webhooks take the methods that Sanic's router knows: GET, HEAD,
POST, PUT, PATCH, DELETE, OPTIONS.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from typing import Any, cast
from urllib.parse import unquote

from sanic import Blueprint, HTTPResponse, Request, Sanic
from sanic.constants import HTTP_METHODS
from sanic.exceptions import BadRequest
from workflow_runtime.http import PREFIX, HttpResponse, HttpStream
from workflow_runtime.page import WEB_PATH, Page, web_page
from workflow_runtime.service import Service
from workflow_runtime.webhook_route import Call

from . import PROJECT
from .step_registrations import STEPS

service = Service(PROJECT, STEPS)
blueprint = Blueprint("workflow")
_running = AsyncExitStack()


async def flow(request: Request, **_: str) -> HTTPResponse:
    """Take one message that a queue pushes."""
    return _response(await service.flow(request.headers, _body(request)))


async def health(request: Request, **_: str) -> HTTPResponse:
    """Say which build this is, and how it is."""
    return _response(await service.health())


async def manifest(request: Request, **_: str) -> HTTPResponse:
    """Show what was built, if the environment allows it."""
    return _response(await service.manifest())


async def webhook(request: Request, token: str, **_: str) -> HTTPResponse:
    """Hand a request to the run that waits for it."""
    headers, body = request.headers, _body(request)
    call = Call(token, request.method, request.url, headers, body)
    return _response(await service.webhook(call))


async def _start(app: Any) -> None:
    await _running.enter_async_context(service.lifespan())


async def _stop(app: Any) -> None:
    await _running.aclose()


blueprint.before_server_start(_start)
blueprint.after_server_stop(_stop)
blueprint.add_route(flow, f"{PREFIX}/flow", ["POST"], stream=True)
blueprint.add_route(health, f"{PREFIX}/health")
blueprint.add_route(manifest, f"{PREFIX}/manifest.json")
_path, _methods = f"{PREFIX}/webhook/<token>", HTTP_METHODS
blueprint.add_route(webhook, _path, _methods, stream=True, unquote=True)


def mount(app: Sanic[Any, Any]) -> None:
    """Put the workflow routes, and the worker, into the app."""
    app.blueprint(blueprint)
    if (page := web_page()) is not None:
        on_page, show = Blueprint("workflow_page"), _shown(page)
        for name, path in (("all", ""), ("rest", "/<rest:path>")):
            path, methods = WEB_PATH + path, ["GET", "HEAD", "POST"]
            on_page.add_route(show, path, methods, name=name, stream=True)
        app.blueprint(on_page)


def _shown(page: Page) -> Any:
    """Make the handler of what is below the web page's path."""

    async def show(request: Request, **_: str) -> HTTPResponse | None:
        pairs = request.headers.items()
        scope = {
            "method": request.method,
            "path": unquote(request.path),
            "raw_path": request.path.encode(),
            "query_string": request.query_string.encode(),
            "headers": [(k.lower().encode(), v.encode()) for k, v in pairs],
            "client": (request.ip, 0) if request.ip else None,
            "scheme": request.scheme,
        }
        answer = await page.answer(scope, _body(request))
        if isinstance(answer, HttpStream):
            await _stream(request, answer)
            return None
        return _response(answer)

    return show


async def _stream(request: Request, answer: HttpStream) -> None:
    response = HTTPResponse(None, answer.status, dict(answer.headers))
    await request.respond(response)
    # Sanic's own server cancels this when the client goes; behind ASGI one has to ask
    asgi, body = request.app.asgi, cast("Any", answer.body)
    gone = asyncio.ensure_future(_gone(request.transport)) if asgi else None
    try:
        async with aclosing(body) as parts:
            async for part in parts:
                await response.send(part)
                if gone is not None and gone.done():
                    break
    finally:
        if gone is not None:
            gone.cancel()


async def _gone(transport: Any) -> None:
    while (await transport.receive())["type"] != "http.disconnect":
        pass


async def _body(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes; behind ASGI it just ends when the client goes."""
    stream: Any = request.stream
    missing = int(request.headers.get("content-length") or 0)
    async for part in stream:
        missing -= len(part)
        yield part
    if missing > 0:
        raise BadRequest("the body is not all there")


def _response(answer: HttpResponse) -> HTTPResponse:
    headers, kind = dict(answer.headers), "application/octet-stream"
    return HTTPResponse(answer.body, answer.status, headers, kind)
