"""Written by workflow-build 0.1.0. Do not edit.

The combined handler of this project for Azure Functions. In function_app.py:

    from shop._workflow.azure_functions import mount

    mount(app)

``mount`` registers functions for the workflow routes. There is no worker: what a pushed
message asks for is done when its request ends. Set ``WORKFLOW_INVOCATION_BUDGET`` below
the ``functionTimeout`` of host.json.
"""

import io

import azure.functions as func
from workflow_runtime.bridge import Bridge
from workflow_runtime.headers import Headers
from workflow_runtime.http import PREFIX, HttpResponse
from workflow_runtime.service import Service

from . import PROJECT
from .step_registrations import STEPS

service = Service(PROJECT, STEPS)
bridge = Bridge(service, pulls=False)


def _response(answer: HttpResponse) -> func.HttpResponse:
    headers, status = dict(answer.headers), answer.status
    return func.HttpResponse(answer.body, status_code=status, headers=headers)


def flow(req: func.HttpRequest) -> func.HttpResponse:
    """Take one message that a queue pushes."""
    headers, body = Headers(req.headers.items()), io.BytesIO(req.get_body())
    return _response(bridge.flow(headers, body))


def health(req: func.HttpRequest) -> func.HttpResponse:
    """Say which build this is, and how it is."""
    return _response(bridge.health())


def manifest(req: func.HttpRequest) -> func.HttpResponse:
    """Show what was built, if the environment allows it."""
    return _response(bridge.manifest())


def webhook(req: func.HttpRequest) -> func.HttpResponse:
    """Hand a request to the run that waits for it, whatever its method."""
    token, method, url = req.route_params["token"], req.method, req.url
    headers, body = Headers(req.headers.items()), io.BytesIO(req.get_body())
    return _response(bridge.webhook(token, method, url, headers, body))


def mount(app: func.FunctionApp) -> None:
    """Register the functions of the workflow routes."""
    root, level = PREFIX.lstrip("/"), func.AuthLevel.ANONYMOUS
    routes = (
        ("flow", flow, "flow", ("POST",)),
        ("health", health, "health", ("GET",)),
        ("manifest", manifest, "manifest.json", ("GET",)),
        ("webhook", webhook, "webhook/{token}", None),
    )
    for name, function, tail, methods in routes:
        path = f"{root}/{tail}"
        route = app.route(path, methods=methods, auth_level=level)
        app.function_name(f"workflow_{name}")(route(function))
