"""Written by workflow-build 0.1.0. Do not edit.

The combined handler of this project for Pyramid. Where the app is configured:

    config.include("shop._workflow.pyramid")

A Pyramid app is not told when its server starts: the first request starts the worker of
a process, in a thread. To start it before, call ``bridge.start()`` in the server's hook
for new processes, such as ``post_worker_init`` of gunicorn. Requests are known by
signatures and tokens, so that CSRF checks and default permissions do not apply to them.
"""

from typing import Any

from workflow_runtime.bridge import Bridge
from workflow_runtime.headers import Headers
from workflow_runtime.http import PREFIX, HttpResponse
from workflow_runtime.service import Service

from . import PROJECT
from .step_registrations import STEPS

service = Service(PROJECT, STEPS)
bridge = Bridge(service)

OPEN = {"permission": "__no_permission_required__", "require_csrf": False}


def _response(request: Any, answer: HttpResponse) -> Any:
    response = request.response
    response.status_code = answer.status
    response.headers.update(answer.headers)
    response.body = answer.body
    return response


def flow(request: Any) -> Any:
    """Take one message that a queue pushes."""
    headers = Headers(request.headers.items())
    return _response(request, bridge.flow(headers, request.body_file))


def health(request: Any) -> Any:
    """Say which build this is, and how it is."""
    return _response(request, bridge.health())


def manifest(request: Any) -> Any:
    """Show what was built, if the environment allows it."""
    return _response(request, bridge.manifest())


def webhook(request: Any) -> Any:
    """Hand a request to the run that waits for it, whatever its method."""
    token, method = request.matchdict["token"], request.method
    headers, body = Headers(request.headers.items()), request.body_file
    answer = bridge.webhook(token, method, request.url, headers, body)
    return _response(request, answer)


def _start_worker(event: Any) -> None:
    bridge.ensure()


def includeme(config: Any) -> None:
    """Put the workflow routes into the app; ``config.include`` calls this."""
    for view, tail, method in (
        (flow, "flow", "POST"),
        (health, "health", "GET"),
        (manifest, "manifest.json", "GET"),
        (webhook, "webhook/{token}", None),
    ):
        name = f"workflow.{view.__name__}"
        config.add_route(name, f"{PREFIX}/{tail}", request_method=method)
        config.add_view(view, route_name=name, **OPEN)
    config.add_subscriber(_start_worker, "pyramid.events.NewRequest")
