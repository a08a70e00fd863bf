"""Events, messages and runs as the arguments of the functions in the schema."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from workflow_runtime.events import RUN_ENDS, Event, EventKind
from workflow_runtime.ids import wait_key
from workflow_runtime.worlds.base import Message
from workflow_runtime.worlds.delivery import Claim
from workflow_runtime.worlds.encoding import EncodedEvent, EncodedRun, encode_data
from workflow_runtime.worlds.entities import RUN_STATUS_AFTER
from workflow_runtime.worlds.postgres.texts import indexed, stored

_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_OWNED = frozenset({EventKind.STEP_STARTED, EventKind.STEP_RETRYING, EventKind.STEP_COMPLETED, EventKind.STEP_FAILED})


Columns: TypeAlias = tuple[
    list[str],
    list[float],
    list[str],
    list[str | None],
    list[bytes | None] | None,
    list[int | None] | None,
    list[str | None] | None,
    list[float | None] | None,
]


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of events as columns, and what they do to all but the log."""

    columns: Columns
    """kinds, times, entities, data, raw, attempts, messages, retry_ats; None for a column without any value."""
    status: str | None
    started_at: float | None
    ended_at: float | None
    more: dict[str, Any]


def text_and_raw(data: str | bytes) -> tuple[str | None, bytes | None]:
    """JSON in the column that can hold it."""
    return (data, None) if isinstance(data, str) else (None, data)


def batch_of(run_id: str, events: Sequence[EncodedEvent]) -> Batch:
    """The arguments that are the same whenever these events are appended."""
    kinds: list[str] = []
    times: list[float] = []
    entities: list[str] = []
    data: list[str | None] = []
    raw: list[bytes | None] = []
    attempts: list[int | None] = []
    messages: list[str | None] = []
    retry_ats: list[float | None] = []
    more: dict[str, Any] = {}
    status, started_at, ended_at = None, None, None
    created: set[str] = set()
    for at, encoded in enumerate(events, 1):
        event = encoded.event
        kind = event.kind
        kinds.append(kind.value)
        times.append(float(event.time))
        entities.append(stored(event.entity))
        text, rest = text_and_raw(encoded.data)
        data.append(text)
        raw.append(rest)
        owned = kind in _OWNED
        attempts.append(event.data["attempt"] if owned else None)
        messages.append(stored(event.data["message"]) if kind is EventKind.STEP_STARTED else None)
        retry_ats.append(float(event.data["retry_at"]) if kind is EventKind.STEP_RETRYING else None)
        if kind is EventKind.STEP_CREATED:
            created.add(event.entity)
        elif owned:
            if kind in _CARRIES and not (kind is EventKind.STEP_STARTED and event.entity in created):
                more.setdefault("carry", []).append([at, counted(event)])
        elif kind in RUN_STATUS_AFTER:
            status = RUN_STATUS_AFTER[kind].value
            if kind is EventKind.RUN_STARTED:
                started_at = float(event.time) if started_at is None else started_at
            elif kind in RUN_ENDS:
                ended_at = float(event.time)
                if kind is EventKind.RUN_CONTINUED:
                    more["successor"] = stored(event.data["run"])
        elif kind in _EFFECTS:
            effect_of(more, run_id, at, event)
    columns = (kinds, times, entities, data, _some(raw), _some(attempts), _some(messages), _some(retry_ats))
    return Batch(columns, status, started_at, ended_at, more)


def counted(event: Event) -> int | None:
    """How many counted failures the event adds; None when it is no failure."""
    return int(event.data["counted"]) if event.kind is EventKind.STEP_RETRYING else None


