"""Written by workflow-build 0.1.0. Do not edit.

The combined handler of this project for Starlette. In the app:

    from shop._workflow.starlette import mount

    mount(app)

``mount`` puts the routes into the app, and the worker into the app's lifespan. The
lifespan of an app that is itself mounted under another app is not run: mount the
outermost app.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from workflow_runtime.http import PREFIX, HttpResponse
from workflow_runtime.page import WEB_PATH, web_page
from workflow_runtime.service import Service
from workflow_runtime.webhook_route import Call

from . import PROJECT
from .step_registrations import STEPS

service = Service(PROJECT, STEPS)


def _response(answer: HttpResponse) -> Response:
    return Response(answer.body, answer.status, dict(answer.headers))


class Webhook(HTTPEndpoint):
    """Hand a request to the run that waits for it, whatever its method."""

    async def dispatch(self) -> None:
        request = Request(self.scope, self.receive)
        token, url = request.path_params["token"], str(request.url)
        headers, body = request.headers, request.stream()
        call = Call(token, request.method, url, headers, body)
        response = _response(await service.webhook(call))
        await response(self.scope, self.receive, self.send)


async def flow(request: Request) -> Response:
    """Take one message that a queue pushes."""
    return _response(await service.flow(request.headers, request.stream()))


async def health(request: Request) -> Response:
    """Say which build this is, and how it is."""
    return _response(await service.health())


async def manifest(request: Request) -> Response:
    """Show what was built, if the environment allows it."""
    return _response(await service.manifest())


routes = [
    Route(f"{PREFIX}/webhook/{{token}}", Webhook),
    Route(f"{PREFIX}/flow", flow, methods=["POST"]),
    Route(f"{PREFIX}/health", health, methods=["GET"]),
    Route(f"{PREFIX}/manifest.json", manifest, methods=["GET"]),
]


def mount(app: Starlette) -> None:
    """Put the workflow routes, and the worker, into the app."""
    app.router.routes.extend(routes)
    if (page := web_page()) is not None:
        app.router.routes.append(Mount(WEB_PATH, page))
    own = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[Any]:
        async with own(app) as state, service.lifespan():
            yield state

    app.router.lifespan_context = lifespan
