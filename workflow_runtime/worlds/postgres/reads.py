"""What is read: logs, lists of runs and messages, streams."""

from __future__ import annotations

import json
from collections.abc import Iterator

from workflow_runtime.errors import RunNotFoundError
from workflow_runtime.worlds.base import Chunks, Log, Queued, QueueDepth, RunInfo, RunStatus, StreamInfo
from workflow_runtime.worlds.encoding import storable
from workflow_runtime.worlds.listing import Wanted, after_prefix
from workflow_runtime.worlds.postgres.arguments import attributes_json
from workflow_runtime.worlds.postgres.connect import Connection
from workflow_runtime.worlds.postgres.rows import RUN_COLUMNS, event_of, message_of, run_of
from workflow_runtime.worlds.postgres.statements import Statements
from workflow_runtime.worlds.postgres.texts import meant, stored

_Condition = tuple[str, object]


async def read_log(sql: Statements, connection: Connection, run_id: str, after: int, limit: int | None) -> Log:
    """The run and its events after slot ``after``. Raises ``RunNotFoundError``."""
    most = None if limit is None else max(limit, 0)
    rows = (
        await connection.fetch(sql.load, stored(run_id), min(max(after, 0), 2**31 - 1), most)
        if storable(run_id)
        else []
    )
    if not rows:
        raise RunNotFoundError(run_id)
    (run, *events) = sorted(rows, key=lambda row: row["at"])
    fields = json.loads(run["kind"])
    fields["attributes"] = run["entity"]
    for name in ("created_at", "started_at", "ended_at"):
        fields[name] = None if fields[name] is None else float(fields[name])
    return Log(run_of([fields[name] for name in RUN_COLUMNS.split(", ")]), tuple(event_of(*row) for row in events))


async def read_run(sql: Statements, connection: Connection, run_id: str) -> RunInfo:
    """The run. Raises ``RunNotFoundError``."""
    row = await connection.fetchrow(sql.run, stored(run_id)) if storable(run_id) else None
    if row is None:
        raise RunNotFoundError(run_id)
    return run_of(row)


async def read_runs(sql: Statements, connection: Connection, schema: str, wanted: Wanted) -> list[RunInfo]:
    """Runs, newest first. Raises ``RunNotFoundError`` when ``before`` is not there."""
    conditions = list(_conditions(schema, wanted))
    if wanted.before is not None:
        await read_run(sql, connection, wanted.before)
    if not _possible(wanted):
        return []
    where = _where(conditions)
    return [
        run_of(row)
        for row in await connection.fetch(
            f"SELECT {RUN_COLUMNS} FROM {schema}.runs{where} ORDER BY created_at DESC, seq DESC LIMIT {wanted.limit}",
            *(value for _, value in conditions),
        )
    ]


async def count_runs(connection: Connection, schema: str, wanted: Wanted) -> dict[RunStatus, int]:
    """How many there are of each status, none counted further than the limit."""
    counts = dict.fromkeys(RunStatus, 0)
    if not _possible(wanted):
        return counts
    conditions = list(_conditions(schema, wanted))
    where = _where([("status = one.status", None), *conditions], first=0)
    rows = await connection.fetch(
        "SELECT one.status, (SELECT count(*) FROM (SELECT FROM "
        f"{schema}.runs{where} LIMIT {wanted.limit}) AS fitting) "
        f"FROM unnest(${len(conditions) + 1}::text[]) AS one (status)",
        *(value for _, value in conditions),
        [status.value for status in RunStatus],
    )
    return counts | {RunStatus(status): count for status, count in rows}


async def read_chunks(
    sql: Statements, connection: Connection, run_id: str, name: str, start: int, limit: int
) -> Chunks:
    """Chunks from index ``start`` on. Raises ``RunNotFoundError``."""
    row = None
    if storable(run_id):
        row = await connection.fetchrow(
            sql.read, stored(run_id), stored(name) if storable(name) else None, start, limit
        )
    if row is None:
        raise RunNotFoundError(run_id)
    ended, closed, length, first, chunks = row
    return Chunks(first, tuple(chunks), (ended or closed) and first + len(chunks) >= length)


async def read_streams(sql: Statements, connection: Connection, run_id: str) -> list[StreamInfo]:
    """The run's streams, by name. Raises ``RunNotFoundError``."""
    rows = await connection.fetch(sql.streams, stored(run_id)) if storable(run_id) else []
    if not rows:
        raise RunNotFoundError(run_id)
    found = [StreamInfo(meant(name), length, closed) for name, length, closed in rows if name is not None]
    return sorted(found, key=lambda stream: stream.name)


async def read_depth(sql: Statements, connection: Connection) -> QueueDepth:
    """How many messages there are."""
    [row] = await connection.fetch(sql.depth)
    return QueueDepth(*row)


async def read_messages(
    sql: Statements, connection: Connection, run_id: str | None, limit: int, *, only_news: bool
) -> list[Queued]:
    """The messages, those that are ready first at the front."""
    if run_id is not None and not storable(run_id):
        return []
    rows = await connection.fetch(sql.messages, stored(run_id), max(limit, 0), only_news)
    return [Queued(message_of(row), row["ready_at"], row["in_hand"], row["deliveries"]) for row in rows]


def _possible(wanted: Wanted) -> bool:
    texts = [wanted.workflow, wanted.parent, wanted.prefix, *wanted.attributes, *wanted.attributes.values()]
    return all(text is None or storable(text) for text in texts)


def _where(conditions: list[_Condition], first: int = 1) -> str:
    said = [condition.format(f"${number}") for number, (condition, _) in enumerate(conditions, first)]
    return f" WHERE {' AND '.join(said)}" if said else ""


def _conditions(schema: str, wanted: Wanted) -> Iterator[_Condition]:
    if wanted.statuses is not None and len(wanted.statuses) == 1:  # as an equality, the index gives the order
        yield "status = {}", wanted.statuses[0].value
    elif wanted.statuses is not None:
        yield "status = ANY ({}::text[])", [status.value for status in wanted.statuses]
    if wanted.workflow is not None:
        yield "workflow = {}", stored(wanted.workflow)
    if wanted.parent is not None:
        yield "parent = {}", stored(wanted.parent)
    if wanted.attributes:
        yield "attributes @> {}::jsonb", attributes_json(dict(wanted.attributes))
    if wanted.prefix:
        yield "id >= {}", stored(wanted.prefix)
        if (following := after_prefix(wanted.prefix)) is not None:
            yield "id < {}", stored(following)
    if wanted.since is not None:
        yield "created_at >= {}", float(wanted.since)
    if wanted.until is not None:
        yield "created_at < {}", float(wanted.until)
    if wanted.before is not None:
        yield f"(created_at, seq) < (SELECT created_at, seq FROM {schema}.runs WHERE id = {{}})", stored(wanted.before)
