"""The SQL of the world, but for the schema."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from workflow_runtime.events import Event, EventKind
from workflow_runtime.worlds.base import HookInfo, Message, RunInfo, RunStatus
from workflow_runtime.worlds.encoding import decode_data, decode_limit

RUN_COLUMNS = "SELECT id, workflow, bundle, status, created_at, started_at, ended_at, slot, parent, root, runs.attributes, priority"
RUN_BY_ID = f"{RUN_COLUMNS} FROM runs WHERE id = ?"
ADD_RUN = "INSERT INTO runs (id, workflow, bundle, status, created_at, started_at, ended_at, slot, parent, root, priority) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
# Messages of the run that were sent before it was created.
ADOPT_MESSAGES = (
    "UPDATE messages SET rank = ?, paused = EXISTS (SELECT 1 FROM paused WHERE workflow = ?) WHERE run_id = ?"
)
SAVE_RUN = "UPDATE runs SET status = ?, started_at = ?, ended_at = ?, slot = ? WHERE id = ?"
# By far the most frequent; it leaves the index over the status alone.
SAVE_SLOT = "UPDATE runs SET slot = ? WHERE id = ?"
SAVE_ATTRIBUTES = "UPDATE runs SET attributes = ? WHERE id = ?"
FORGET_ATTRIBUTES = "DELETE FROM attributes WHERE run = (SELECT seq FROM runs WHERE id = ?)"
ADD_ATTRIBUTE = (
    "INSERT INTO attributes (run, name, value, run_created_at) SELECT seq, ?, ?, created_at FROM runs WHERE id = ?"
)
ADD_CHILD = "UPDATE runs SET children = 1 WHERE id = ?"
HAS_CHILDREN = "SELECT children FROM runs WHERE id = ?"
ENDED = """
SELECT seq, id FROM runs
WHERE ended_at < ? AND NOT EXISTS (SELECT 1 FROM runs AS first WHERE first.id = runs.root AND first.ended_at IS NULL)
AND NOT EXISTS (SELECT 1 FROM messages WHERE messages.run_id = runs.id AND cancels_children)
ORDER BY ended_at, seq LIMIT ?
"""
# ?1 is the run's seq, ?2 its id; each statement names both.
DELETE_RUN = (
    "DELETE FROM chunks WHERE ?1 AND stream IN (SELECT seq FROM streams WHERE run_id = ?2)",
    "DELETE FROM attributes WHERE run = ?1 AND ?2 IS NOT NULL",
    *(
        f"DELETE FROM {table} WHERE ?1 AND run_id = ?2"
        for table in ("events", "steps", "waits", "messages", "hook_keys", "watches", "streams")
    ),
    "DELETE FROM runs WHERE seq = ?1 AND ?2 IS NOT NULL",
)

EVENT = "SELECT kind, time, entity, data, slot FROM events"
EVENTS = f"{EVENT} WHERE run_id = ? AND slot > ? AND slot <= ? ORDER BY slot LIMIT ?"
ADD_EVENT = "INSERT INTO events (run_id, slot, kind, time, entity, data) VALUES (?, ?, ?, ?, ?, ?)"

STEP = "SELECT status, attempt, failures, retryings, message_id, retry_at, created_slot FROM steps WHERE run_id = ? AND step_id = ?"
SAVE_STEP = "INSERT OR REPLACE INTO steps (run_id, step_id, status, attempt, failures, retryings, message_id, retry_at, created_slot) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
END_STEP = "INSERT INTO steps (run_id, step_id, status, attempt, failures, retryings, retry_at, created_slot) VALUES (?, ?, ?, 0, 0, 0, 0.0, 0) ON CONFLICT (run_id, step_id) DO UPDATE SET status = excluded.status"
WAIT = "SELECT status FROM waits WHERE run_id = ? AND wait_id = ?"
SAVE_WAIT = "INSERT OR REPLACE INTO waits (run_id, wait_id, status) VALUES (?, ?, ?)"

IN_QUEUE = "SELECT 1 FROM messages WHERE id = ?"
OWNER = "SELECT owner FROM messages WHERE id = ?"
WITH_KEY = "SELECT seq, owner FROM messages WHERE key = ? ORDER BY seq"
OF_RUN = "SELECT seq, owner FROM messages WHERE run_id = ?"
HASTEN = "UPDATE messages SET ready_at = min(ready_at, ?) WHERE seq = ?"
PUT = """
INSERT INTO messages (id, run_id, step_id, step_name, key, due, watch_id, watched, cancels_children, trace, limits, holds, ready_at, rank, paused)
VALUES (
    ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13,
    coalesce((SELECT -priority FROM runs WHERE id = ?2), 0),
    EXISTS (SELECT 1 FROM paused CROSS JOIN runs WHERE runs.id = ?2 AND runs.workflow = paused.workflow)
)
"""
REMOVE = "DELETE FROM messages WHERE seq = ?"
REMOVE_CLAIMED = "DELETE FROM messages WHERE id = ? AND owner = ? AND claim = ?"
HAND_BACK = "UPDATE messages SET owner = NULL, claim = NULL, ready_at = coalesce(?, ready_at) WHERE id = ? AND owner = ? AND claim = ?"
# What was in hand was due, whatever the clock says now.
FREE_OWNED = "UPDATE messages SET owner = NULL, claim = NULL, ready_at = min(ready_at, ?) WHERE owner = ?"
OVERDUE = "UPDATE messages SET ready_at = ? WHERE owner IS NULL AND due <= ? AND ready_at > ?"
TAKE = "UPDATE messages SET owner = ?, claim = ?, deliveries = deliveries + 1 WHERE seq = ?"
TAKE_OVER = "UPDATE messages SET owner = ?, claim = ? WHERE seq = ?"
MESSAGE = """
SELECT seq, ready_at, deliveries, owner, id, run_id, step_id, step_name, key, due, watch_id, watched, cancels_children, trace, limits FROM messages
"""
READY_ORDER = itemgetter(1, 0)  # of rows of MESSAGE
# A line: the messages of one rank and one limit; see lines.py.
_IN_LINE = "owner IS NULL AND paused = 0 AND rank = ? AND limits = ?"
# By way of the places, of which there are few: a line may be long.
_WITH_PLACE = "INDEXED BY messages_of_run WHERE run_id IN (SELECT run_id FROM places WHERE name = ?)"
_LINE = "SELECT rank, limits, ready_at FROM messages WHERE owner IS NULL AND paused = 0"
FIRST_LINE = f"""
{_LINE} AND NOT EXISTS (SELECT 1 FROM paused WHERE workflow = '') ORDER BY rank, limits, ready_at LIMIT 1
"""
# One comparison at a time: with both in one, SQLite would walk through the whole line.
NEXT_LINE = f"""
SELECT * FROM ({_LINE} AND rank = ?1 AND limits > ?2 ORDER BY limits, ready_at LIMIT 1)
UNION ALL
SELECT * FROM ({_LINE} AND rank > ?1 ORDER BY rank, limits, ready_at LIMIT 1)
LIMIT 1
"""
READY_WITH_PLACE = f"SELECT min(ready_at) FROM messages {_WITH_PLACE} AND {_IN_LINE}"
DUE = f"{MESSAGE} WHERE {_IN_LINE} AND ready_at <= ? ORDER BY ready_at, seq LIMIT ?"
DUE_WITH_PLACE = f"{MESSAGE} {_WITH_PLACE} AND {_IN_LINE} AND ready_at <= ?"
# See ``entities.tells_news``.
NEWS = "deliveries = 0 AND step_id IS NULL AND (key IS NOT NULL OR watch_id IS NOT NULL OR cancels_children)"
MESSAGE_BY_CLAIM = f"{MESSAGE} WHERE id = ? AND owner = ? AND claim = ?"
MESSAGE_BY_ID = f"{MESSAGE} WHERE id = ? AND paused = 0 AND ready_at <= ?"
IDLE_DEPTH = "SELECT count(*), coalesce(sum(ready_at <= ?), 0) FROM messages WHERE owner IS NULL"
OWNED_DEPTH = "SELECT owner, count(*), sum(ready_at <= ?) FROM messages WHERE owner IS NOT NULL GROUP BY owner"
NEXT_OWNER = "SELECT min(owner) FROM messages WHERE owner > ?"
CLAIMED = """
SELECT runs.status, steps.status, messages.id, messages.run_id, messages.cancels_children FROM messages
LEFT JOIN runs ON runs.id = messages.run_id
LEFT JOIN steps ON steps.run_id = messages.run_id AND steps.step_id = messages.step_id
WHERE messages.id = ? AND messages.owner = ? AND messages.claim = ?
"""

IN_HAND_UNDER = "SELECT count(*) FROM messages WHERE owner IS NOT NULL AND holds = ?"
OWNERS_UNDER = "SELECT owner, count(*) FROM messages WHERE owner IS NOT NULL AND holds = ? GROUP BY owner"
COUNT_PLACES = "SELECT count(*) FROM places WHERE name = ?"
HAS_PLACE = "SELECT 1 FROM places WHERE name = ? AND run_id = ?"
ADD_PLACE = "INSERT OR IGNORE INTO places (name, run_id) SELECT ?, id FROM runs WHERE id = ? AND ended_at IS NULL"
FREE_PLACES = "DELETE FROM places WHERE run_id = ?"
TAKING = "SELECT time FROM takings WHERE name = ?"
SAVE_TAKING = "INSERT OR REPLACE INTO takings (name, time) VALUES (?, ?)"
IS_PAUSED = "SELECT 1 FROM paused WHERE workflow = ?"
PAUSED = "SELECT workflow FROM paused ORDER BY workflow"
PAUSE = "INSERT OR IGNORE INTO paused (workflow) VALUES (?)"
UNPAUSE = "DELETE FROM paused WHERE workflow = ?"
SET_PAUSED = "UPDATE messages SET paused = ? WHERE paused != ? AND (SELECT workflow FROM runs WHERE runs.id = messages.run_id) = ?"

RUN_STATUS = "SELECT status FROM runs WHERE id = ?"

HOOK = "SELECT token, run_id, hook_id, info, created_at FROM hooks"
HOOK_BY_TOKEN = f"{HOOK} WHERE token = ?"
HOOKS_OF_RUN = f"{HOOK} WHERE run_id = ? ORDER BY slot"
HAS_HOOK = "SELECT 1 FROM hooks WHERE run_id = ? AND hook_id = ?"
ADD_HOOK = "INSERT OR REPLACE INTO hooks (token, run_id, hook_id, info, created_at, slot) VALUES (?, ?, ?, ?, ?, ?)"
REMOVE_HOOK = "DELETE FROM hooks WHERE run_id = ? AND hook_id = ?"
REMOVE_HOOKS = "DELETE FROM hooks WHERE run_id = ?"
HAS_KEY = "SELECT 1 FROM hook_keys WHERE run_id = ? AND hook_id = ? AND key = ?"
KEEP_KEY = "INSERT OR IGNORE INTO hook_keys (run_id, hook_id, key) VALUES (?, ?, ?)"

WATCH = "SELECT run_id, watch_id, target, done FROM watches"
WATCH_BY_ID = f"{WATCH} WHERE run_id = ? AND watch_id = ?"
WATCHES_OF = f"{WATCH} WHERE target = ? ORDER BY run_id, watch_id"
SAVE_WATCH = "INSERT OR REPLACE INTO watches (run_id, watch_id, target, done) VALUES (?, ?, ?, ?)"

STREAM = "SELECT seq, length, closed FROM streams WHERE run_id = ? AND name = ?"
STREAMS = "SELECT name, length, closed FROM streams WHERE run_id = ? ORDER BY name"
ADD_STREAM = "INSERT INTO streams (run_id, name, length, closed) VALUES (?, ?, 0, 0)"
SAVE_LENGTH = "UPDATE streams SET length = ? WHERE seq = ?"
CLOSE_STREAM = "UPDATE streams SET closed = 1 WHERE seq = ?"
ADD_CHUNK = "INSERT INTO chunks (stream, number, data) VALUES (?, ?, ?)"
CHUNKS = "SELECT data FROM chunks WHERE stream = ? AND number >= ? AND number < ? ORDER BY number LIMIT ?"

PUT_BUNDLE = "INSERT OR IGNORE INTO bundles (hash, data) VALUES (?, ?)"
REPLACE_BUNDLE = "INSERT OR REPLACE INTO bundles (hash, data) VALUES (?, ?)"
BUNDLE = "SELECT data FROM bundles WHERE hash = ?"


def run_of(row: tuple[Any, ...]) -> RunInfo:
    """The run in a row of ``RUN_COLUMNS``."""
    run_id, workflow, bundle, status, created_at, started_at, ended_at, slot, parent, root, attributes, priority = row
    known = {} if attributes is None else decode_data(attributes)
    times = (created_at, started_at, ended_at)
    return RunInfo(run_id, workflow, bundle, RunStatus(status), *times, slot, parent, root, known, priority)


def event_of(row: tuple[Any, ...]) -> Event:
    """The event in a row of ``EVENT``."""
    kind, when, entity, data, slot = row
    return Event(EventKind(kind), when, entity, decode_data(data), slot)


def message_of(row: tuple[Any, ...]) -> Message:
    """The message in a row of ``MESSAGE``."""
    message_id, run_id, step_id, step_name, key, due, watch_id, watched, cancels_children, trace, limits = row[4:]
    told = (watch_id, watched, bool(cancels_children), trace)
    return Message(message_id, run_id, step_id, step_name, key, due, *told, decode_limit(limits))


def hook_of(row: tuple[Any, ...]) -> HookInfo:
    """The hook in a row of ``HOOK``."""
    token, run_id, hook_id, info, created_at = row
    metadata, webhook = decode_data(info)
    return HookInfo(token, run_id, hook_id, metadata, webhook, created_at)
