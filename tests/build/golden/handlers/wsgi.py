"""Written by workflow-build 0.1.0. Do not edit.

The combined handler of this project for any WSGI app. Where the app is made:

    from shop._workflow.wsgi import mount

    app = mount(app)

``mount`` gives an app that answers the workflow routes, and hands everything else on.
It has to be the one that the server serves. A WSGI app is not told when its server
starts: the first request starts the worker of a process, in a thread. To start it
before, call ``bridge.start()`` in the server's hook for new processes, such as
``post_worker_init`` of gunicorn.
"""

from wsgiref.types import WSGIApplication

from workflow_runtime.bridge import Bridge
from workflow_runtime.service import Service
from workflow_runtime.wsgi import WsgiMount

from . import PROJECT
from .step_registrations import STEPS

service = Service(PROJECT, STEPS)
bridge = Bridge(service)


def mount(app: WSGIApplication) -> WsgiMount:
    """Give the app with the workflow routes before it."""
    return WsgiMount(app, bridge)
