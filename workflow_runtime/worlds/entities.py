"""What an event does to the run, step or wait that it is about: the rules that all worlds share.

Two questions, both answered from the tables below and from nothing else. ``forbids_*``: may this fact land now? ``*_after``: what
is the entity once it has landed? A fact asks both; a decision only the second, since its guard is the log's end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from workflow_runtime.events import STEP_ENDS, Event, EventKind, Json
from workflow_runtime.worlds.base import Message, RunInfo, RunStatus, StartStatus, StepStart


class StepStatus(StrEnum):
    """Where a step stands. ``WAITING`` is for its retry time."""

    PENDING = "pending"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether the step has its outcome, or nobody wants it any more."""
        return self in _ENDED_STEPS


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
    EventKind.RUN_CONTINUED: RunStatus.CONTINUED,
}
CHANGES_THE_RUN = frozenset({*RUN_STATUS_AFTER, EventKind.ATTRIBUTES_SET})
STEP_STATUS_AFTER: Mapping[EventKind, StepStatus] = {
    EventKind.STEP_CREATED: StepStatus.PENDING,
    EventKind.STEP_STARTED: StepStatus.RUNNING,
    EventKind.STEP_RETRYING: StepStatus.WAITING,
    EventKind.STEP_COMPLETED: StepStatus.COMPLETED,
    EventKind.STEP_FAILED: StepStatus.FAILED,
    EventKind.STEP_CANCELLED: StepStatus.CANCELLED,
}
_ENDED_STEPS = frozenset(STEP_STATUS_AFTER[kind] for kind in STEP_ENDS)
WAIT_STATUS_AFTER: Mapping[EventKind, WaitStatus] = {
    EventKind.WAIT_CREATED: WaitStatus.PENDING,
    EventKind.WAIT_COMPLETED: WaitStatus.COMPLETED,
    EventKind.WAIT_CANCELLED: WaitStatus.CANCELLED,
}


def new_run(run_id: str, created: Event) -> RunInfo:
    """The run that ``created`` begins."""
    data = created.data
    return RunInfo(
        run_id,
        data["workflow"],
        data["bundle"],
        RunStatus.PENDING,
        created.time,
        None,
        None,
        1,
        data.get("parent"),
        data.get("root"),
        dict(data.get("attributes") or {}),
        data.get("priority") or 0,
    )


def run_after(run: RunInfo, event: Event) -> RunInfo:
    """The run once ``event``, of a kind that ``CHANGES_THE_RUN``, stands in its log; ``run_at`` says where."""
    if event.kind is EventKind.ATTRIBUTES_SET:
        changed = {**run.attributes, **event.data["attributes"]}
        return replace(run, attributes={name: value for name, value in changed.items() if value is not None})
    status = RUN_STATUS_AFTER[event.kind]
    started_at = event.time if status is RunStatus.RUNNING and run.started_at is None else run.started_at
    ended_at = event.time if status.ended else run.ended_at
    return replace(run, status=status, started_at=started_at, ended_at=ended_at)


def run_at(run: RunInfo, slot: int) -> RunInfo:
    """The run when its log ends at ``slot``."""
    return RunInfo(
        run.id,
        run.workflow,
        run.bundle,
        run.status,
        run.created_at,
        run.started_at,
        run.ended_at,
        slot,
        run.parent,
        run.root,
        run.attributes,
        run.priority,
    )


def step_after(step: StepState | None, event: Event, slot: int) -> StepState:
    """The step once ``event`` stands in its run's log at ``slot``. ``None`` is a step that the log did not know yet."""
    status = STEP_STATUS_AFTER[event.kind]
    if event.kind is EventKind.STEP_CREATED:
        return StepState(status, created_slot=slot)
    step = step or StepState(status)
    if event.kind is EventKind.STEP_STARTED:
        attempt, message_id = event.data["attempt"], event.data["message"]
        return StepState(status, attempt, step.failures, step.retryings, message_id, 0.0, step.created_slot)
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


def started(run: RunInfo, step: StepState, input_: Json) -> StepStart:
    """The answer that starts the step once more."""
    return StepStart(
        StartStatus.STARTED,
        attempt=step.attempt + 1,
        failures=step.failures,
        retryings=step.retryings,
        input=input_,
        workflow=run.workflow,
    )


def tells_news(message: Message, deliveries: int) -> bool:
    """Whether the message tells a run of something, and was never delivered: under no other has a step been started already."""
    # Without a key, it is a run's first message, or a step's.
    is_news = message.key is not None or message.watch_id is not None or message.cancels_children
    return is_news and message.step_id is None and not deliveries


def goes_on(message: Message, run: RunStatus | None, step: StepStatus | None) -> bool:
    """Whether there is still something to do for a message of that run and that step. ``None`` is what the world does not know."""
    if message.cancels_children:  # it is sent because the run has ended
        return True
    return not (run is not None and run.ended) and not (step is not None and step.ended)
