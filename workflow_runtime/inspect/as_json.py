"""What ``--json`` gives: stable names, everything there, nothing cut. Times are unix seconds; values and errors are as in the log.

A name is never taken away and never changes its meaning within one ``version``; new ones may come.
"""

from __future__ import annotations

import json

from workflow_runtime.errors import SerializationError
from workflow_runtime.events import Event, Json
from workflow_runtime.seeing.rows import Attempt, Payload, Row, RunView
from workflow_runtime.seeing.standing import Standing
from workflow_runtime.worlds.types import RunInfo, StreamInfo

VERSION = 1


def document(**content: Json) -> str:
    """One JSON document in ASCII, indented, which says its version."""
    return json.dumps({"version": VERSION, **content}, indent=2)


def line(**content: Json) -> str:
    """The same on one line, as ``--follow`` writes them one after the other."""
    return json.dumps({"version": VERSION, **content})


def run_json(info: RunInfo, standing: Standing | None = None) -> dict[str, Json]:
    """A run without its log."""
    return {
        "id": info.id,
        "workflow": info.workflow,
        "status": info.status.value,
        "created_at": info.created_at,
        "started_at": info.started_at,
        "ended_at": info.ended_at,
        "bundle": info.bundle,
        "events": info.slot,
        "parent": info.parent,
        "root": info.root,
        "attributes": dict(info.attributes),
        "priority": info.priority,
        "now": None
        if standing is None
        else {
            "text": standing.text,
            "waits": standing.waits,
            "until": standing.until,
            "tokens": list(standing.tokens),
            "paused": list(standing.paused),
            "handed_back": dict(standing.handed_back),
        },
    }


def view_json(view: RunView, standing: Standing, retried_as: str | None) -> dict[str, Json]:
    """A run with what it did."""
    return {
        **run_json(view.info, standing),
        "input": view.input,
        "output": view.output,
        "error": view.error,
        "reason": view.reason,
        "failed_row": view.failed_row,
        "decided_at": view.decided_at,
        "continues": view.continues,
        "successor": view.successor,
        "retries": view.retries,
        "retried_as": retried_as,
        "rows": [row_json(row) for row in view.rows],
    }


def row_json(row: Row) -> dict[str, Json]:
    """A step, wait, hook, child or what else a run did."""
    return {
        "id": row.id,
        "kind": row.kind.value,
        "name": row.name,
        "detail": row.detail,
        "function": row.function or None,
        "state": row.state.value,
        "created_at": row.created,
        "started_at": row.started,
        "ended_at": row.ended,
        "slot": row.slot,
        "end_slot": row.end_slot or None,
        "batch": row.batch,
        "attempts": [_attempt(attempt) for attempt in row.attempts],
        "input": row.input,
        "output": row.output,
        "error": row.error,
        "until": row.until,
        "token": row.token,
        "metadata": row.metadata,
        "payloads": [_payload(payload) for payload in row.payloads],
        "disposed": row.disposed,
        "run": row.run,
        "attributes": None if row.attributes is None else dict(row.attributes),
        "let_go": row.let_go,
        "late": row.late,
    }


def event_json(event: Event, name: str) -> dict[str, Json]:
    """One event; ``name`` is what its row is called."""
    return {
        "slot": event.slot,
        "time": event.time,
        "kind": event.kind.value,
        "entity": event.entity or None,
        "name": name or None,
        "data": dict(event.data),
    }


def hook_json(info: RunInfo, row: Row) -> dict[str, Json]:
    """A hook and whose it is."""
    return {"run_id": info.id, "workflow": info.workflow, **row_json(row)}


def stream_json(info: StreamInfo) -> dict[str, Json]:
    """A stream without its chunks."""
    return {"name": info.name, "length": info.length, "closed": info.closed}


def chunk_json(index: int, chunk: bytes) -> dict[str, Json]:
    """A chunk of a stream: its encoded value."""
    return {"index": index, "value": encoded_chunk(chunk)}


def encoded_chunk(chunk: bytes) -> Json:
    """The encoded value of a chunk. What is none, as another version may have written, is its bytes as text."""
    from workflow_runtime.chunks import json_text  # which imports all that values are made of

    try:
        return json.loads(json_text(chunk, "chunk"))
    except (SerializationError, ValueError):
        return chunk.decode("utf-8", "backslashreplace")


def _attempt(attempt: Attempt) -> dict[str, Json]:
    return {
        "number": attempt.number,
        "started_at": attempt.started,
        "ended_at": attempt.ended,
        "state": attempt.state.value,
        "error": attempt.error,
        "retry_at": attempt.retry_at,
        "counted": attempt.counted,
    }


def _payload(payload: Payload) -> dict[str, Json]:
    return {"time": payload.time, "value": payload.value, "key": payload.key}
