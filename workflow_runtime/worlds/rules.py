"""What the world's writing methods do, over any storage that can read and write records inside a transaction.

A world calls one of these functions per method, inside a transaction of its own, with inputs that ``encoding`` and ``entities`` have
checked. The storage is behind ``Records``; nothing here knows how it is kept. The Postgres world says the same in SQL.
"""

from __future__ import annotations

from collections.abc import Sequence

from workflow_runtime.errors import RunNotFoundError, WorldError
from workflow_runtime.events import Event, EventKind
from workflow_runtime.worlds.base import (
    Committed,
    Message,
    Recorded,
    Refused,
    RunInfo,
    StepStart,
)
from workflow_runtime.worlds.delivery import Claim
from workflow_runtime.worlds.encoding import EncodedEvent, EncodedRun, encode_event
from workflow_runtime.worlds.entities import (
    STEP_STATUS_AFTER,
    WAIT_STATUS_AFTER,
    new_run,
    run_forbids,
    started,
    step_forbids,
    wait_forbids,
    why_not_start,
)
from workflow_runtime.worlds.landing import land, send
from workflow_runtime.worlds.records import Records


def create_run(
    records: Records,
    new: EncodedRun,
    now: float,
    log: Sequence[EncodedEvent] = (),
    sends: Sequence[Message] = (),
) -> RunInfo:
    """``World.create_run``."""
    run = records.run(new.id)
    if run is not None:
        return run
    run = new_run(new.id, new.created.event)
    records.add_run(run)
    records.append(new.id, run.slot - 1, (new.created,))
    for message in (new.message, *sends):
        send(records, message, now)
    if not log:
        return run
    land(records, run, log, now)
    return _run(records, new.id)


def commit(
    records: Records,
    run_id: str,
    after: int,
    batch: Sequence[EncodedEvent],
    sends: Sequence[Message],
    ack: Claim | None,
    runs: Sequence[EncodedRun],
    now: float,
) -> Committed | Refused:
    """``World.commit``."""
    run = _run(records, run_id)
    if run.slot != after or (batch and run.status.ended):
        return Refused(records.events(run_id, after))
    if ack is not None:
        records.remove(ack)
    for new in runs:
        create_run(records, new, now)
    for message in sends:
        send(records, message, now)
    return Committed(land(records, run, batch, now))


def record(
    records: Records, run_id: str, fact: EncodedEvent, sends: Sequence[Message], ack: Claim | None, now: float
) -> Recorded:
    """``World.record``."""
    run = _run(records, run_id)
    if ack is not None:
        records.remove(ack)
    if _repeats(records, run_id, fact.event):
        return Recorded(False, repeated=True)
    if _forbidden(records, run, fact.event):
        return Recorded(False)
    for message in sends:
        send(records, message, now)
    land(records, run, (fact,), now)
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
    answer = started(run, step, records.event(run_id, step.created_slot).data.get("input"))
    data = {"attempt": answer.attempt, "message": message_id}
    land(records, run, (encode_event(Event(EventKind.STEP_STARTED, now, step_id, data)),), now)
    return answer


def _run(records: Records, run_id: str) -> RunInfo:
    run = records.run(run_id)
    if run is None:
        raise RunNotFoundError(run_id)
    return run


def _repeats(records: Records, run_id: str, fact: Event) -> bool:
    """Whether the fact is a payload with a key, and one with that key has landed before."""
    if fact.kind is not EventKind.HOOK_RECEIVED or fact.data.get("key") is None:
        return False
    return records.hooks.has_had(run_id, fact.entity, fact.data["key"])


def _forbidden(records: Records, run: RunInfo, fact: Event) -> bool:
    if run_forbids(run, fact):
        return True
    if fact.kind in STEP_STATUS_AFTER:
        return step_forbids(records.step(run.id, fact.entity), fact)
    if fact.kind in WAIT_STATUS_AFTER:
        return wait_forbids(records.wait(run.id, fact.entity))
    if fact.kind is EventKind.HOOK_RECEIVED:
        return not records.hooks.has(run.id, fact.entity)
    if fact.kind is EventKind.WATCH_COMPLETED:
        watch = records.watches.get(run.id, fact.entity)
        return watch is None or watch.done
    if fact.kind is EventKind.ATTRIBUTES_SET:
        step = records.step(run.id, fact.data["step"])
        return step is None or step.status.ended
    return False
