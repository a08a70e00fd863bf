"""Written by workflow-build 0.1.0. Do not edit.

The combined handler of this project for Bottle. In the app:

    from shop._workflow.bottle import mount

    mount(app)

``mount`` adds the routes. A Bottle app is not told when its server starts: the first
request starts the worker of a process, in a thread. To start it before, call
``bridge.start()`` in the server's hook for new processes, such as
``post_worker_init`` of gunicorn. Without an app of your own, it is
``mount(bottle.default_app())``.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

import bottle  # type: ignore[import-untyped,unused-ignore]  # it has no types
from workflow_runtime.bridge import Bridge, Readable
from workflow_runtime.headers import wsgi_headers
from workflow_runtime.http import PREFIX, HttpResponse
from workflow_runtime.service import Service
from workflow_runtime.wsgi import request_body

from . import PROJECT
from .step_registrations import STEPS

METHODS = ["ANY", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
"""A route for any method stands behind all routes that name theirs."""

service = Service(PROJECT, STEPS)
bridge = Bridge(service)


def flow(**_: str) -> Any:
    """Take one message that a queue pushes."""
    headers = wsgi_headers(bottle.request.environ)
    return _response(bridge.flow(headers, _body()))


def health(**_: str) -> Any:
    """Say which build this is, and how it is."""
    return _response(bridge.health())


def manifest(**_: str) -> Any:
    """Show what was built, if the environment allows it."""
    return _response(bridge.manifest())


def webhook(token: str, **_: str) -> Any:
    """Hand a request to the run that waits for it, whatever its method."""
    method, url = bottle.request.method, bottle.request.url
    headers = wsgi_headers(bottle.request.environ)
    return _response(bridge.webhook(token, method, url, headers, _body()))


def mount(app: Any) -> None:
    """Put the workflow routes into the app."""
    app.route(f"{PREFIX}/flow", "POST", flow)
    app.route(f"{PREFIX}/health", "GET", health)
    app.route(f"{PREFIX}/manifest.json", "GET", manifest)
    app.route(f"{PREFIX}/webhook/<token>", METHODS, webhook)
    app.add_hook("before_request", bridge.ensure)
    app.install(_ensure)  # the hooks of a mounted app are not called


def _ensure(callback: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(callback)
    def ensured(*args: Any, **values: Any) -> Any:
        bridge.ensure()
        return callback(*args, **values)

    return ensured


def _body() -> Readable:
    """The body from its beginning, though a hook may have read it."""
    environ = bottle.request.environ
    if "bottle.request.body" not in environ:
        return request_body(environ)
    read: Readable = bottle.request.body
    return read


def _response(answer: HttpResponse) -> Any:
    headers = dict(answer.headers)
    return bottle.HTTPResponse(answer.body, answer.status, headers)