def effect_of(more: dict[str, Any], run_id: str, at: int, event: Event) -> None:
    """Add to ``more`` what the event, the ``at``-th of its batch, does to hooks, watches, attributes and the queue."""
    kind = event.kind
    effect: dict[str, Any] = {"at": at, "entity": stored(event.entity)}
    if kind is EventKind.ATTRIBUTES_SET:
        _set_attributes(more, event)
        return
    if kind is EventKind.CHILD_CREATED:
        more["children"] = True
        return
    if kind is EventKind.HOOK_CREATED:
        info, rest = text_and_raw(encode_data([event.data.get("metadata"), event.data.get("webhook")]))
        token = event.data["token"]
        effect |= {"does": "hook", "a": stored(token), "info": info, "time": float(event.time)}
        effect["info_raw"] = None if rest is None else rest.hex()
        more.setdefault("conflicts", {})[str(at)] = f'{{"token":{_to_json(token)},"run":'
    elif kind is EventKind.HOOK_DISPOSED:
        effect["does"] = "dispose"
    elif kind is EventKind.WAIT_CANCELLED:
        effect |= {"does": "drop", "a": stored(wait_key(run_id, event.entity))}
    elif kind is EventKind.WATCH_CREATED:
        effect |= {"does": "watch", "a": stored(event.data["run"])}
    elif kind is EventKind.WATCH_COMPLETED:
        effect["does"] = "watched"
    elif event.data.get("key") is not None:
        effect |= {"does": "key", "a": indexed(event.data["key"])}
    if "does" in effect:
        more.setdefault("effects", []).append(effect)


def more_of(
    more: dict[str, Any], sends: Iterable[Message], ack: Claim | None, runs: Iterable[EncodedRun] = ()
) -> str | None:
    """All that comes with events, as JSON; None when there is nothing."""
    if sends:
        more = {**more, "sends": [message_of(message) for message in sends]}
    if ack is not None:
        more = {**more, "ack": [stored(ack.message_id), ack.owner, ack.number]}
    if runs:
        more = {**more, "runs": [run_of(run) for run in runs]}
    return _to_json(more) if more else None


def message_of(message: Message) -> dict[str, Any]:
    """A message as the schema's ``send`` takes it; what is missing is NULL."""
    sent: dict[str, Any] = {"id": stored(message.id), "run_id": stored(message.run_id), "due": float(message.due)}
    for name in ("step_id", "step_name", "key", "watch_id", "watched", "trace"):
        if (text := getattr(message, name)) is not None:
            sent[name] = stored(text)
    if message.cancels_children:
        sent["cancels_children"] = True
    if (limit := message.limit) is not None:
        sent["limit_name"] = stored(limit.name)
        sent["limit_concurrency"] = limit.concurrency
        sent["limit_every"] = float(limit.every)
        sent["limit_of_run"] = limit.of_run
    return sent


def messages_json(messages: Iterable[Message]) -> str:
    """Messages as the schema's ``send`` takes them."""
    return _to_json([message_of(message) for message in messages])


def run_of(run: EncodedRun) -> dict[str, Any]:
    """A run to create."""
    event = run.created.event
    data, raw = text_and_raw(run.created.data)
    attributes = event.data.get("attributes") or {}
    return {
        "id": stored(run.id),
        "workflow": stored(event.data["workflow"]),
        "bundle": stored(event.data["bundle"]),
        "created_at": float(event.time),
        "parent": stored(event.data.get("parent")),
        "root": stored(event.data.get("root")),
        "priority": event.data.get("priority") or 0,
        "attributes": {stored(name): stored(value) for name, value in attributes.items()},
        "data": data,
        "raw": None if raw is None else raw.hex(),
        "message": message_of(run.message),
    }


def run_json(run: EncodedRun) -> str:
    """A run to create, as JSON."""
    return _to_json(run_of(run))


def text_json(text: str) -> str:
    """Text as JSON."""
    return _to_json(text)


def attributes_json(attributes: dict[str, str]) -> str:
    """Attributes as the schema has them."""
    return _to_json({stored(name): stored(value) for name, value in attributes.items()})


def _set_attributes(more: dict[str, Any], event: Event) -> None:
    setting, unsetting = more.setdefault("set", {}), more.setdefault("unset", [])
    for name, value in event.data["attributes"].items():
        kept = stored(name)
        if value is None:
            setting.pop(kept, None)
            unsetting.append(kept)
        else:
            setting[kept] = stored(value)
            if kept in unsetting:
                unsetting.remove(kept)


def _some(column: list[Any]) -> list[Any] | None:
    return column if any(value is not None for value in column) else None


_CARRIES = frozenset({EventKind.STEP_STARTED, EventKind.STEP_RETRYING})
_EFFECTS = frozenset(
    {
        EventKind.ATTRIBUTES_SET,
        EventKind.CHILD_CREATED,
        EventKind.HOOK_CREATED,
        EventKind.HOOK_RECEIVED,
        EventKind.HOOK_DISPOSED,
        EventKind.WAIT_CANCELLED,
        EventKind.WATCH_CREATED,
        EventKind.WATCH_COMPLETED,
    }
)
