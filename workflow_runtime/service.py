"""The combined handler of one project, as its written modules use it: the worker's life, and what the routes answer."""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from functools import partial
from importlib import resources
from typing import Any

from workflow_runtime.errors import WorldError
from workflow_runtime.handler.handler import Handler
from workflow_runtime.handler.options import options_from
from workflow_runtime.handler.threads import StepThreads
from workflow_runtime.http import (
    BODY_LIMIT,
    BUILD_HEADER,
    SIGNATURE_HEADER,
    HttpResponse,
    is_signed,
    json_response,
    pushed_message,
    read_limited,
)
from workflow_runtime.logs import runtime_logger
from workflow_runtime.metrics import counting
from workflow_runtime.process import held_world, process_world, worker_idle, worker_running, world_url
from workflow_runtime.project import ProcessSteps, Project, Registrations, register_steps
from workflow_runtime.relief import decisions_due
from workflow_runtime.retention import removing
from workflow_runtime.staleness import changed_sources
from workflow_runtime.tracing import pushing
from workflow_runtime.webhook_route import Call, answer_webhook, body_limit
from workflow_runtime.worker import Worker
from workflow_runtime.worker_options import WorkerOptions, worker_options
from workflow_runtime.worlds.base import QueueDepth
from workflow_runtime.worlds.urls import shown_url

logger = runtime_logger("service")

STEP_THREADS = 32
"""How many sync steps may run at once, beside those that wait for runs."""
NOT_STARTED = "not started"


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
        """Handles what is pushed; None while nothing is to be."""
        self._in_work: Handler | None = None
        self._state = NOT_STARTED
        self._webhook_limit = body_limit()

    @property
    def body_limit(self) -> int:
        """The most bytes that ``flow`` reads of a body."""
        return BODY_LIMIT

    @asynccontextmanager
    async def lifespan(
        self, app: object = None, *, pulls: bool = True, options: WorkerOptions | None = None
    ) -> AsyncIterator[None]:
        """Open the process's world and run a worker on this event loop while the context is open; ``options`` are the environment's if not given.

        Without ``pulls`` there is no worker: all that is handled is what comes to ``flow`` and ``pushed``, as on platforms that let a process
        run only while it has a request. Raises ``WorldError``, and ``WorkflowError`` when a setting makes no sense.
        """
        threads = StepThreads(STEP_THREADS)
        chosen, handler_options = options or worker_options(), options_from()
        worker_running(self._project.package)  # or will, at once: what is started meanwhile need not warn
        try:
            async with held_world() as world, AsyncExitStack() as stack:
                stack.callback(self._stopped)  # before the world closes: a look would open it again
                self._in_work = handler = Handler(world, ProcessSteps(), threads, handler_options)
                self._say(chosen, pulls=pulls)
                stack.enter_context(counting.working_on(world))
                if pulls:
                    await stack.enter_async_context(removing(world, chosen.retention))
                    relief = partial(decisions_due, world)
                    worker = Worker(world, handler, concurrency=chosen.concurrency, grace=chosen.grace, relief=relief)
                    await stack.enter_async_context(worker.running())
                self._handler, self._state = handler, "running" if pulls else "none"
                try:
                    yield
                finally:
                    self._handler, self._state = None, "draining"  # from here on, pushes are for others
        finally:
            worker_idle(self._project.package)
            threads.shutdown(wait=False, cancel_futures=True)

    def _stopped(self) -> None:
        self._state, self._in_work = NOT_STARTED, None

    def _say(self, options: WorkerOptions, *, pulls: bool) -> None:
        where = f"{self._project.package} on {shown_url(world_url())}"
        if pulls:
            logger.info(
                "worker for %s; up to %d messages at once, %g s of grace", where, options.concurrency, options.grace
            )
        else:
            logger.info("handler of pushed messages for %s", where)
        for path in changed_sources(self._project):
            logger.warning("%s changed since workflow-build ran; runs use the code as it was then: run it again", path)

    def in_work(self) -> list[str]:
        """The attempts of steps that run now, in words."""
        return [] if self._in_work is None else self._in_work.in_work()

    async def flow(self, headers: Mapping[str, str], body: AsyncIterable[bytes]) -> HttpResponse:
        """Handle the message of the queue that a push names. 200: this push is done with; 403: it is not signed with the shared secret.

        A message that somebody else has in hand, or that is gone, is left alone: pushing one twice does nothing twice. Whoever pushes may have
        it in hand, and gives the receipt. One that has to come again later is in the queue again. The secret is ``WORKFLOW_SECRET``; without
        one, every push is refused.
        """
        content = await read_limited(body)
        if content is None:
            return json_response(413, {"error": "body too large"})
        secret = os.environ.get("WORKFLOW_SECRET", "")
        if not secret or not is_signed(secret, content, headers.get(SIGNATURE_HEADER, ""), time.time()):
            return json_response(403, {"error": "not signed"})
        return await self.pushed(headers, content)

    async def pushed(self, headers: Mapping[str, str], content: bytes) -> HttpResponse:
        """What ``flow`` does with a push that is known to come from the queue, as a platform itself hands it over: nothing has to sign it."""
        push = pushed_message(content)
        if push is None:
            return json_response(400, {"error": "not a message"})
        if self._handler is None:
            return json_response(503, {"error": "not started"}, {"retry-after": "1"})
        try:
            delivery = await (await process_world()).take(push.message_id, push.receipt)
        except WorldError as error:
            logger.error("pushed message %s could not be taken from the queue: %s", push.message_id, error)
            return json_response(503, {"error": "not available"}, {"retry-after": "1"})
        if delivery is not None:
            with pushing(headers):
                await self._handler.handle(delivery)
        return json_response(200, {"done": True})

    async def webhook(self, call: Call) -> HttpResponse:
        """Hand a request to the run whose webhook has the token, and answer as the webhook says; see ``answer_webhook``."""
        try:
            return await answer_webhook(await process_world(), call, self._webhook_limit)
        except WorldError as error:
            logger.error("a request to a webhook was not stored: %s", error)
            return HttpResponse(503, {"retry-after": "1"})

    async def health(self) -> HttpResponse:
        """200 when the world answers, every step's module imports and the worker does not stop, else 503. Names which part ails, and nothing
        of why; counts what waits in the queue.
        """
        parts = {**await worker_health(self._state), "unavailable_steps": sorted(self._steps.failures)}
        healthy = self._handler is not None and parts["world"] == "ok" and not parts["unavailable_steps"]
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


async def worker_health(state: str) -> dict[str, Any]:
    """The parts of a health answer that are about a worker in that state, and the process's world."""
    started = state != NOT_STARTED
    depth = await _queue_depth() if started else None
    return {
        "worker": state,
        "world": "not opened" if not started else "unreachable" if depth is None else "ok",
        "queue": None if depth is None else asdict(depth),
    }


async def _queue_depth() -> QueueDepth | None:
    """None when the world can not be reached."""
    try:
        return await (await process_world()).queue_depth()
    except WorldError:
        return None
