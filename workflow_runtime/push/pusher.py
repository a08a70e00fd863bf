"""Pushing messages: each is taken in hand here and passed on with the receipt for it, by which the function takes it over.

From then on it is the function's, as if it had come by it itself: it says that it lives, and acks or hands back. So whether the answer comes, or is
lost, says nothing of whose the message is; the world knows. A message that was not taken over is handed back, to be pushed again.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from workflow_runtime.errors import WorkflowError
from workflow_runtime.handler.patience import goes_on, hand_back
from workflow_runtime.http import SIGNATURE_HEADER, HttpResponse, Push, json_response, sign
from workflow_runtime.logs import log_fields, runtime_logger
from workflow_runtime.metrics import counting
from workflow_runtime.process import held_world, world_url
from workflow_runtime.push.pace import Attempt, Pace
from workflow_runtime.push.request import Answer, post, target_of
from workflow_runtime.retention import removing
from workflow_runtime.service import NOT_STARTED, worker_health
from workflow_runtime.worker import Worker
from workflow_runtime.worker_options import WorkerOptions
from workflow_runtime.worlds.base import Delivery, Message, World
from workflow_runtime.worlds.urls import shown_url

logger = runtime_logger("push")

LOOK = 1.0
"""Seconds between two looks at whether a message has been taken over."""
TAKE = 60.0
"""Seconds in which a function has to take a message over, its cold start included."""
CALL = 3600.0
"""Seconds that a call may last."""
LONGEST_BACKOFF = 60.0

_HINTS = {
    401: "it wants to know who calls; the flow route needs no other protection than its signature",
    403: "is WORKFLOW_SECRET the same on both sides, and do their clocks agree?",
    404: "is there a flow route?",
}


class PushDispatch:
    """A worker that handles no message itself, but brings each to the flow route at a URL."""

    def __init__(self, url: str, secret: str) -> None:
        """Raises ``WorkflowError`` for what is no URL, and without a secret, which signs what is pushed."""
        if not secret:
            raise WorkflowError(
                "WORKFLOW_SECRET is not set: what is pushed has to be signed, with the secret that the functions have too"
            )
        self._target = target_of(url)
        self._secret = secret
        self._tls = ssl.create_default_context()
        self._pace = Pace()
        self._state = NOT_STARTED
        self._begun: dict[str, tuple[Message, Attempt]] = {}
        """What is not known to have been taken over, by receipt."""
        self._world: World | None = None

    @asynccontextmanager
    async def lifespan(self, *, options: WorkerOptions) -> AsyncIterator[None]:
        """Push while the context is open; then wait for calls within the grace, and hand back what was not taken over."""
        async with held_world() as self._world, AsyncExitStack() as stack:
            logger.info(
                "pushing what is due on %s to %s, up to %d messages at once",
                *(shown_url(world_url()), self._target.shown, options.concurrency),
            )
            stack.callback(self._stopped)  # before the world closes: a look would open it again
            stack.enter_context(counting.working_on(self._world))
            await stack.enter_async_context(removing(self._world, options.retention))
            worker = Worker(self, self, concurrency=options.concurrency, grace=options.grace)
            await stack.enter_async_context(worker.running())
            self._state = "pushing"
            try:
                yield
            finally:
                self._state = "draining"

    def _stopped(self) -> None:
        self._state = NOT_STARTED

    async def health(self) -> HttpResponse:
        """200 when the world answers and the worker does not stop, else 503. ``receiver`` tells whether messages are being taken."""
        parts = await worker_health(self._state)
        healthy = self._state == "pushing" and parts["world"] == "ok"
        receiver = "failing" if self._pace.failures else "ok"
        return json_response(200 if healthy else 503, {"healthy": healthy, **parts, "receiver": receiver})

    def in_work(self) -> list[str]:
        """The messages that have not been taken over."""
        begun = list(self._begun.values())  # at once: another thread may ask
        return [
            f"message {message.id} of run {message.run_id}, which nobody has taken over yet" for message, _ in begun
        ]

    def drain(self) -> None:
        """Calls in progress are all that there is to wait for."""

    async def receive(self, limit: int) -> Sequence[Delivery]:
        """See ``Source``: no more messages than somebody takes."""
        assert self._world is not None
        while True:
            deliveries = await self._world.receive(await self._pace.room(limit))
            # Others may have failed while this one waited for messages.
            pause = self._pace.pause
            wanted = 0 if pause else 1 if self._pace.failures else len(deliveries)
            await asyncio.shield(asyncio.gather(*(hand_back(one, pause) for one in deliveries[wanted:])))
            for delivery in deliveries[:wanted]:
                self._begun[delivery.receipt] = delivery.message, self._pace.begin()
            if wanted:
                return deliveries[:wanted]

    async def handle(self, delivery: Delivery) -> None:
        """Push one message."""
        message = delivery.message
        _, attempt = self._begun[delivery.receipt]
        with log_fields(run_id=message.run_id, step=message.step_name, step_id=message.step_id):
            try:
                answer = await self._call(delivery, attempt)
                counting.pushed("none" if answer.status is None else str(answer.status))
                await self._conclude(delivery, attempt, answer)
            finally:
                attempt.settle(taken=False)
                self._begun.pop(delivery.receipt, None)
                # Does nothing when it was taken over, whatever has become of the answer.
                await asyncio.shield(hand_back(delivery, min(LONGEST_BACKOFF, 0.5 * 2 ** min(delivery.count - 1, 7))))

    async def _call(self, delivery: Delivery, attempt: Attempt) -> Answer:
        """POST, and look meanwhile whether the message has been taken over."""
        body = Push(delivery.message.id, delivery.receipt).body()
        headers = {SIGNATURE_HEADER: sign(self._secret, body, time.time())}
        trace = delivery.message.trace
        if trace and trace.isascii() and trace.isprintable():
            headers["traceparent"] = trace
        calling = asyncio.create_task(post(self._target, headers, body, self._tls), name="workflow push")
        began = time.monotonic()
        try:
            while not (await asyncio.wait({calling}, timeout=LOOK))[0]:
                if not attempt.is_settled and not await goes_on(delivery):
                    attempt.settle(taken=True)
                    self._begun.pop(delivery.receipt, None)
                if time.monotonic() - began > (CALL if attempt.is_settled else TAKE):
                    return Answer(None, error=f"no answer within {CALL if attempt.is_settled else TAKE:g} s")
            return calling.result()
        finally:
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)

    async def _conclude(self, delivery: Delivery, attempt: Attempt, answer: Answer) -> None:
        done = answer.status is not None and 200 <= answer.status < 300
        said = f"answered {answer.status}" if answer.status else answer.error
        if attempt.is_settled or not await goes_on(delivery):
            attempt.settle(taken=True)
            if not done:
                logger.warning("%s: %s after it had taken the message; its own to see to", self._target.shown, said)
            return
        hint = _HINTS.get(answer.status or 0, "")
        if done:
            hint = "but has not taken the message: does it look at the same storage?"
        attempt.settle(taken=False, retry_after=answer.retry_after)
        logger.warning(
            "%s: %s%s; message %s comes again, the next push in %.1f s",
            *(self._target.shown, said, f"; {hint}" if hint else "", delivery.message.id, self._pace.pause),
        )
