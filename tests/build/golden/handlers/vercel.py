"""Written by workflow-build 0.1.0. Do not edit.

The combined handler of this project for Vercel. Where the app is made, as the last
thing that is done to it:

    from shop._workflow.vercel import mount

    app = mount(app)

``mount`` takes an app of any framework, ASGI or WSGI, and gives one that answers the
workflow routes and hands everything else on. There is no worker: what a pushed message
asks for is done when its request ends. Set ``WORKFLOW_INVOCATION_BUDGET`` below the
``maxDuration`` of the function.
"""

import inspect
from typing import cast, overload
from wsgiref.types import WSGIApplication

from workflow_runtime.asgi import AsgiApp, AsgiMount
from workflow_runtime.bridge import Bridge
from workflow_runtime.service import Service
from workflow_runtime.wsgi import WsgiMount

from . import PROJECT
from .step_registrations import STEPS

service = Service(PROJECT, STEPS)
bridge = Bridge(service, pulls=False)


@overload
def mount(app: WSGIApplication) -> WsgiMount: ...


@overload
def mount(app: AsgiApp) -> AsgiMount: ...


def mount(app: AsgiApp | WSGIApplication) -> AsgiMount | WsgiMount:
    """Give the app with the workflow routes before it."""
    calls = (app, type(app).__call__)
    if any(inspect.iscoroutinefunction(call) for call in calls):
        return AsgiMount(cast(AsgiApp, app), service, pulls=False)
    return WsgiMount(cast(WSGIApplication, app), bridge)
