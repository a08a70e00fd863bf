"""What an event does to the run, step or wait that it is about: the rules that all worlds share.

Two questions, both answered from the tables below and from nothing else. ``forbids_*``: may this fact land now? ``*_after``: what
is the entity once it has landed? A fact asks both; a decision only the second, since its guard is the log's end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from workflow_runtime.errors import WorldError
from workflow_runtime.events import RUN_ENDS, Event, EventKind, Json
from workflow_runtime.worlds.base import RunInfo, RunStatus, StartStatus, StepStart


class StepStatus(StrEnum):
    """Where a step stands. ``WAITING`` is for its retry time."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether the step has its outcome."""
        return self in (StepStatus.COMPLETED, StepStatus.FAILED)


class WaitStatus(StrEnum):
    """Where a wait stands."""

    PENDING = "pending"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class StepState:
    """A step as its events have left it."""

    status: StepStatus
    attempt: int = 0
    """How often it was started."""
    failures: int = 0
    """How many counted failures it has."""
    retryings: int = 0
    """How many ``step_retrying``, counted or not."""
    message_id: str | None = None
    """The message under which it was last started."""
    retry_at: float = 0.0
    created_slot: int = 0
    """Where its ``step_created`` stands, with the input; 0 when the log has none."""


RUN_STATUS_AFTER: Mapping[EventKind, RunStatus] = {
    EventKind.RUN_STARTED: RunStatus.RUNNING,
    EventKind.RUN_COMPLETED: RunStatus.COMPLETED,
    EventKind.RUN_FAILED: RunStatus.FAILED,
    EventKind.RUN_CANCELLED: RunStatus.CANCELLED,
}
STEP_STATUS_AFTER: Mapping[EventKind, StepStatus] = {
    EventKind.STEP_CREATED: StepStatus.PENDING,
    EventKind.STEP_STARTED: StepStatus.RUNNING,
    EventKind.STEP_RETRYING: StepStatus.WAITING,
    EventKind.STEP_COMPLETED: StepStatus.COMPLETED,
    EventKind.STEP_FAILED: StepStatus.FAILED,
}
WAIT_STATUS_AFTER: Mapping[EventKind, WaitStatus] = {
    EventKind.WAIT_CREATED: WaitStatus.PENDING,
    EventKind.WAIT_COMPLETED: WaitStatus.COMPLETED,
    EventKind.WAIT_CANCELLED: WaitStatus.CANCELLED,
}
# What ``record`` takes. Starts go through ``start_step``, the rest are decisions and go through ``commit``.
FACTS = frozenset(
    {
        EventKind.RUN_STARTED,
        EventKind.RUN_FAILED,
        EventKind.RUN_CANCELLED,
        EventKind.STEP_RETRYING,
        EventKind.STEP_COMPLETED,
        EventKind.STEP_FAILED,
        EventKind.WAIT_COMPLETED,
    }
)
# The data that a world reads. All else in an event's data is the business of others.
_READ_BY_THE_WORLD: Mapping[EventKind, Mapping[str, type | tuple[type, ...]]] = {
    EventKind.RUN_CREATED: {"workflow": str, "bundle": str},
    EventKind.STEP_STARTED: {"attempt": int, "message": str},
    EventKind.STEP_RETRYING: {"attempt": int, "retry_at": (int, float), "counted": bool},
    EventKind.STEP_COMPLETED: {"attempt": int},
    EventKind.STEP_FAILED: {"attempt": int},
}


def check_event(event: Event) -> None:
    """Raise ``WorldError`` when the event lacks what its kind must say."""
    if event.kind not in RUN_STATUS_AFTER and event.kind is not EventKind.RUN_CREATED and not event.entity:
        raise WorldError(f"a {event.kind} event names no step or wait; set its entity to the correlation id")
    for name, wanted in _READ_BY_THE_WORLD.get(event.kind, {}).items():
        if not isinstance(event.data.get(name), wanted):
            raise WorldError(
                f"a {event.kind} event{' of ' + event.entity if event.entity else ''} has {event.data.get(name)!r} as its {name!r}; "
                "workflow_runtime.events says what it must hold"
            )


