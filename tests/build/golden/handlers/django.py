"""Written by workflow-build 0.1.0. Do not edit.

The combined handler of this project for Django. In the project's urls.py:

    urlpatterns = [path("", include("shop._workflow.django")), ...]

The views work under ASGI and under WSGI. Django is not told when its server starts: the
first request starts the worker of a process, in a thread. To start it before, wrap the
application in asgi.py, ``application = mount(get_asgi_application())``; under WSGI call
``bridge.start()`` in the server's hook for new processes, such as ``post_worker_init``
of gunicorn. Requests are known by signatures and tokens, so that neither CSRF protection
nor ``LoginRequiredMiddleware`` applies to them.
"""

from django.contrib.auth.decorators import login_not_required
from django.core.handlers.asgi import ASGIHandler
from django.core.signals import request_finished, request_started
from django.dispatch import receiver
from django.http import HttpRequest
from django.http import HttpResponse as DjangoResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe
from workflow_runtime.asgi_worker import AsgiWorker
from workflow_runtime.bridge import Bridge
from workflow_runtime.headers import Headers
from workflow_runtime.http import PREFIX, HttpResponse
from workflow_runtime.page import with_page
from workflow_runtime.service import Service

from . import PROJECT
from .step_registrations import STEPS

service = Service(PROJECT, STEPS)
bridge = Bridge(service)


@receiver([request_started, request_finished])
def _start_worker(**_: object) -> None:
    """The first request may import this module when it has already started."""
    bridge.ensure()


def _response(answer: HttpResponse) -> DjangoResponse:
    headers = dict(answer.headers)
    return DjangoResponse(answer.body, status=answer.status, headers=headers)


@csrf_exempt
@login_not_required
@require_POST
async def flow(request: HttpRequest) -> DjangoResponse:
    """Take one message that a queue pushes."""
    headers = Headers(request.headers.items())
    return _response(await bridge.aflow(headers, request))


@login_not_required
@require_safe
async def health(request: HttpRequest) -> DjangoResponse:
    """Say which build this is, and how it is."""
    return _response(await bridge.ahealth())


@login_not_required
@require_safe
async def manifest(request: HttpRequest) -> DjangoResponse:
    """Show what was built, if the environment allows it."""
    return _response(await bridge.amanifest())


@csrf_exempt
@login_not_required
async def webhook(request: HttpRequest, token: str) -> DjangoResponse:
    """Hand a request to the run that waits for it, whatever its method."""
    method, url = request.method or "", request.build_absolute_uri()
    headers = Headers(request.headers.items())
    answer = await bridge.awebhook(token, method, url, headers, request)
    return _response(answer)


app_name = "workflow"
urlpatterns = [
    path(f"{PREFIX[1:]}/flow", flow, name="flow"),
    path(f"{PREFIX[1:]}/health", health, name="health"),
    path(f"{PREFIX[1:]}/manifest.json", manifest, name="manifest"),
    path(f"{PREFIX[1:]}/webhook/<token>", webhook, name="webhook"),
]


def mount(application: ASGIHandler) -> AsgiWorker:
    """Give the application that starts the worker with its ASGI server."""
    return AsgiWorker(with_page(application), bridge)
