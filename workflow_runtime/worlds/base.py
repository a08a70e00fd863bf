"""The world: storage and queue behind one interface.

Each sentence of a docstring below is a promise, and ``workflow_runtime.testing.conformance`` has a test for it. All methods may be called from
any event loop of the process. Times are unix seconds. Any method raises ``WorldError`` when the storage fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from workflow_runtime.events import Event, Json


class RunStatus(StrEnum):
    """Where a run stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing can happen to the run any more."""
        return self not in (RunStatus.PENDING, RunStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run without its log. ``slot`` is the slot of the last event in its log."""

    id: str
    workflow: str
    bundle: str
    status: RunStatus
    created_at: float
    started_at: float | None
    ended_at: float | None
    slot: int


@dataclass(frozen=True, slots=True)
class Log:
    """A run with the events that were asked for, in slot order and without holes."""

    run: RunInfo
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """What the queue carries. ``id`` is stable over redeliveries; ``due`` is when it may first be delivered, 0 for now."""

    id: str
    run_id: str
    step_id: str | None = None
    """The correlation id of the step to execute; None for a message that is about the run as a whole."""
    step_name: str | None = None
    """The id of the step's function, so that the step can be executed without reading the log."""
    key: str | None = None
    due: float = 0.0


@dataclass(frozen=True, slots=True)
class Committed:
    """The events as they landed, with their slots."""

    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was written; ``missed`` are the events after the slot that the caller knew of."""

    missed: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """Whether the fact landed now. False: the entity's state forbade it (already ended, another attempt owns the step)."""

    landed: bool


class StartStatus(StrEnum):
    """What became of the wish to start a step."""

    STARTED = "started"
    RUNNING = "running"
    """Somebody else runs it and is alive."""
    TOO_EARLY = "too_early"
    """Its retry time has not come."""
    ENDED = "ended"
    """The step, or its whole run, has an outcome."""


@dataclass(frozen=True, slots=True)
class StepStart:
    """The answer to ``start_step``. All but ``status`` and ``retry_at`` matter only when it is STARTED."""

    status: StartStatus
    attempt: int = 0
    """The 1-based count of starts, this one included."""
    failures: int = 0
    """How many counted failures (``step_retrying`` with ``counted`` true) stand in the log."""
    retryings: int = 0
    """How many ``step_retrying`` stand in the log, counted or not."""
    input: Json = None
    """The encoded call, from ``step_created``."""
    retry_at: float = 0.0
    """With TOO_EARLY: when to come back."""


class Delivery(Protocol):
    """One message in the hands of one handler. While it is neither acked nor handed back and its owner lives, nobody else gets it."""

    @property
    def message(self) -> Message:
        """The message as it was sent."""

    @property
    def count(self) -> int:
        """How often this message has been delivered, this time included."""

    async def ack(self) -> None:
        """Remove the message for good. Does nothing when it is gone already."""

    async def again(self, after: float = 0.0) -> None:
        """Hand the message back, to be delivered again ``after`` seconds from now, with the same id."""

    async def extend(self) -> bool:
        """Say that the handler lives, and learn whether to go on: False once the run has ended or another has the message."""


class World(Protocol):
    """Storage and queue of runs."""

    async def open(self) -> None:
        """Make ready, creating the storage when it is not there. Opening twice is opening once."""

    async def close(self) -> None:
        """Let go of everything: messages in hand go back to the queue at once. Closing twice is closing once."""

    async def create_run(self, run_id: str, created: Event, message: Message) -> RunInfo:
        """Write the run with ``created`` (kind ``run_created``) in slot 1 and send its first message, in one transaction.

        When the run is there already, write nothing and return it as it is.
        """

    async def load(self, run_id: str, after: int = 0) -> Log:
        """The run and its events after slot ``after``. Raises ``RunNotFoundError``."""

    async def list_runs(
        self, *, status: RunStatus | None = None, workflow: str | None = None, limit: int = 100
    ) -> list[RunInfo]:
        """Runs, newest first, at most ``limit``."""

    async def wait_for_end(self, run_id: str, timeout: float | None = None) -> RunInfo:
        """Return once the run has ended. Raises ``TimeoutError`` after ``timeout`` seconds, ``RunNotFoundError``."""

    async def commit(
        self,
        run_id: str,
        after: int,
        events: Sequence[Event],
        *,
        sends: Sequence[Message] = (),
        ack: Delivery | None = None,
    ) -> Committed | Refused:
        """Append ``events``, send ``sends`` and ack ``ack``, if the log still ends at slot ``after``; else write nothing at all.

        All of it is one transaction. The events take the slots ``after + 1`` and on. Nothing can follow the run's end. When the run ends,
        its messages that nobody has in hand are removed. Raises ``RunNotFoundError``.
        """

    async def record(
        self, run_id: str, event: Event, *, sends: Sequence[Message] = (), ack: Delivery | None = None
    ) -> Recorded:
        """Append one fact at whatever slot is next, send ``sends`` and ack ``ack``, in one transaction.

        When the entity's state forbids the fact (the run or the step or the wait has ended, the outcome's ``attempt`` is not the one
        that runs now), the fact and the sends are dropped, the ack still happens, and the answer says so. Raises ``RunNotFoundError``.
        """

    async def start_step(self, run_id: str, step_id: str, message_id: str, now: float) -> StepStart:
        """Append ``step_started`` owned by ``message_id``, if the step may start now.

        It may when it is neither ended nor waiting for its retry time, and nobody else runs it. A step is run by the message under which it was
        started: that same message may start it again at once (its handler died), another only when the owning message is gone or
        in nobody's hands. Raises ``RunNotFoundError``.
        """

    async def send(self, message: Message) -> None:
        """Put a message in the queue. One with the id of a message that is in the queue is dropped.

        One with the ``key`` of a message that nobody has in hand is dropped too, and that one becomes due at the earlier time of the two. A
        message in work never swallows one.
        """

    async def receive(self, limit: int) -> list[Delivery]:
        """Wait until at least one message is due, and take up to ``limit`` in hand, earliest due first.

        Cancelling the call loses nothing. A message whose owner has died without closing is delivered again.
        """
