"""Operations on their way: from a caller on any event loop to the stream, and back when they have been applied here."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any

from workflow_runtime.errors import WorkflowError
from workflow_runtime.worlds.nats.replica import Outcome
from workflow_runtime.worlds.nats.wire import Operation


@dataclass(frozen=True, slots=True)
class Request:
    """An operation to write, with the blobs that go with it, on a subject."""

    subject: str
    operation: Operation
    blobs: tuple[bytes, ...] = ()


class Pending:
    """One operation, and who awaits it. ``undo`` takes back a result that nobody took, because the caller was cancelled."""

    __slots__ = (
        "_abandoned",
        "_done",
        "_loop",
        "_undo",
        "again_at",
        "begun",
        "blobs",
        "body",
        "deadline",
        "future",
        "headers",
        "stored_at",
        "subject",
    )

    def __init__(self, request: Request, patience: float, undo: Callable[[Any], None] | None) -> None:
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self._loop.create_future()
        self.subject = request.subject
        self.blobs = request.blobs
        self.headers: dict[str, str] = {}
        self.body = b""
        self.begun = (time.monotonic(), time.time())
        self.deadline = self.begun[0] + patience
        self.again_at = inf
        """When it is to be written again, unless the server has answered by then."""
        self.stored_at: int | None = None
        """The operation's place in the stream, once the server has said so."""
        self._undo = undo
        self._done: Outcome | None = None
        self._abandoned = False

    def settle(self, outcome: Outcome) -> None:
        """On the client's thread: that is what it has come to."""
        self._done = outcome
        if self._abandoned:
            self._take_back()
        # A closed loop has nobody left who awaits anything.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._tell, outcome)

    def fail(self, error: WorkflowError) -> None:
        """On the client's thread: it is not known what it has come to, or that it has come to nothing."""
        self.settle(Outcome(error=error))

    def abandon(self) -> None:
        """On the caller's loop: nobody takes the result."""
        self._abandoned = True
        if self._done is not None:
            self._take_back()

    def _take_back(self) -> None:
        # Each side first says its own and then looks at the other's, so at least one of them sees both.
        outcome, undo = self._done, self._undo
        if outcome is not None and outcome.error is None and undo is not None:
            self._undo = None
            undo(outcome.result)

    def _tell(self, outcome: Outcome) -> None:
        if self.future.done():
            return
        if outcome.error is None:
            self.future.set_result(outcome.result)
        else:
            self.future.set_exception(outcome.error)
