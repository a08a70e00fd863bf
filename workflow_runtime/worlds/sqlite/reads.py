"""What is read outside of the writer, on a connection of its own, so that no reader waits for the disk to take a commit."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from workflow_runtime.errors import RunNotFoundError
from workflow_runtime.events import Event
from workflow_runtime.worlds.base import Log, Message, Queued, QueueDepth, RunInfo, RunStatus
from workflow_runtime.worlds.delivery import Claim
from workflow_runtime.worlds.encoding import storable
from workflow_runtime.worlds.entities import StepStatus, goes_on
from workflow_runtime.worlds.sqlite import statements as sql
from workflow_runtime.worlds.sqlite.lines import next_ready


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the queue holds for a receiver."""

    next_ready: float | None
    """When the first message that nobody owns may be delivered, as things stand."""
    dead: tuple[str, ...]
    """The owners of messages that do not live any more."""


def read_run(connection: sqlite3.Connection, run_id: str) -> RunInfo:
    """The run. Raises ``RunNotFoundError``."""
    row = connection.execute(sql.RUN_BY_ID, (run_id,)).fetchone() if storable(run_id) else None
    if row is None:
        raise RunNotFoundError(run_id)
    return sql.run_of(row)


def events(
    connection: sqlite3.Connection, run_id: str, after: int, last: int, limit: int | None = None
) -> tuple[Event, ...]:
    """The events of a run after slot ``after``, up to slot ``last``, at most ``limit`` of them."""
    most = -1 if limit is None else max(limit, 0)  # SQLite's -1 is no limit
    return tuple(map(sql.event_of, connection.execute(sql.EVENTS, (run_id, after, last, most))))


def read_log(connection: sqlite3.Connection, run_id: str, after: int, limit: int | None) -> Log:
    """The run and its events after slot ``after``, at most ``limit`` of them. Raises ``RunNotFoundError``."""
    run = read_run(connection, run_id)
    # The log may have grown since; what the caller gets ends where the run says.
    return Log(run, events(connection, run_id, after, run.slot, limit))


def read_outlook(connection: sqlite3.Connection, now: float, is_alive: Callable[[str], bool]) -> Outlook:
    """What the queue holds for a receiver."""
    dead = []
    owner = ""
    while (owner := connection.execute(sql.NEXT_OWNER, (owner,)).fetchone()[0]) is not None:
        if not is_alive(owner):
            dead.append(owner)
    return Outlook(next_ready(connection, now), tuple(dead))


def read_depth(connection: sqlite3.Connection, now: float, is_alive: Callable[[str], bool]) -> QueueDepth:
    """How many messages the queue has. What the dead have in hand is in nobody's."""
    idle, due = connection.execute(sql.IDLE_DEPTH, (now,)).fetchone()
    in_hand = 0
    for owner, owned, owned_due in connection.execute(sql.OWNED_DEPTH, (now,)).fetchall():
        if is_alive(owner):
            in_hand += owned
        else:
            idle, due = idle + owned, due + owned_due
    return QueueDepth(due, in_hand, idle - due)


def read_messages(
    connection: sqlite3.Connection,
    run_id: str | None,
    limit: int,
    is_alive: Callable[[str], bool],
    *,
    only_news: bool,
) -> list[Queued]:
    """The messages in the queue, of one run or of all, those that are ready first at the front."""
    if run_id is not None and not storable(run_id):
        return []
    conditions = ["run_id = ?"] * (run_id is not None) + [sql.NEWS] * only_news
    where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
    values = (max(limit, 0),) if run_id is None else (run_id, max(limit, 0))
    rows = connection.execute(f"{sql.MESSAGE} {where} ORDER BY ready_at, seq LIMIT ?", values).fetchall()
    found = ((sql.message_of(row), *row[1:4]) for row in rows)
    return [
        Queued(message, ready_at, owner is not None and is_alive(owner), deliveries)
        for message, ready_at, deliveries, owner in found
    ]


def read_paused(connection: sqlite3.Connection) -> list[str]:
    """What has been paused, in order."""
    return [workflow for (workflow,) in connection.execute(sql.PAUSED)]


def read_bundle(connection: sqlite3.Connection, bundle_hash: str) -> bytes | None:
    """The data of the bundle, if it is kept."""
    row = connection.execute(sql.BUNDLE, (bundle_hash,)).fetchone() if storable(bundle_hash) else None
    return None if row is None else row[0]


def claim_goes_on(connection: sqlite3.Connection, claim: Claim) -> bool:
    """Whether the claim still holds, and there is still something to do."""
    row = connection.execute(sql.CLAIMED, (claim.message_id, claim.owner, claim.number)).fetchone()
    if row is None:
        return False
    run, step, message_id, run_id, cancels_children = row
    message = Message(message_id, run_id, cancels_children=bool(cancels_children))
    return goes_on(message, run and RunStatus(run), step and StepStatus(step))