def check_created(event: Event) -> None:
    """Raise ``WorldError`` unless ``create_run`` may take the event."""
    if event.kind is not EventKind.RUN_CREATED:
        raise WorldError(f"create_run() takes a run_created event, not {event.kind}")
    check_event(event)


def check_fact(event: Event) -> None:
    """Raise ``WorldError`` unless ``record`` may take the event."""
    if event.kind not in FACTS:
        raise WorldError(f"record() takes facts, and {event.kind} is none; use commit(), start_step() or create_run()")
    check_event(event)


def check_batch(events: Sequence[Event]) -> None:
    """Raise ``WorldError`` unless ``commit`` may take the events, in this order."""
    for position, event in enumerate(events, 1):
        if event.kind is EventKind.RUN_CREATED:
            raise WorldError("commit() can not create a run; use create_run()")
        if event.kind in RUN_ENDS and position < len(events):
            raise WorldError(
                f"{events[position].kind} follows {event.kind} in one commit; nothing can follow the run's end"
            )
        check_event(event)


def run_after(run: RunInfo, event: Event, slot: int) -> RunInfo:
    """The run once ``event`` stands in its log at ``slot``."""
    status, started_at, ended_at = run.status, run.started_at, run.ended_at
    if event.kind in RUN_STATUS_AFTER:
        status = RUN_STATUS_AFTER[event.kind]
        if status is RunStatus.RUNNING and started_at is None:
            started_at = event.time
        if status.ended:
            ended_at = event.time
    return RunInfo(run.id, run.workflow, run.bundle, status, run.created_at, started_at, ended_at, slot)


def step_after(step: StepState | None, event: Event, slot: int) -> StepState:
    """The step once ``event`` stands in its run's log at ``slot``. ``None`` is a step that the log did not know yet."""
    status = STEP_STATUS_AFTER[event.kind]
    if event.kind is EventKind.STEP_CREATED:
        return StepState(status, created_slot=slot)
    step = step or StepState(status)
    if event.kind is EventKind.STEP_STARTED:
        return replace(
            step, status=status, attempt=event.data["attempt"], message_id=event.data["message"], retry_at=0.0
        )
    if event.kind is EventKind.STEP_RETRYING:
        failures = step.failures + bool(event.data["counted"])
        retry_at = float(event.data["retry_at"])
        return replace(step, status=status, failures=failures, retryings=step.retryings + 1, retry_at=retry_at)
    return replace(step, status=status)


def run_forbids(run: RunInfo, event: Event) -> bool:
    """Whether the run's state keeps the fact out."""
    return run.status.ended or (event.kind is EventKind.RUN_STARTED and run.status is not RunStatus.PENDING)


def step_forbids(step: StepState | None, event: Event) -> bool:
    """Whether the step's state keeps the outcome out: only the attempt that runs now may have one."""
    return step is None or step.status is not StepStatus.RUNNING or step.attempt != event.data["attempt"]


def wait_forbids(wait: WaitStatus | None) -> bool:
    """Whether the wait's state keeps its elapsing out."""
    return wait is not WaitStatus.PENDING


def why_not_start(
    run: RunInfo, step: StepState, message_id: str, now: float, *, owner_in_hand: bool
) -> StepStart | None:
    """The answer that refuses to start the step, or ``None`` when it may start. ``owner_in_hand``: of the message that owns it."""
    if run.status.ended or step.status.ended:
        return StepStart(StartStatus.ENDED)
    if step.status is StepStatus.WAITING and now < step.retry_at:
        return StepStart(StartStatus.TOO_EARLY, retry_at=step.retry_at)
    if step.status is StepStatus.RUNNING and step.message_id != message_id and owner_in_hand:
        return StepStart(StartStatus.RUNNING)
    return None


def started(step: StepState, input_: Json) -> StepStart:
    """The answer that starts the step once more."""
    return StepStart(
        StartStatus.STARTED,
        attempt=step.attempt + 1,
        failures=step.failures,
        retryings=step.retryings,
        input=input_,
    )
