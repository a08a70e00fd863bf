"""Written by workflow-build 0.1.0. Do not edit.

The combined handler of this project for BlackSheep. In the app:

    from shop._workflow.blacksheep import mount

    mount(app)

``mount`` puts the routes into the app's router, and the worker into what the app does
when it starts and stops. With anti-forgery validation, exempt ``flow`` and ``webhook``.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

from blacksheep import Application, Content, Request, Response
from workflow_runtime.asgi import request_url
from workflow_runtime.headers import asgi_headers
from workflow_runtime.http import PREFIX, HttpResponse
from workflow_runtime.page import WEB_PATH, web_page
from workflow_runtime.service import Service
from workflow_runtime.webhook_route import Call

from . import PROJECT
from .step_registrations import STEPS

METHODS = """
ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT COPY DELETE GET HEAD LABEL LINK LOCK MERGE
MKACTIVITY MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PATCH POST
PROPFIND PROPPATCH PUT QUERY REBIND REPORT SEARCH TRACE UNBIND UNCHECKOUT UNLINK UNLOCK
UPDATE UPDATEREDIRECTREF VERSION-CONTROL
"""

service = Service(PROJECT, STEPS)
_running = AsyncExitStack()


def _response(answer: HttpResponse) -> Response:
    pairs = {k.lower().encode(): v.encode() for k, v in answer.headers.items()}
    content = Content(pairs.pop(b"content-type", b"text/plain"), answer.body)
    return Response(answer.status, list(pairs.items()), content)


async def _body(request: Any) -> AsyncIterator[bytes]:
    # Any, because its stub says that stream() is a coroutine
    async for chunk in request.stream():
        yield chunk


async def flow(request: Request) -> Response:
    """Take one message that a queue pushes."""
    headers = asgi_headers(request.scope)
    return _response(await service.flow(headers, _body(request)))


async def health(request: Request) -> Response:
    """Say which build this is, and how it is."""
    return _response(await service.health())


async def manifest(request: Request) -> Response:
    """Show what was built, if the environment allows it."""
    return _response(await service.manifest())


async def webhook(request: Request) -> Response:
    """Hand a request to the run that waits for it, whatever its method."""
    scope: Any = request.scope
    values: Any = request.route_values
    token, headers = values["token"], asgi_headers(scope)
    url, body = request_url(scope, headers), _body(request)
    call = Call(token, request.method, url, headers, body)
    return _response(await service.webhook(call))


async def _start(app: Application) -> None:
    await _running.enter_async_context(service.lifespan())


async def _stop(app: Application) -> None:
    await _running.aclose()


def mount(app: Application) -> None:
    """Put the workflow routes, and the worker, into the app."""
    app.router.add_post(f"{PREFIX}/flow", flow)
    app.router.add_get(f"{PREFIX}/health", health)
    app.router.add_get(f"{PREFIX}/manifest.json", manifest)
    for method in METHODS.split():
        app.router.add(method, f"{PREFIX}/webhook/<token>", webhook)
    if (page := web_page()) is not None:
        app.mount(WEB_PATH, page)
    app.on_start += _start
    app.on_stop += _stop
