"""The page as an ASGI app of its own: who may see it, what there is under which path, and nothing that goes elsewhere."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any

from workflow_runtime.asgi import ClientGone, Message, Receive, Send, request_body, send_response
from workflow_runtime.errors import WorldError
from workflow_runtime.http import HttpResponse, HttpStream
from workflow_runtime.logs import runtime_logger
from workflow_runtime.page import WEB_PATH as MOUNT
from workflow_runtime.web import actions, guard, looking
from workflow_runtime.web.guard import Gate
from workflow_runtime.web.rendering import SECURITY, asset, html, render
from workflow_runtime.web.request import Request, TooLargeError, read_request
from workflow_runtime.web.site import Site
from workflow_runtime.worlds.base import World

logger = runtime_logger("web")

_WRONG_TOKEN_SECONDS = 0.5
"""How long somebody waits who gave a wrong token."""


class WebApp:
    """Answers whatever path it is mounted under; what it is asked for stands behind ``/_workflow/``, or is all of the path."""

    def __init__(self, world: Callable[[], Awaitable[World]], name: str, gate: Gate) -> None:
        """``world`` gives the open world; ``name`` is what people call it."""
        self._world = world
        self._name = name
        self._gate = gate
        self._site: Site | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer an ``http`` scope; a WebSocket is refused."""
        if scope["type"] != "http":
            return await send({"type": "websocket.close"})
        try:
            found = await self.answer(scope, request_body(receive))
        except ClientGone:
            return None
        if isinstance(found, HttpResponse):
            return await _send(send, found, with_body=scope["method"] != "HEAD")
        return await _stream(found, receive, send)

    async def answer(self, scope: Message, body: AsyncIterator[bytes]) -> HttpResponse | HttpStream:
        """See ``Page``."""
        if (scope.get("raw_path") or scope["path"].encode()).endswith(MOUNT.encode()):
            return HttpResponse(307, {**SECURITY, "location": f"{MOUNT[1:]}/"})
        try:
            found = await self._answer(await read_request(scope, body))
        except TooLargeError:
            return HttpResponse(413, SECURITY)
        if scope["method"] == "HEAD" and isinstance(found, HttpStream):
            return HttpResponse(found.status, found.headers)
        return found

    async def _answer(self, request: Request) -> HttpResponse | HttpStream:
        if request.method not in ("GET", "POST"):
            return HttpResponse(405, {**SECURITY, "allow": "GET, HEAD, POST"})
        if request.parts[:1] == ("static",) and request.method == "GET":
            return asset(request, "/".join(request.parts[1:])) or HttpResponse(404, SECURITY)
        if not self._gate.is_open_to(request):
            return await self._refused(request)
        if request.method == "POST" and not (self._gate.has_bearer(request) or guard.is_own_form(request)):
            return self._alone(
                request,
                403,
                "Not done",
                "This did not come from a form of this page. Go back, load the page anew, and try again.",
            )
        try:
            site = await self._site_now()
            found = await (actions.answer if request.method == "POST" else looking.answer)(site, request)
        except WorldError as error:
            logger.warning("the web page could not ask the world: %s", error)
            return self._alone(request, 503, "The world does not answer", str(error))
        except Exception:  # noqa: BLE001 - what broke must show in the log, and nothing of it in the page
            logger.error("the web page broke at %s:\n%s", request.path, traceback.format_exc())
            return self._alone(request, 500, "This page broke", "The log of the server says how.")
        return found or self._alone(request, 404, "Nothing here", "There is no such page.")

    async def _site_now(self) -> Site:
        """What was looked up before is kept as long as the process has the same world."""
        world = await self._world()
        if self._site is None or self._site.world is not world:
            self._site = Site(world, self._name)
        return self._site

    async def _refused(self, request: Request) -> HttpResponse:
        """The way in for those who have the token; without one, why there is none."""
        if self._gate.token is None:
            said = "Without a token, this page is for the machine that it runs on, asked for as localhost. Set WORKFLOW_WEB_TOKEN to see it from elsewhere."
            return self._alone(request, 403, "Not from here", said)
        wrong = False
        if request.method == "POST" and request.path == "login":
            session = self._gate.session_for(request.form.get("token", "")) if guard.is_own_form(request) else None
            if session is not None:
                cookie = _cookie(request, guard.SESSION_COOKIE, session, guard.SESSION_SECONDS, "lax")
                return HttpResponse(
                    303, {**SECURITY, "location": "./", "set-cookie": cookie, "cache-control": "no-store"}
                )
            await asyncio.sleep(_WRONG_TOKEN_SECONDS)
            wrong = True
        csrf = guard.csrf_cookie(request)
        text = render("login", **_frame(request, ""), csrf=guard.csrf_field(csrf), wrong=wrong)
        return html(
            request,
            text,
            401,
            {"set-cookie": _cookie(request, guard.CSRF_COOKIE, csrf, guard.SESSION_SECONDS, "strict")},
        )

    def _alone(self, request: Request, status: int, title: str, said: str) -> HttpResponse:
        return html(request, render("alone", **_frame(request, self._name), title=title, text=said), status)


def _frame(request: Request, world: str) -> Mapping[str, Any]:
    return {"root": request.root, "world": world, "theme": looking.theme_of(request), "said": "", "bad": False}


def _cookie(request: Request, name: str, value: str, seconds: int, same_site: str) -> str:
    secure = "; secure" if request.secure else ""
    return f"{name}={value}; path=/; max-age={seconds}; httponly; samesite={same_site}{secure}"


async def _send(send: Send, found: HttpResponse, *, with_body: bool = True) -> None:
    await send_response(send, found, with_body=with_body)


async def _stream(found: HttpStream, receive: Receive, send: Send) -> None:
    """Send the stream until it ends or the client goes."""
    sending = asyncio.ensure_future(_send_all(found, send))
    going = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait([sending, going], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (sending, going):
            task.cancel()
        await asyncio.gather(sending, going, return_exceptions=True)


async def _send_all(found: HttpStream, send: Send) -> None:
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in found.headers.items()]
    await send({"type": "http.response.start", "status": found.status, "headers": headers})
    body: AsyncIterator[bytes] = found.body
    async with aclosing(body) as parts:  # type: ignore[type-var]  # it is a generator, as all of ours are
        async for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
