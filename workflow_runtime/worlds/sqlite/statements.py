"""The SQL of the world, but for the schema."""

from __future__ import annotations

from typing import Any

from workflow_runtime.events import Event, EventKind
from workflow_runtime.worlds.base import Message, RunInfo, RunStatus
from workflow_runtime.worlds.encoding import decode_data

RUN = "SELECT id, workflow, bundle, status, created_at, started_at, ended_at, slot FROM runs"
RUN_BY_ID = f"{RUN} WHERE id = ?"
ADD_RUN = "INSERT INTO runs (id, workflow, bundle, status, created_at, started_at, ended_at, slot) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
SAVE_RUN = "UPDATE runs SET status = ?, started_at = ?, ended_at = ?, slot = ? WHERE id = ?"
# By far the most frequent; it leaves the index over the status alone.
SAVE_SLOT = "UPDATE runs SET slot = ? WHERE id = ?"

EVENT = "SELECT kind, time, entity, data, slot FROM events"
EVENTS = f"{EVENT} WHERE run_id = ? AND slot > ? AND slot <= ? ORDER BY slot"
ADD_EVENT = "INSERT INTO events (run_id, slot, kind, time, entity, data) VALUES (?, ?, ?, ?, ?, ?)"

STEP = "SELECT status, attempt, failures, retryings, message_id, retry_at, created_slot FROM steps WHERE run_id = ? AND step_id = ?"
SAVE_STEP = "INSERT OR REPLACE INTO steps (run_id, step_id, status, attempt, failures, retryings, message_id, retry_at, created_slot) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
WAIT = "SELECT status FROM waits WHERE run_id = ? AND wait_id = ?"
SAVE_WAIT = "INSERT OR REPLACE INTO waits (run_id, wait_id, status) VALUES (?, ?, ?)"

IN_QUEUE = "SELECT 1 FROM messages WHERE id = ?"
OWNER = "SELECT owner FROM messages WHERE id = ?"
WITH_KEY = "SELECT seq, owner FROM messages WHERE key = ? ORDER BY seq"
OF_RUN = "SELECT seq, owner FROM messages WHERE run_id = ?"
HASTEN = "UPDATE messages SET ready_at = min(ready_at, ?) WHERE seq = ?"
PUT = "INSERT INTO messages (id, run_id, step_id, step_name, key, due, ready_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
REMOVE = "DELETE FROM messages WHERE seq = ?"
REMOVE_CLAIMED = "DELETE FROM messages WHERE id = ? AND owner = ? AND claim = ?"
HAND_BACK = "UPDATE messages SET owner = NULL, claim = NULL, ready_at = coalesce(?, ready_at) WHERE id = ? AND owner = ? AND claim = ?"
FREE_OWNED = "UPDATE messages SET owner = NULL, claim = NULL WHERE owner = ?"
TAKE = "UPDATE messages SET owner = ?, claim = ?, deliveries = deliveries + 1 WHERE seq = ?"
DUE = """
SELECT seq, deliveries, id, run_id, step_id, step_name, key, due FROM messages
WHERE owner IS NULL AND ready_at <= ? ORDER BY ready_at, seq LIMIT ?
"""
NEXT_READY = "SELECT min(ready_at) FROM messages WHERE owner IS NULL"
NEXT_OWNER = "SELECT min(owner) FROM messages WHERE owner > ?"
CLAIMED_RUN_STATUS = """
SELECT runs.status FROM messages LEFT JOIN runs ON runs.id = messages.run_id
WHERE messages.id = ? AND messages.owner = ? AND messages.claim = ?
"""
RUN_STATUS = "SELECT status FROM runs WHERE id = ?"


def run_of(row: tuple[Any, ...]) -> RunInfo:
    """The run in a row of ``RUN``."""
    return RunInfo(row[0], row[1], row[2], RunStatus(row[3]), *row[4:])


def event_of(row: tuple[Any, ...]) -> Event:
    """The event in a row of ``EVENT``."""
    kind, when, entity, data, slot = row
    return Event(EventKind(kind), when, entity, decode_data(data), slot)


def message_of(row: tuple[Any, ...]) -> Message:
    """The message in a row that ends as ``DUE`` does."""
    return Message(*row)
