"""Written by workflow-build 0.1.0. Do not edit.

The combined handler of this project for FastAPI. In the app:

    from shop._workflow.fastapi import mount

    mount(app)

``mount`` puts the routes into the app, and the worker into the app's lifespan. The
lifespan of an app that is itself mounted under another app is not run: mount the
outermost app.
"""

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.endpoints import HTTPEndpoint
from starlette.routing import Route
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


webhook = Route(f"{PREFIX}/webhook/{{token}}", Webhook)
router = APIRouter(
    routes=[webhook],
    include_in_schema=False,
    lifespan=service.lifespan,
)


@router.post(f"{PREFIX}/flow")
async def flow(request: Request) -> Response:
    """Take one message that a queue pushes."""
    return _response(await service.flow(request.headers, request.stream()))


@router.get(f"{PREFIX}/health")
async def health() -> Response:
    """Say which build this is, and how it is."""
    return _response(await service.health())


@router.get(f"{PREFIX}/manifest.json")
async def manifest() -> Response:
    """Show what was built, if the environment allows it."""
    return _response(await service.manifest())


def mount(app: FastAPI) -> None:
    """Put the workflow routes, and the worker, into the app."""
    app.include_router(router)
    if (page := web_page()) is not None:
        app.mount(WEB_PATH, page)
