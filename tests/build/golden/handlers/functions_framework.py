"""Written by workflow-build 0.1.0. Do not edit.

The combined handler of this project for the Functions Framework of Google Cloud. On
the function that answers HTTP requests:

    from shop._workflow.functions_framework import mount

    @functions_framework.http
    @mount
    def shop(request): ...

``mount`` gives a function that answers the workflow routes, and hands everything else
on. There is no worker: what a pushed message asks for is done when its request ends.
Set ``WORKFLOW_INVOCATION_BUDGET`` below the time limit of the function.
"""

from collections.abc import Callable
from functools import wraps

from flask import Request, Response
from flask.typing import ResponseReturnValue
from workflow_runtime.bridge import Bridge
from workflow_runtime.places import is_ours
from workflow_runtime.service import Service
from workflow_runtime.wsgi import WsgiRoutes

from . import PROJECT
from .step_registrations import STEPS

service = Service(PROJECT, STEPS)
bridge = Bridge(service, pulls=False)
routes = WsgiRoutes(bridge)

Function = Callable[[Request], ResponseReturnValue]


def mount(rest: Function) -> Function:
    """Give a function that answers what is ours, and hands all else on."""

    @wraps(rest)
    def function(request: Request) -> ResponseReturnValue:
        bridge.ensure()
        if is_ours(request.path):
            return Response.from_app(routes, request.environ)
        return rest(request)

    return function
