"""Written by workflow-build 0.1.0. Do not edit.

The combined handler of this project for Flask. In the app:

    from shop._workflow.flask import mount

    mount(app)

``mount`` registers a blueprint with the routes. A Flask app is not told when its server
starts: the first request starts the worker of a process, in a thread. To start it
before, call ``bridge.start()`` in the server's hook for new processes, such as
``post_worker_init`` of gunicorn. With CSRF protection, exempt ``blueprint`` from it.
"""

from flask import Blueprint, Flask, Response, request
from flask.blueprints import BlueprintSetupState
from werkzeug.routing import Rule
from workflow_runtime.bridge import Bridge
from workflow_runtime.headers import Headers
from workflow_runtime.http import PREFIX, HttpResponse
from workflow_runtime.service import Service

from . import PROJECT
from .step_registrations import STEPS

service = Service(PROJECT, STEPS)
bridge = Bridge(service)
blueprint = Blueprint("workflow", __name__)
blueprint.before_app_request(bridge.ensure)


def _response(answer: HttpResponse) -> Response:
    return Response(answer.body, answer.status, dict(answer.headers))


@blueprint.post(f"{PREFIX}/flow")
def flow() -> Response:
    """Take one message that a queue pushes."""
    headers = Headers(request.headers.items())
    return _response(bridge.flow(headers, request.stream))


@blueprint.get(f"{PREFIX}/health")
def health() -> Response:
    """Say which build this is, and how it is."""
    return _response(bridge.health())


@blueprint.get(f"{PREFIX}/manifest.json")
def manifest() -> Response:
    """Show what was built, if the environment allows it."""
    return _response(bridge.manifest())


def webhook(token: str) -> Response:
    """Hand a request to the run that waits for it, whatever its method."""
    method, url, body = request.method, request.url, request.stream
    headers = Headers(request.headers.items())
    return _response(bridge.webhook(token, method, url, headers, body))


@blueprint.record
def _add_webhook(state: BlueprintSetupState) -> None:
    """Flask's own rules name their methods; one without takes any."""
    endpoint = f"{state.name_prefix}.{state.name}.webhook".lstrip(".")
    path = f"{state.url_prefix or ''}{PREFIX}/webhook/<token>"
    rule = Rule(path, endpoint=endpoint, subdomain=state.subdomain)
    state.app.url_map.add(rule)
    state.app.view_functions[endpoint] = webhook


def mount(app: Flask) -> None:
    """Put the workflow routes into the app."""
    app.register_blueprint(blueprint)
