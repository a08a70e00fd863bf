"""Written by workflow-build 0.1.0. Do not edit.

The combined handler of this project for Tornado. Where the app is made, and where it
is served:

    from shop._workflow.tornado import mount, service

    mount(app)

    async def main() -> None:
        async with service.lifespan():
            app.listen(8888)
            await asyncio.Event().wait()

``mount`` puts the routes before the app's own, for all hosts. ``service.lifespan`` runs
the worker; Tornado does not tell an app when its server starts. ``routes`` is there for
apps that need them elsewhere, such as under a prefix.
"""

import re
from collections.abc import AsyncIterator

from tornado.web import Application, RequestHandler, stream_request_body
from workflow_runtime.headers import Headers
from workflow_runtime.http import PREFIX, HttpResponse
from workflow_runtime.service import Service
from workflow_runtime.webhook_route import Call, body_limit

from . import PROJECT
from .step_registrations import STEPS

service = Service(PROJECT, STEPS)


class _Any(tuple[str, ...]):
    def __contains__(self, method: object) -> bool:
        return True


@stream_request_body
class _Handler(RequestHandler):
    def initialize(self) -> None:
        self.parts: list[bytes] = []
        self.room = max(service.body_limit, body_limit())

    def check_xsrf_cookie(self) -> None:
        """Who calls has a signature or a token, and no cookie."""

    def data_received(self, chunk: bytes) -> None:
        """Keep as much as shows that a body is too long, and no more."""
        if self.room >= 0:
            self.parts.append(chunk)
            self.room -= len(chunk)

    async def body(self) -> AsyncIterator[bytes]:
        for part in self.parts:
            yield part

    def headers(self) -> Headers:
        return Headers(self.request.headers.get_all())

    async def send(self, answer: HttpResponse) -> None:
        self.set_status(answer.status)
        self.clear_header("Content-Type")
        for name, value in answer.headers.items():
            self.set_header(name, value)
        await self.finish(answer.body or None)


class Flow(_Handler):
    """Take one message that a queue pushes."""

    async def post(self) -> None:
        """Handle the message."""
        await self.send(await service.flow(self.headers(), self.body()))


class Health(_Handler):
    """Say which build this is, and how it is."""

    async def get(self) -> None:
        """Look at the worker and its world."""
        await self.send(await service.health())


class Manifest(_Handler):
    """Show what was built, if the environment allows it."""

    async def get(self) -> None:
        """Read the manifest."""
        await self.send(await service.manifest())


class Webhook(_Handler):
    """Hand a request to the run that waits for it, whatever its method."""

    SUPPORTED_METHODS = _Any()

    def prepare(self) -> None:
        """Tornado calls what is named like the method: see that it is ``post``."""
        self.method, self.request.method = self.request.method, "POST"

    async def post(self, token: str) -> None:
        """Hand the request on, with the method that it came with."""
        self.request.method = self.method
        url, headers = self.request.full_url(), self.headers()
        call = Call(token, self.method, url, headers, self.body())
        await self.send(await service.webhook(call))


routes = [
    (rf"{re.escape(PREFIX)}/webhook/(?P<token>[^/]+)", Webhook),
    (rf"{re.escape(PREFIX)}/flow", Flow),
    (rf"{re.escape(PREFIX)}/health", Health),
    (rf"{re.escape(PREFIX)}/manifest\.json", Manifest),
]


def mount(app: Application) -> None:
    """Put the workflow routes into the app."""
    app.add_handlers(".*", routes)
