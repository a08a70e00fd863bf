"""The routes as an ASGI app of their own, and a wrapper that puts them, and the worker, before any ASGI app."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import AsyncExitStack
from typing import Any, TypeAlias
from urllib.parse import quote

from workflow_runtime.headers import Headers, asgi_headers
from workflow_runtime.http import HttpResponse
from workflow_runtime.page import with_page
from workflow_runtime.places import is_ours, place_of
from workflow_runtime.service import Service
from workflow_runtime.webhook_route import Call

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
AsgiApp: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]

logger = logging.getLogger("workflow_runtime.asgi")


class ClientGone(Exception):
    """The client went away before its request was all there."""


class AsgiRoutes:
    """Answers our four routes. It may be mounted under any path: what it is asked for is told by the path's end."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer an ``http`` scope. Nothing is answered when the client goes away before all of its body is there."""
        try:
            answer = await self._answer(scope, receive)
        except ClientGone:
            return
        await send_response(send, answer, with_body=scope["method"] != "HEAD")

    async def _answer(self, scope: Message, receive: Receive) -> HttpResponse:
        place = place_of(scope["path"])
        refusal = place.refusal(scope["method"])
        if refusal is not None:
            return refusal
        if place.name == "health":
            return await self._service.health()
        if place.name == "manifest.json":
            return await self._service.manifest()
        headers, body = asgi_headers(scope), request_body(receive)
        if place.name == "flow":
            return await self._service.flow(headers, body)
        return await self._service.webhook(
            Call(place.token, scope["method"], request_url(scope, headers), headers, body)
        )


class AsgiMount:
    """``app`` with our routes before it, and the worker in its lifespan, which it need not know itself."""

    def __init__(self, app: AsgiApp, service: Service, *, pulls: bool = True) -> None:
        """Without ``pulls`` there is no worker; see ``Service.lifespan``."""
        self.app = app
        self._pulls = pulls
        self._service = service
        self._routes = AsgiRoutes(service)
        self._rest = with_page(app)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer what is ours, and hand on all else, WebSockets included."""
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        elif scope["type"] == "http" and is_ours(scope["path"], scope.get("root_path", "")):
            await self._routes(scope, receive, send)
        else:
            await self._rest(scope, receive, send)

    async def _lifespan(self, scope: Message, receive: Receive, send: Send) -> None:
        """The worker starts after the app, and stops before it. An app that knows no lifespan is left alone."""
        inner = _Lifespan(self.app, scope)
        await receive()
        started = await inner.ask("lifespan.startup")
        if started["type"] == "lifespan.startup.failed":
            await send(started)
            await inner.task  # it raises what went wrong, for the server to show
            return
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self._service.lifespan(pulls=self._pulls))
            except Exception as error:
                await inner.ask("lifespan.shutdown")
                await send({"type": "lifespan.startup.failed", "message": f"the worker did not start: {error}"})
                raise
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send(await inner.ask("lifespan.shutdown"))


class _Lifespan:
    """The lifespan of an app that another one stands before."""

    def __init__(self, app: AsgiApp, scope: Message) -> None:
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self.task = asyncio.ensure_future(app(scope, self._to_app.get, self._from_app.put))

    async def ask(self, event: str) -> Message:
        """What the app answers to the event; that it is complete when the app does not answer such events."""
        if self.task.done():
            return self._ended(event)
        await self._to_app.put({"type": event})
        answer = asyncio.ensure_future(self._from_app.get())
        await asyncio.wait([answer, self.task], return_when=asyncio.FIRST_COMPLETED)
        if answer.done() or not self._from_app.empty():
            return await answer
        answer.cancel()
        return self._ended(event)

    def _ended(self, event: str) -> Message:
        """By the specification, an app that knows no lifespan raises; one that failed has said so before."""
        error = None if self.task.cancelled() else self.task.exception()
        if error is not None:
            logger.debug("the app does not answer %s: %r", event, error)
        return {"type": f"{event}.complete"}


async def request_body(receive: Receive) -> AsyncIterator[bytes]:
    """The body as it comes. Raises ``ClientGone`` when the client goes away before its end."""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        yield message.get("body", b"")
        more = message.get("more_body", False)


def request_url(scope: Message, headers: Headers) -> str:
    """The URL that the client asked for, as far as the server knows it."""
    root, path = scope.get("root_path", "").rstrip("/"), scope["path"]
    path = path if path.startswith(root) else root + path
    server = ":".join(str(part) for part in scope.get("server") or ("localhost",) if part is not None)
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{scope.get('scheme', 'http')}://{headers.get('host', server)}{quote(path)}{'?' if query else ''}{query}"


async def send_response(send: Send, answer: HttpResponse, *, with_body: bool = True) -> None:
    """Send a whole answer. ``with_body`` is false for HEAD."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers.items()]
    if answer.status not in (204, 304):
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body if with_body else b""})
