"""Written by workflow-build 0.1.0. Do not edit.

The combined handler of this project for Quart. In the app:

    from shop._workflow.quart import mount

    mount(app)

``mount`` registers a blueprint with the routes, and with the worker, which runs while
the app is served. With CSRF protection, exempt ``blueprint`` from it.
"""

from collections.abc import AsyncGenerator

from quart import Blueprint, Quart, Response, request
from quart.blueprints import BlueprintSetupState
from quart.routing import QuartRule
from workflow_runtime.headers import Headers
from workflow_runtime.http import PREFIX, HttpResponse
from workflow_runtime.page import with_page
from workflow_runtime.service import Service
from workflow_runtime.webhook_route import Call

from . import PROJECT
from .step_registrations import STEPS

service = Service(PROJECT, STEPS)
blueprint = Blueprint("workflow", __name__)


@blueprint.while_app_serving
async def _worker() -> AsyncGenerator[None, None]:
    async with service.lifespan():
        yield


def _response(answer: HttpResponse) -> Response:
    return Response(answer.body, answer.status, dict(answer.headers))


@blueprint.post(f"{PREFIX}/flow")
async def flow() -> Response:
    """Take one message that a queue pushes."""
    headers = Headers(request.headers.items())
    return _response(await service.flow(headers, request.body))


@blueprint.get(f"{PREFIX}/health")
async def health() -> Response:
    """Say which build this is, and how it is."""
    return _response(await service.health())


@blueprint.get(f"{PREFIX}/manifest.json")
async def manifest() -> Response:
    """Show what was built, if the environment allows it."""
    return _response(await service.manifest())


async def webhook(token: str) -> Response:
    """Hand a request to the run that waits for it, whatever its method."""
    method, url, body = request.method, request.url, request.body
    headers = Headers(request.headers.items())
    call = Call(token, method, url, headers, body)
    return _response(await service.webhook(call))


@blueprint.record
def _add_webhook(state: BlueprintSetupState) -> None:
    """Quart's own rules name their methods; one without takes any."""
    endpoint = f"{state.name_prefix}.{state.name}.webhook".lstrip(".")
    path = f"{state.url_prefix or ''}{PREFIX}/webhook/<token>"
    rule = QuartRule(path, endpoint=endpoint, subdomain=state.subdomain)
    state.app.url_map.add(rule)
    state.app.view_functions[endpoint] = webhook


def mount(app: Quart) -> None:
    """Put the workflow routes, and the worker, into the app."""
    app.register_blueprint(blueprint)
    # by setattr, since this is what Quart's asgi_app is for, and typed as a method
    setattr(app, "asgi_app", with_page(app.asgi_app))  # noqa: B010
