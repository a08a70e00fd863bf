"""Asking for what changes runs: ``create_run``, ``commit``, ``record``, ``start_step``."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import chain
from typing import Any

from workflow_runtime.errors import RunNotFoundError, WorldError
from workflow_runtime.events import Event, EventKind
from workflow_runtime.worlds.base import Committed, Message, Recorded, Refused, RunInfo, StartStatus, StepStart
from workflow_runtime.worlds.delivery import Claim
from workflow_runtime.worlds.encoding import EncodedEvent, EncodedRun, storable
from workflow_runtime.worlds.entities import RUN_STATUS_AFTER, new_run
from workflow_runtime.worlds.postgres.arguments import (
    Batch,
    batch_of,
    counted,
    effect_of,
    messages_json,
    more_of,
    run_json,
    text_and_raw,
    text_json,
)
from workflow_runtime.worlds.postgres.connect import Connection
from workflow_runtime.worlds.postgres.rows import data_of, event_of, run_of
from workflow_runtime.worlds.postgres.statements import Statements
from workflow_runtime.worlds.postgres.texts import indexed, meant, stored

_NONE = (None, None, None)
_STEP_STARTED = {status.value: status for status in StartStatus}


async def create_run(
    sql: Statements, connection: Connection, new: EncodedRun, log: Sequence[EncodedEvent], sends: Sequence[Message]
) -> tuple[RunInfo, bool]:
    """The run, and whether it is new: one round trip then. Creating it again changes nothing, so a lost answer is no matter."""
    batch = batch_of(new.id, log)
    columns = batch.columns if log else (None,) * 8
    rest = (batch.status, batch.started_at, batch.ended_at)
    sent = messages_json(sends) if sends else None
    created = await connection.fetchval(
        sql.create_run, run_json(new), *columns, *rest, sent, more_of(batch.more, (), None)
    )
    if created and not log:
        return new_run(new.id, new.created.event), True
    return run_of(await connection.fetchrow(sql.run, stored(new.id))), created


async def commit(
    sql: Statements,
    connection: Connection,
    again: bool,
    run_id: str,
    after: int,
    events: Sequence[EncodedEvent],
    batch: Batch,
    more: str | None,
) -> tuple[Committed | Refused, bool]:
    """The answer, and whether the run's end has put something into the queue. One round trip when it lands. The log tells whether an earlier try has landed: its events stand where they were to be."""
    answer = await connection.fetchval(
        sql.commit, stored(run_id), after, *batch.columns, batch.status, batch.started_at, batch.ended_at, more
    )
    if answer is None:
        return Committed(landed(events, after)), False
    said = json.loads(answer)
    if "unknown" in said:
        raise RunNotFoundError(run_id)
    if "refused" not in said:
        return Committed(landed(events, after, said)), "queued" in said
    missed = await read_missed(sql, connection, run_id, after)
    if again and events and _same(missed[: len(events)], events):
        return Committed(missed[: len(events)]), True
    return Refused(missed), False


async def append(sql: Statements, connection: Connection, run_id: str, after: int, batch: Batch) -> bool:
    """Whether the events landed, of a commit that does nothing but append. One round trip; why they did not, ``commit`` tells."""
    kinds, times, entities, data, raw, attempts, messages, retry_ats = batch.columns
    if len(kinds) == 3 and raw is None and retry_ats is None:
        three = zip(kinds, times, entities, data, attempts or _NONE, messages or _NONE, strict=True)
        values = (after, batch.status, batch.started_at, *chain.from_iterable(three))
        return bool(await connection.fetchval(sql.append_three, stored(run_id), *values))
    values = (after, *batch.columns, batch.status, batch.started_at)
    return bool(await connection.fetchval(sql.append, stored(run_id), *values))


async def read_missed(sql: Statements, connection: Connection, run_id: str, after: int) -> tuple[Event, ...]:
    """The events after a slot."""
    return tuple(event_of(*row) for row in await connection.fetch(sql.missed, stored(run_id), after))


async def record(
    sql: Statements,
    connection: Connection,
    again: bool,
    run_id: str,
    fact: EncodedEvent,
    sends: Sequence[Message],
    ack: Claim | None,
) -> tuple[Recorded, bool]:
    """The answer, and whether the run's end has put something into the queue. One round trip. When an earlier try has landed, the very same event stands in the log."""
    event = fact.event
    more: dict[str, Any] = {}
    effect_of(more, run_id, 1, event)
    status = RUN_STATUS_AFTER.get(event.kind)
    text, raw = text_and_raw(fact.data)
    data = event.data
    retry_at, key, step = data.get("retry_at"), data.get("key"), data.get("step")
    answer = await connection.fetchval(
        sql.record,
        stored(run_id),
        event.kind.value,
        float(event.time),
        stored(event.entity),
        text,
        raw,
        data["attempt"] if event.entity and "attempt" in data else None,
        float(retry_at) if event.entity and isinstance(retry_at, int | float) else None,
        counted(event),
        status.value if status else None,
        indexed(key) if event.entity and key is not None else None,
        stored(step) if not event.entity else None,
        more_of(more, sends, ack),
        again,
    )
    if answer == "unknown":
        raise RunNotFoundError(run_id)
    return Recorded(answer.startswith("landed"), repeated=answer == "repeated"), again or answer == "landed and queued"


async def start_step(
    sql: Statements, connection: Connection, again: bool, run_id: str, step_id: str, message_id: str, now: float
) -> StepStart:
    """One round trip. When an earlier try has started the step, the last event is that start."""
    if not (storable(run_id) and storable(step_id)):
        raise RunNotFoundError(run_id)
    row = await connection.fetchrow(
        sql.start_step, stored(run_id), stored(step_id), stored(message_id), text_json(message_id), float(now), again
    )
    assert row is not None, "the function gives a row whatever happens"
    if row["status"] == "unknown":
        raise RunNotFoundError(run_id)
    if row["status"] == "no step":
        raise WorldError(f"run {run_id} has no step {step_id!r} to start; it must be created by a commit first")
    status = _STEP_STARTED[row["status"]]
    if status is not StartStatus.STARTED:
        return StepStart(status, retry_at=row["retry_at"] or 0.0)
    return StepStart(
        status,
        attempt=row["attempt"],
        failures=row["failures"],
        retryings=row["retryings"],
        input=data_of(row["data"], row["raw"]).get("input"),
        workflow=meant(row["workflow"]),
    )


def landed(events: Sequence[EncodedEvent], after: int, otherwise: dict[str, str] | None = None) -> tuple[Event, ...]:
    """The events as they landed after a slot; ``otherwise`` has the conflicts, by position."""
    found = []
    for at, encoded in enumerate(events, 1):
        event = encoded.event
        kind, data = event.kind, event.data
        if otherwise and str(at) in otherwise:
            kind, data = EventKind.HOOK_CONFLICT, {"token": data["token"], "run": meant(otherwise[str(at)])}
        found.append(Event(kind, event.time, event.entity, data, after + at))
    return tuple(found)


def _same(found: Sequence[Event], events: Sequence[EncodedEvent]) -> bool:
    """Whether these are the events; a hook's may have landed as a conflict."""
    return len(found) == len(events) and all(
        (one.time, one.entity) == (other.event.time, other.event.entity)
        and (one.data == other.event.data or one.kind.startswith("hook_c"))
        for one, other in zip(found, events, strict=True)
    )
