"""What the world's writing methods do, over any storage that can read and write records inside a transaction.

A world calls one of these functions per method, inside a transaction of its own, with inputs that ``encoding`` and ``entities`` have
checked. The storage is behind ``Records``; nothing here knows how it is kept. The Postgres world says the same in SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from workflow_runtime.errors import RunNotFoundError, WorldError
from workflow_runtime.events import RUN_ENDS, Event, EventKind
from workflow_runtime.worlds.base import (
    Committed,
    Message,
    Recorded,
    Refused,
    RunInfo,
    RunStatus,
    StepStart,
)
from workflow_runtime.worlds.delivery import Claim
from workflow_runtime.worlds.encoding import EncodedEvent, encode_event
from workflow_runtime.worlds.entities import (
    STEP_STATUS_AFTER,
    WAIT_STATUS_AFTER,
    StepState,
    WaitStatus,
    run_after,
    run_forbids,
    started,
    step_after,
    step_forbids,
    wait_forbids,
    why_not_start,
)


class Records(Protocol):
    """The storage inside one transaction."""

    def run(self, run_id: str) -> RunInfo | None:
        """The run, if there is one."""

    def add_run(self, run: RunInfo) -> None:
        """Keep a new run."""

    def save_run(self, run: RunInfo, before: RunInfo) -> None:
        """Keep the run as it is now, and tell those who wait for it when its status is another than before."""

    def append(self, run_id: str, slot: int, encoded: EncodedEvent) -> None:
        """Keep an event at a slot that is free."""

    def events(self, run_id: str, after: int) -> tuple[Event, ...]:
        """The events after slot ``after``."""

    def event(self, run_id: str, slot: int) -> Event:
        """The event at a slot that is taken."""

    def step(self, run_id: str, step_id: str) -> StepState | None:
        """The step, if the log knows it."""

    def save_step(self, run_id: str, step_id: str, step: StepState) -> None:
        """Keep the step as it is now."""

    def wait(self, run_id: str, wait_id: str) -> WaitStatus | None:
        """The wait, if the log knows it."""

    def save_wait(self, run_id: str, wait_id: str, status: WaitStatus) -> None:
        """Keep the wait as it is now."""

    def in_queue(self, message_id: str) -> bool:
        """Whether the message is in the queue, in hand or not."""

    def in_hand(self, message_id: str) -> bool:
        """Whether somebody who lives has the message in hand."""

    def hasten(self, key: str, ready_at: float) -> bool:
        """Make the message with ``key`` that nobody has in hand due at ``ready_at`` at the latest. False when there is none."""

    def put(self, message: Message, ready_at: float) -> None:
        """Keep a new message, and tell those who receive."""

    def remove(self, claim: Claim) -> None:
        """Remove the claimed message, if the claim still holds."""

    def drop_idle(self, run_id: str) -> None:
        """Remove the run's messages that nobody has in hand."""


def create_run(records: Records, run_id: str, created: EncodedEvent, message: Message, now: float) -> RunInfo:
    """``World.create_run``."""
    run = records.run(run_id)
    if run is not None:
        return run
    data = created.event.data
    run = RunInfo(run_id, data["workflow"], data["bundle"], RunStatus.PENDING, created.event.time, None, None, 1)
    records.add_run(run)
    records.append(run_id, 1, created)
    send(records, message, now)
    return run


def commit(
    records: Records,
    run_id: str,
    after: int,
    batch: Sequence[EncodedEvent],
    sends: Sequence[Message],
    ack: Claim | None,
    now: float,
) -> Committed | Refused:
    """``World.commit``."""
    run = _run(records, run_id)
    if run.slot != after or (batch and run.status.ended):
        return Refused(records.events(run_id, after))
    if ack is not None:
        records.remove(ack)
    for message in sends:
        send(records, message, now)
    return Committed(_land(records, run, batch))


def record(
    records: Records, run_id: str, fact: EncodedEvent, sends: Sequence[Message], ack: Claim | None, now: float
) -> Recorded:
    """``World.record``."""
    run = _run(records, run_id)
    if ack is not None:
        records.remove(ack)
    if _forbidden(records, run, fact.event):
        return Recorded(False)
    for message in sends:
        send(records, message, now)
    _land(records, run, (fact,))
    return Recorded(True)


def start_step(records: Records, run_id: str, step_id: str, message_id: str, now: float) -> StepStart:
    """``World.start_step``."""
    run = _run(records, run_id)
    step = records.step(run_id, step_id)
    if step is None or not step.created_slot:
        raise WorldError(f"run {run_id} has no step {step_id!r} to start; it must be created by a commit first")
    owner_in_hand = step.message_id is not None and records.in_hand(step.message_id)
    refusal = why_not_start(run, step, message_id, now, owner_in_hand=owner_in_hand)
    if refusal is not None:
        return refusal
    answer = started(step, records.event(run_id, step.created_slot).data.get("input"))
    data = {"attempt": answer.attempt, "message": message_id}
    _land(records, run, (encode_event(Event(EventKind.STEP_STARTED, now, step_id, data)),))
    return answer


def send(records: Records, message: Message, now: float) -> None:
    """``World.send``."""
    ready_at = message.due or now
    if message.key is not None and records.hasten(message.key, ready_at):
        return
    if not records.in_queue(message.id):
        records.put(message, ready_at)


def _run(records: Records, run_id: str) -> RunInfo:
    run = records.run(run_id)
    if run is None:
        raise RunNotFoundError(run_id)
    return run


def _forbidden(records: Records, run: RunInfo, fact: Event) -> bool:
    if run_forbids(run, fact):
        return True
    if fact.kind in STEP_STATUS_AFTER:
        return step_forbids(records.step(run.id, fact.entity), fact)
    if fact.kind in WAIT_STATUS_AFTER:
        return wait_forbids(records.wait(run.id, fact.entity))
    return False


def _land(records: Records, run: RunInfo, batch: Sequence[EncodedEvent]) -> tuple[Event, ...]:
    """Append the batch and bring the run, its steps and its waits up to date."""
    landed = []
    before = run
    steps: dict[str, StepState] = {}
    for slot, encoded in enumerate(batch, run.slot + 1):
        event = encoded.event
        records.append(run.id, slot, encoded)
        landed.append(Event(event.kind, event.time, event.entity, event.data, slot))
        run = run_after(run, event, slot)
        if event.kind in STEP_STATUS_AFTER:
            known = steps.get(event.entity)
            if known is None and event.kind is not EventKind.STEP_CREATED:
                known = records.step(run.id, event.entity)
            steps[event.entity] = step_after(known, event, slot)
        elif event.kind in WAIT_STATUS_AFTER:
            records.save_wait(run.id, event.entity, WAIT_STATUS_AFTER[event.kind])
    for step_id, step in steps.items():
        records.save_step(run.id, step_id, step)
    if batch:
        records.save_run(run, before)
        if batch[-1].event.kind in RUN_ENDS:
            records.drop_idle(run.id)
    return tuple(landed)
