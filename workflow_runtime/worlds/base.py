"""The world: storage and queue behind one interface.

Each sentence of a docstring below is a promise, and ``workflow_runtime.testing.conformance`` has a test for it. All methods may be called from
any event loop of the process. Times are unix seconds. Any method raises ``WorldError`` when the storage fails.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from workflow_runtime.errors import WorldError
from workflow_runtime.events import Event, Json


class UnstorableError(WorldError):
    """What was to be written makes no sense, or no storage could hold it: trying again helps nobody."""


class RunStatus(StrEnum):
    """Where a run stands."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    CONTINUED = "continued"
    """Another run goes on in its place."""

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
    parent: str | None = None
    """The run whose workflow started it, if one did."""
    root: str | None = None
    """The first of its line of parents; None for a run that nobody's workflow started."""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Log:
    """A run with the events that were asked for, in slot order and without holes. When there are more, the last one's slot is
    less than the run's.
    """

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
    watch_id: str | None = None
    """The correlation id of a watch of ``run_id`` whose watched run has ended."""
    watched: str | None = None
    """With ``watch_id``: the run that has ended."""
    cancels_children: bool = False
    """The run was cancelled: its children are to be cancelled too."""
    trace: str | None = None
    """The W3C traceparent of whoever sent it."""


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run to create: its first event (kind ``run_created``) and its first message."""

    id: str
    created: Event
    message: Message


@dataclass(frozen=True, slots=True)
class HookInfo:
    """A live hook: the token, whose it is, and what its workflow says about it."""

    token: str
    run_id: str
    hook_id: str
    """The hook's correlation id."""
    metadata: Json
    """An encoded value."""
    webhook: Json
    """How to respond to HTTP requests; None for a plain hook."""
    created_at: float


@dataclass(frozen=True, slots=True)
class StreamWriter:
    """Who writes to a stream: an attempt of a step. When that attempt does not run any more, it can not write any more."""

    run_id: str
    step_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """A stream without its chunks. ``length`` is how many it has; ``closed``: there will be no more."""

    name: str
    length: int
    closed: bool


@dataclass(frozen=True, slots=True)
class Chunks:
    """Chunks of a stream in order, the first of them with the index ``start``."""

    start: int
    chunks: tuple[bytes, ...]
    closed: bool
    """Whether the stream ends after these chunks."""


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """How many messages are in the queue: due and waiting for a worker, in somebody's hands, and not due yet."""

    due: int
    in_hand: int
    delayed: int


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
    repeated: bool = False
    """The fact is a payload with a key, and one with that key had landed before."""


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
    workflow: str = ""
    """The id of the run's workflow."""
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
        """Say that the handler lives, and learn whether to go on: False once the run, or the step that the message is about, has ended,
        or another has the message. A message that cancels children is about a run that has ended, and goes on.
        """


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

    async def load(self, run_id: str, after: int = 0, limit: int | None = None) -> Log:
        """The run and its events after slot ``after``, at most ``limit`` of them. Raises ``RunNotFoundError``."""

    async def list_runs(
        self,
        *,
        status: RunStatus | Collection[RunStatus] | None = None,
        workflow: str | None = None,
        parent: str | None = None,
        attributes: Mapping[str, str] | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> list[RunInfo]:
        """Runs that fit all that is given, newest first, at most ``limit``; with ``before``, a run's id, those that are older.

        ``attributes`` fit a run that has each of them. Raises ``RunNotFoundError`` when ``before`` is not there.
        """

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
        runs: Sequence[NewRun] = (),
    ) -> Committed | Refused:
        """Append ``events``, send ``sends``, create ``runs`` and ack ``ack``, if the log still ends at slot ``after``; else write nothing
        at all.

        All of it is one transaction. The events take the slots ``after + 1`` and on. Nothing can follow the run's end. A run of ``runs``
        that is there already stays as it is. A ``hook_created`` whose token another hook has lands as ``hook_conflict``, with the
        owner's run id as ``run``; the answer has it as it landed. When the run ends, its messages that nobody has in hand are removed,
        its tokens are free, and its streams are closed; each watch of it gets a message, or watches its successor from then on when the
        run has been continued. A ``watch_created`` of a run that has ended, or is not there, gets its message at once;
        one of a run that has been continued watches the last of its chain.
        A ``wait_cancelled`` removes the message whose key is ``wait_key(run_id, wait)``, unless somebody has it in hand.
        Raises ``RunNotFoundError``, and ``UnstorableError`` when the events or messages can not be stored, whoever tries.
        """

    async def record(
        self, run_id: str, event: Event, *, sends: Sequence[Message] = (), ack: Delivery | None = None
    ) -> Recorded:
        """Append one fact at whatever slot is next, send ``sends`` and ack ``ack``, in one transaction.

        When the entity's state forbids the fact (the run, the step, the wait or the hook has ended, the outcome's ``attempt`` is not the
        one that runs now, the hook has had a payload with that key), the fact and the sends are dropped, the ack still happens, and the
        answer says so. A fact that ends the run does what the end by ``commit`` does; a ``run_cancelled`` also sends the run, if its log has
        a ``child_created``, a message that ``cancels_children``. Raises ``RunNotFoundError``.
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

    async def take(self, message_id: str) -> Delivery | None:
        """Take that message in hand, if it is due and nobody has it; else None."""

    async def queue_depth(self) -> QueueDepth:
        """How many messages the queue has."""

    async def hook_by_token(self, token: str) -> HookInfo | None:
        """The live hook that has the token."""

    async def list_hooks(self, run_id: str) -> list[HookInfo]:
        """The live hooks of a run, in the order in which they were created."""

    async def write_chunks(
        self, run_id: str, name: str, chunks: Sequence[bytes], *, writer: StreamWriter | None = None
    ) -> int:
        """Append to the stream, making it when it is not there, all chunks or none; gives the index of the first of them.

        Raises ``StreamClosedError`` when the stream is closed or its run has ended, ``WriterLostError`` when ``writer`` does not run any
        more, ``RunNotFoundError``.
        """

    async def close_stream(self, run_id: str, name: str, *, writer: StreamWriter | None = None) -> None:
        """Let nothing follow in the stream. Closing twice is closing once. Raises as ``write_chunks`` does, but for closed streams."""

    async def read_chunks(self, run_id: str, name: str, start: int, *, limit: int = 1000, wait: float = 0.0) -> Chunks:
        """Chunks from index ``start`` on, at most ``limit``; from the end when it is negative: -1 is the last one.

        When there is none, and the stream is not closed, wait up to ``wait`` seconds for one or for its end. A stream that nobody has written
        to is empty. Raises ``RunNotFoundError``.
        """

    async def list_streams(self, run_id: str) -> list[StreamInfo]:
        """The run's streams, by name. Raises ``RunNotFoundError``."""

    async def put_bundle(self, bundle_hash: str, data: bytes) -> None:
        """Keep the data of a bundle under its hash; what is there already stays."""

    async def bundle(self, bundle_hash: str) -> bytes | None:
        """The data of the bundle with that hash, if it is kept."""
