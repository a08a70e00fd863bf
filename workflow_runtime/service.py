"""The combined handler of one project, as its written modules use it: the worker's life, and what the routes answer."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from importlib import resources

from workflow_runtime.errors import WorldError
from workflow_runtime.handler.drive import HandlerOptions
from workflow_runtime.handler.handler import Handler
from workflow_runtime.http import (
    BODY_LIMIT,
    BUILD_HEADER,
    SIGNATURE_HEADER,
    HttpResponse,
    is_signed,
    json_response,
    parse_message,
    read_limited,
)
from workflow_runtime.process import held_world, process_world, worker_idle, worker_running, world_url
from workflow_runtime.project import ProcessSteps, Project, Registrations, register_steps
from workflow_runtime.staleness import changed_sources
from workflow_runtime.worker import Worker
from workflow_runtime.worlds.base import Message, World

logger = logging.getLogger("workflow_runtime.service")

STEP_THREADS = 32
"""How many sync steps may run at once."""


class Service:
    """One project's handler: give it to a web framework's routes, or run it as a worker."""

    def __init__(self, project: Project, steps: Registrations) -> None:
        steps.require(project.steps)
        register_steps(steps)
        worker_idle(project.package)
        for step_id, error in steps.failures.items():
            logger.error("%s can not run: its module fails to import: %s", step_id, error, exc_info=error)
        self._project = project
        self._steps = steps
        self._handler: Handler | None = None

    @property
    def body_limit(self) -> int:
        """The most bytes that ``flow`` reads of a body."""
        return BODY_LIMIT

    @asynccontextmanager
    async def lifespan(self, app: object = None) -> AsyncIterator[None]:
        """Open the process's world and run a worker on this event loop while the context is open."""
        threads = ThreadPoolExecutor(STEP_THREADS, thread_name_prefix="workflow-step")
        options = HandlerOptions(check_replay=os.environ.get("WORKFLOW_CHECK_REPLAY") == "1")
        try:
            async with held_world() as world:
                self._handler = handler = Handler(world, ProcessSteps(), threads, options)
                logger.info("worker for %s on %s", self._project.package, world_url())
                for path in changed_sources(self._project):
                    logger.warning(
                        "%s changed since workflow-build ran; runs use the code as it was then: run it again", path
                    )
                async with Worker(world, handler).running():
                    worker_running(self._project.package)
                    try:
                        yield
                    finally:
                        self._handler = None  # from here on, a push or a look would open the world again
        finally:
            self._handler = None
            worker_idle(self._project.package)
            threads.shutdown(wait=False, cancel_futures=True)

    async def flow(self, headers: Mapping[str, str], body: AsyncIterable[bytes]) -> HttpResponse:
        """Handle one pushed queue message. 200: done; 503 with ``retry-after``: push it again; 403: not signed with the
        shared secret.

        The secret is ``WORKFLOW_SECRET``. Without one, every push is refused.
        """
        content = await read_limited(body)
        if content is None:
            return json_response(413, {"error": "body too large"})
        secret = os.environ.get("WORKFLOW_SECRET", "")
        if not secret or not is_signed(secret, content, headers.get(SIGNATURE_HEADER, ""), time.time()):
            return json_response(403, {"error": "not signed"})
        message = parse_message(content)
        if message is None:
            return json_response(400, {"error": "not a message"})
        if self._handler is None:
            return json_response(503, {"error": "not started"}, {"retry-after": "1"})
        delivery = PushedDelivery(message, await process_world())
        await self._handler.handle(delivery, pushed=True)
        return delivery.answer()

    async def health(self) -> HttpResponse:
        """200 when the world answers and every step's module imports, else 503. Names which part ails, and nothing of
        why.
        """
        running = self._handler is not None
        parts = {
            "worker": "running" if running else "not started",
            "world": await _world_health() if running else "not opened",
            "unavailable_steps": sorted(self._steps.failures),
        }
        healthy = parts["world"] == "ok" and not parts["unavailable_steps"]
        content = {"healthy": healthy, "build": self._project.build, "steps": len(self._steps), **parts}
        return json_response(200 if healthy else 503, content, {BUILD_HEADER: self._project.build})

    async def manifest(self) -> HttpResponse:
        """The build's manifest when ``WORKFLOW_PUBLIC_MANIFEST`` is 1, else 404."""
        if os.environ.get("WORKFLOW_PUBLIC_MANIFEST") != "1":
            return json_response(404, {"error": "not found"})
        file = resources.files(self._project.package).joinpath("manifest.json")
        if not file.is_file():  # some packagers ship modules only
            return json_response(404, {"error": "not shipped"})
        text = file.read_text("utf-8")
        return json_response(200, json.loads(text), {BUILD_HEADER: self._project.build})


class PushedDelivery:
    """A message that a queue pushed over HTTP. Who pushed it keeps hold of it, and removes it when told that it is
    done.
    """

    def __init__(self, message: Message, world: World) -> None:
        self._message = message
        self._world = world
        self._pause: float | None = None

    @property
    def message(self) -> Message:
        """The message as it was sent."""
        return self._message

    @property
    def count(self) -> int:
        """Always 1: who pushes counts."""
        return 1

    async def ack(self) -> None:
        """Answer that the message is done."""
        self._pause = None

    async def again(self, after: float = 0.0) -> None:
        """Answer that the message shall be pushed again, ``after`` seconds from now."""
        self._pause = after

    async def extend(self) -> bool:
        """Whether the run still wants the work."""
        return not (await self._world.load(self._message.run_id, after=2**62)).run.status.ended

    def answer(self) -> HttpResponse:
        """What to tell who pushed it."""
        if self._pause is None:
            return json_response(200, {"done": True})
        return json_response(503, {"done": False}, {"retry-after": f"{self._pause:.3f}"})


async def _world_health() -> str:
    try:
        await (await process_world()).list_runs(limit=1)
    except WorldError:
        return "unreachable"
    return "ok"
