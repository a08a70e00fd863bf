"""Written by workflow-build 0.1.0. Do not edit.

The combined handler of this project for aiohttp. In the app:

    from shop._workflow.aiohttp import mount

    mount(app)

``mount`` puts the routes into the app's router, and the worker into its
``cleanup_ctx``. In a sub-app, mount before ``add_subapp``.
"""

from collections.abc import AsyncIterator

from aiohttp import web
from workflow_runtime.http import PREFIX, HttpResponse
from workflow_runtime.service import Service
from workflow_runtime.webhook_route import Call

from . import PROJECT
from .step_registrations import STEPS

service = Service(PROJECT, STEPS)
routes = web.RouteTableDef()


def _response(answer: HttpResponse) -> web.Response:
    status, headers = answer.status, answer.headers
    return web.Response(body=answer.body, status=status, headers=headers)


@routes.post(f"{PREFIX}/flow")
async def flow(request: web.Request) -> web.Response:
    """Take one message that a queue pushes."""
    body = request.content.iter_any()
    return _response(await service.flow(request.headers, body))


@routes.get(f"{PREFIX}/health")
async def health(request: web.Request) -> web.Response:
    """Say which build this is, and how it is."""
    return _response(await service.health())


@routes.get(f"{PREFIX}/manifest.json")
async def manifest(request: web.Request) -> web.Response:
    """Show what was built, if the environment allows it."""
    return _response(await service.manifest())


@routes.route("*", f"{PREFIX}/webhook/{{token:[^/]+}}")
async def webhook(request: web.Request) -> web.Response:
    """Hand a request to the run that waits for it, whatever its method."""
    token, url = request.match_info["token"], str(request.url)
    headers, body = request.headers, request.content.iter_any()
    call = Call(token, request.method, url, headers, body)
    return _response(await service.webhook(call))


async def _worker(app: web.Application) -> AsyncIterator[None]:
    async with service.lifespan():
        yield


def mount(app: web.Application) -> None:
    """Put the workflow routes, and the worker, into the app."""
    app.add_routes(routes)
    app.cleanup_ctx.append(_worker)
