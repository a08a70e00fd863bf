"""What passes between a world and those who use it: runs, messages, hooks, streams, and the answers of the methods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from workflow_runtime.errors import WorldError
from workflow_runtime.events import Event, Json


class WorldClosedError(WorldError):
    """The world is not open, or not any more. What was in its hands is free without it."""


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
    priority: int = 0
    """Messages of runs with a higher one are delivered first."""


@dataclass(frozen=True, slots=True)
class Log:
    """A run with the events that were asked for, in slot order and without holes. When there are more, the last one's slot is
    less than the run's.
    """

    run: RunInfo
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """How many messages of one name may be in work, over all workers. Each message brings it along, and is judged by its own."""

    name: str
    """The id of the function that it limits: of a step, or of a workflow."""
    concurrency: int | None = None
    """How many may hold a place at once; None: any number."""
    every: float = 0.0
    """Seconds between one taking in hand and the next; 0: at once."""
    of_run: bool = False
    """Whether the place is held by the message's run until that ends, and not by the message while it is in hand."""


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
    limit: Limit | None = None
    """What must have room before the message is delivered."""


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
class Queued:
    """A message as it stands in the queue."""

    message: Message
    ready_at: float
    """When it may be delivered."""
    in_hand: bool
    """Whether somebody who lives has it in hand."""
    deliveries: int
    """How often it has been delivered."""


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
