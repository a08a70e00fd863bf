"""What a run did, one row each: a step with its attempts, a wait, a hook, a child run, attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from workflow_runtime.events import Json
from workflow_runtime.worlds.types import RunInfo, RunStatus


class RowKind(StrEnum):
    """What a row is about."""

    STEP = "step"
    WAIT = "wait"
    HOOK = "hook"
    WEBHOOK = "webhook"
    CHILD = "child"
    """A run that the workflow started; its end is there when the workflow awaits it."""
    WATCH = "watch"
    """The wait for the end of a run that the workflow did not start itself."""
    ATTRIBUTES = "attributes"


class State(StrEnum):
    """Where a row, or one attempt of a step, stands."""

    QUEUED = "queued"
    """A step that no worker has started yet."""
    RUNNING = "running"
    WAITING = "waiting"
    """A wait, a hook or a run that has not come; a step that is between two attempts."""
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    STARTED = "started"
    """A child run whose end nobody awaits: the log does not say what came of it."""
    LOST = "lost"
    """An attempt without an outcome: its process died, or was stopped."""


OPEN = frozenset({State.QUEUED, State.RUNNING, State.WAITING})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One start of a step. Times are unix seconds."""

    number: int
    started: float
    ended: float | None
    """When its outcome came, or the next attempt took over; None while it runs."""
    state: State
    error: Json = None
    """Encoded; see ``errors.error_view``."""
    retry_at: float | None = None
    """When the next attempt may begin, if this one failed and was to be retried."""
    counted: bool = True
    """False when it asked to come back later (``TooEarlyError``): that uses up no retry."""


@dataclass(frozen=True, slots=True)
class Payload:
    """What was sent to a hook."""

    time: float
    value: Json
    """Encoded; see ``payloads.show``."""
    key: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """One row. Times are unix seconds; encoded values are as in the log, for ``payloads`` and ``errors`` to show."""

    id: str
    """The correlation id, as in ``step_000003``."""
    kind: RowKind
    name: str
    """The function's own name, the hook's token, ``sleep``, or the attributes' names."""
    detail: str
    """What tells the row from those of the same name beside it, from its arguments; empty when it is the only one."""
    function: str
    """The id of the step or workflow; empty for other kinds."""
    state: State
    created: float
    """When it was decided."""
    started: float | None
    """When its work first began: for a step its first attempt, for all else when it was decided. None while it is queued."""
    ended: float | None
    slot: int
    """Where its first event stands; 0 when the log's part that was read does not have it."""
    end_slot: int
    """Where its outcome stands; 0 while it has none."""
    batch: int
    """Rows with the same number were decided together: the slot of the first of them."""
    attempts: tuple[Attempt, ...] = ()
    input: Json = None
    """The encoded call; see ``payloads.arguments``."""
    output: Json = None
    error: Json = None
    until: float | None = None
    """When a wait is over, or the next attempt of a step is due."""
    token: str | None = None
    metadata: Json = None
    payloads: tuple[Payload, ...] = ()
    disposed: bool = False
    """Whether the hook was let go of: it can have no payload any more."""
    run: str | None = None
    """The child run, the run that is awaited, or the run that has the token."""
    attributes: Mapping[str, str | None] | None = None
    let_go: bool = False
    """It was open when the run ended, and nobody waits for it any more."""
    late: bool = False
    """Its outcome came when the run's failure was decided already: nothing used it."""

    @property
    def label(self) -> str:
        """Name and detail."""
        return f"{self.name} {self.detail}" if self.detail else self.name

    @property
    def failures(self) -> int:
        """How many of its attempts failed."""
        return sum(attempt.state is State.FAILED for attempt in self.attempts)


@dataclass(frozen=True, slots=True)
class RunView:
    """One run. Times are unix seconds."""

    info: RunInfo
    name: str
    """The workflow's own name."""
    rows: tuple[Row, ...]
    """In the order in which the workflow called them."""
    events: int
    """How many events the log has."""
    input: Json = None
    output: Json = None
    error: Json = None
    reason: str | None = None
    """What was said when it was cancelled."""
    continues: str | None = None
    """The run in whose place this one goes on."""
    successor: str | None = None
    """The run that goes on in its place."""
    retries: str | None = None
    """The run that this one runs again."""
    began: float | None = None
    """When the first of the runs that it runs again was created; None when it runs none again."""
    failed_row: str | None = None
    """The id of the row whose error is the run's error, or behind it."""
    decided_at: float | None = None
    """When the failure was decided, if that is known: the outcome of ``failed_row``."""

    @property
    def id(self) -> str:
        """The run's id."""
        return self.info.id

    @property
    def status(self) -> RunStatus:
        """Where it stands."""
        return self.info.status

    @property
    def started(self) -> float:
        """Where its time axis begins: when it was created, or the first of those that it runs again, whose events it has."""
        return self.info.created_at if self.began is None else self.began

    def ended_or(self, now: float) -> float:
        """When it ended, or ``now``."""
        return now if self.info.ended_at is None else self.info.ended_at

    def row(self, row_id: str) -> Row | None:
        """The row with that id."""
        return next((row for row in self.rows if row.id == row_id), None)
