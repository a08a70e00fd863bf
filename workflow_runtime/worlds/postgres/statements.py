"""The SQL that a world asks with, for the schema that it is in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from workflow_runtime.worlds.postgres.rows import HOOK_COLUMNS, MESSAGE_COLUMNS, RUN_COLUMNS

_ENDED = "status NOT IN ('pending', 'running')"
_OF_MESSAGE = ", ".join(f"(message_).{name}" for name in MESSAGE_COLUMNS.split(", "))


@dataclass(frozen=True, slots=True)
class Statements:
    """All of them. ``statements_for`` makes them."""

    create_run: str
    begin_run: str
    load: str
    run: str
    commit: str
    append: str
    append_three: str
    commit_many: str
    missed: str
    record: str
    start_step: str
    send: str
    receive: str
    take: str
    take_over: str
    ack: str
    again: str
    release: str
    extend: str
    depth: str
    messages: str
    pause: str
    unpause: str
    paused: str
    hook_by_token: str
    hooks: str
    write: str
    read: str
    streams: str
    put_bundle: str
    replace_bundle: str
    bundle: str
    delete_ended: str


def statements_for(schema: str) -> Statements:
    """The statements for a schema, given as it is written in SQL."""
    columns = {"run_columns": RUN_COLUMNS, "message_columns": MESSAGE_COLUMNS, "hook_columns": HOOK_COLUMNS}
    more = {"of_message": _OF_MESSAGE, "ended": _ENDED}
    return Statements(**{name: text.format(s=schema, **columns, **more) for name, text in _TEXTS.items()})


_TEXTS: Mapping[str, str] = {
    "create_run": "SELECT {s}.create_run_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    "begin_run": "SELECT {s}.begin_run_1($1, $2, $3)",
    # One statement, and so one moment: the run first, then its events.
    "load": (
        "WITH run AS MATERIALIZED (SELECT {run_columns}, seq FROM {s}.runs WHERE id = $1) "
        "SELECT 0 AS at, to_json(run)::text AS kind, 0::float8 AS time, attributes::text AS entity, NULL AS data, NULL AS raw FROM run "
        "UNION ALL (SELECT e.slot, e.kind, e.time, e.entity, e.data, e.raw FROM run, LATERAL "
        "(SELECT * FROM {s}.events WHERE events.run = run.seq AND events.slot > $2 AND events.slot <= run.slot "
        "ORDER BY events.slot LIMIT $3) AS e)"
    ),
    "run": "SELECT {run_columns} FROM {s}.runs WHERE id = $1",
    "commit": "SELECT {s}.commit_2($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    "append": "SELECT {s}.append_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    "append_three": (
        "SELECT {s}.append_three_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)"
    ),
    "commit_many": "SELECT {s}.commit_many_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    "missed": (
        "SELECT e.slot, e.kind, e.time, e.entity, e.data, e.raw FROM {s}.events AS e JOIN {s}.runs ON runs.seq = e.run "
        "WHERE runs.id = $1 AND e.slot > $2 ORDER BY e.slot"
    ),
    "record": "SELECT {s}.record_1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
    "start_step": "SELECT * FROM {s}.start_step_1($1, $2, $3, $4, $5, $6)",
    "send": "SELECT {s}.send_1($1)",
    "receive": "SELECT {of_message}, more, now, next FROM {s}.receive_1($1, $2, $3)",
    "take": "SELECT {message_columns} FROM {s}.take_1($1, $2, $3)",
    "take_over": (
        "UPDATE {s}.messages SET owner = $1, claim = $2 WHERE id = $3 AND owner = $4 AND claim = $5 AND {s}.lives_1($4) "
        "RETURNING {message_columns}"
    ),
    "ack": "SELECT {s}.ack_1($1, $2, $3)",
    "again": "SELECT {s}.again_1($1, $2, $3, $4)",
    "release": "SELECT {s}.release_1($1, $2)",
    "extend": "SELECT {s}.extend_1($1, $2, $3)",
    "depth": (
        "SELECT count(*) FILTER (WHERE idle AND due), count(*) FILTER (WHERE NOT idle), count(*) FILTER (WHERE idle AND NOT due) FROM "
        "(SELECT owner IS NULL OR NOT {s}.lives_1(owner) AS idle, ready_at <= extract(epoch FROM clock_timestamp()) AS due "
        "FROM {s}.messages) AS m"
    ),
    "messages": (
        "SELECT {message_columns}, ready_at, owner IS NOT NULL AND {s}.lives_1(owner) AS in_hand FROM {s}.messages "
        "WHERE ($1::text IS NULL OR run_id = $1) AND (NOT $3::boolean OR deliveries = 0 AND step_id IS NULL "
        "AND (key IS NOT NULL OR watch_id IS NOT NULL OR cancels_children)) ORDER BY ready_at, seq LIMIT $2"
    ),
    "pause": "INSERT INTO {s}.paused (workflow) VALUES ($1) ON CONFLICT DO NOTHING",
    "unpause": "DELETE FROM {s}.paused WHERE workflow = $1",
    "paused": "SELECT workflow FROM {s}.paused",
    "hook_by_token": "SELECT {hook_columns} FROM {s}.hooks WHERE token = $1",
    "hooks": "SELECT {hook_columns} FROM {s}.hooks WHERE run_id = $1 ORDER BY slot",
    "write": "SELECT {s}.write_1($1, $2, $3, $4, $5, $6, $7, $8)",
    "read": (
        "SELECT ended, coalesce(closed, false) AS closed, coalesce(length, 0) AS length, first, "
        "ARRAY(SELECT data FROM {s}.chunks WHERE stream = stream_seq AND number >= first AND number < length ORDER BY number LIMIT $4) "
        "FROM (SELECT {ended} AS ended, streams.seq AS stream_seq, closed, length, "
        "CASE WHEN $3::bigint >= 0 THEN $3 ELSE greatest(coalesce(length, 0) + $3, 0) END AS first "
        "FROM {s}.runs LEFT JOIN {s}.streams ON streams.run = runs.seq AND name = $2 WHERE id = $1) AS found"
    ),
    "streams": (
        "SELECT name, length, closed OR {ended} FROM {s}.runs LEFT JOIN {s}.streams ON streams.run = runs.seq WHERE id = $1"
    ),
    "put_bundle": "INSERT INTO {s}.bundles (hash, data) VALUES ($1, $2) ON CONFLICT DO NOTHING",
    "replace_bundle": "INSERT INTO {s}.bundles (hash, data) VALUES ($1, $2) ON CONFLICT (hash) DO UPDATE SET data = excluded.data",
    "bundle": "SELECT data FROM {s}.bundles WHERE hash = $1",
    "delete_ended": "SELECT {s}.delete_ended_1($1, $2)",
}
