"""Written by workflow-build 0.1.0. Do not edit.

The combined handler of this project for Litestar. In the app:

    from shop._workflow.litestar import mount

    app = Litestar(..., on_app_init=[mount])

``mount`` puts the routes into the app, and the worker into the app's lifespan. For a
prefix, put ``router`` into a router of yours and ``service.lifespan`` into the app's
``lifespan``. Litestar's own middleware for authentication and CSRF leaves the routes
out: queues and those who call webhooks have no session.
"""

from typing import Any
from urllib.parse import unquote

from litestar import Request, Response, Router, asgi, get, post
from litestar.config.app import AppConfig
from litestar.exceptions import NotFoundException
from workflow_runtime.asgi import (
    Message,
    Receive,
    Send,
    request_body,
    request_url,
    send_response,
)
from workflow_runtime.headers import Headers, asgi_headers
from workflow_runtime.http import PREFIX, HttpResponse
from workflow_runtime.page import WEB_PATH, web_page
from workflow_runtime.service import Service
from workflow_runtime.webhook_route import Call

from . import PROJECT
from .step_registrations import STEPS

service = Service(PROJECT, STEPS)


def _response(answer: HttpResponse) -> Response[bytes]:
    headers = dict(answer.headers)
    return Response(answer.body, status_code=answer.status, headers=headers)


@post(f"{PREFIX}/flow")
async def flow(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Take one message that a queue pushes."""
    headers = Headers(request.headers.multi_items())
    return _response(await service.flow(headers, request.stream()))


@get(f"{PREFIX}/health")
async def health() -> Response[bytes]:
    """Say which build this is, and how it is."""
    return _response(await service.health())


@get(f"{PREFIX}/manifest.json")
async def manifest() -> Response[bytes]:
    """Show what was built, if the environment allows it."""
    return _response(await service.manifest())


@asgi(f"{PREFIX}/webhook", is_mount=True, copy_scope=True)
async def webhook(scope: Message, receive: Receive, send: Send) -> None:
    """Hand a request to the run that waits for it, whatever its method."""
    if scope["type"] != "http":
        raise NotFoundException
    # a mount has nothing but the token left in its path; the raw one is whole
    token, path = scope["path"].strip("/"), unquote(scope["raw_path"])
    headers, method = asgi_headers(scope), scope["method"]
    url = request_url({**scope, "path": path}, headers)
    body = request_body(receive)
    answer = await service.webhook(Call(token, method, url, headers, body))
    await send_response(send, answer, with_body=method != "HEAD")


router = Router(
    "/",
    route_handlers=[flow, health, manifest, webhook],
    include_in_schema=False,
    opt={"exclude_from_auth": True, "exclude_from_csrf": True},
)


def mount(config: AppConfig) -> AppConfig:
    """Put the workflow routes, and the worker, into the app."""
    config.route_handlers.append(router)
    config.lifespan.append(service.lifespan)
    if (page := web_page()) is not None:
        shown = asgi(WEB_PATH, is_mount=True, copy_scope=True)
        config.route_handlers.append(shown(page))
    return config
