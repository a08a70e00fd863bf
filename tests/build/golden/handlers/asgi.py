"""Written by workflow-build 0.1.0. Do not edit.

The combined handler of this project for any ASGI app. Where the app is made:

    from shop._workflow.asgi import mount

    app = mount(app)

``mount`` gives an app that answers the workflow routes, runs the worker in its
lifespan, and hands everything else on. It has to be the one that the server serves.
"""

from workflow_runtime.asgi import AsgiApp, AsgiMount
from workflow_runtime.service import Service

from . import PROJECT
from .step_registrations import STEPS

service = Service(PROJECT, STEPS)


def mount(app: AsgiApp) -> AsgiMount:
    """Give the app with the workflow routes before it, and the worker."""
    return AsgiMount(app, service)
