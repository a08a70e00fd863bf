"""Rows as what they stand for."""

from __future__ import annotations

import json
from typing import Any

from workflow_runtime.events import Event, EventKind
from workflow_runtime.worlds.base import HookInfo, Limit, Message, RunInfo, RunStatus
from workflow_runtime.worlds.encoding import decode_data
from workflow_runtime.worlds.postgres.texts import meant

RUN_COLUMNS = "id, workflow, bundle, status, created_at, started_at, ended_at, slot, parent, root, attributes, priority"
MESSAGE_COLUMNS = (
    "id, run_id, step_id, step_name, key, due, watch_id, watched, cancels_children, trace, "
    "limit_name, limit_concurrency, limit_every, limit_of_run, deliveries"
)
HOOK_COLUMNS = "token, run_id, hook_id, info, info_raw, created_at"


def run_of(row: Any) -> RunInfo:
    """The run in a row of ``RUN_COLUMNS``."""
    run_id, workflow, bundle, status, created_at, started_at, ended_at, slot, parent, root, attributes, priority = row
    known = {} if attributes is None else json.loads(attributes)
    return RunInfo(
        meant(run_id),
        meant(workflow),
        meant(bundle),
        RunStatus(status),
        created_at,
        started_at,
        ended_at,
        slot,
        meant(parent),
        meant(root),
        {meant(name): meant(value) for name, value in known.items()},
        priority,
    )


def data_of(text: str | None, raw: bytes | None) -> Any:
    """JSON from the column that has it."""
    return decode_data(raw if text is None else text)  # type: ignore[arg-type]  # one of the two is always there


def event_of(slot: int, kind: str, time: float, entity: str, text: str | None, raw: bytes | None) -> Event:
    """The event in a row of the log."""
    return Event(EventKind(kind), time, meant(entity), data_of(text, raw), slot)


def message_of(row: Any) -> Message:
    """The message in a row that has ``MESSAGE_COLUMNS``."""
    limit = None
    if row["limit_name"] is not None:
        limit = Limit(meant(row["limit_name"]), row["limit_concurrency"], row["limit_every"], row["limit_of_run"])
    return Message(
        meant(row["id"]),
        meant(row["run_id"]),
        meant(row["step_id"]),
        meant(row["step_name"]),
        meant(row["key"]),
        row["due"],
        meant(row["watch_id"]),
        meant(row["watched"]),
        row["cancels_children"],
        meant(row["trace"]),
        limit,
    )


def hook_of(row: Any) -> HookInfo:
    """The hook in a row of ``HOOK_COLUMNS``."""
    token, run_id, hook_id, info, raw, created_at = row
    metadata, webhook = data_of(info, raw)
    return HookInfo(meant(token), meant(run_id), meant(hook_id), metadata, webhook, created_at)
