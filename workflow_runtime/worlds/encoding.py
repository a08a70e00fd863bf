"""Events and messages as text that any storage can hold, checked before a transaction begins.

What can not be stored is refused here, on the caller's side, so that a transaction fails only when the storage does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workflow_runtime.events import Event, Json
from workflow_runtime.worlds.base import Limit, Message, NewRun, UnstorableError

_TEXTS_OF_MESSAGES = ("id", "run_id", "step_id", "step_name", "key", "watch_id", "watched", "trace")
_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class EncodedEvent:
    """An event with its data as JSON: text, or bytes where the text has lone surrogates, which no UTF-8 text can hold."""

    event: Event
    data: str | bytes


@dataclass(frozen=True, slots=True)
class EncodedRun:
    """A run to create, with its first event as JSON."""

    id: str
    created: EncodedEvent
    message: Message


def encode_data(value: Json) -> str | bytes:
    """``value`` as compact JSON. ``decode_data`` gives it back, every string exactly. Raises what ``json`` raises."""
    text = _encoder.encode(value)
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def decode_data(data: str | bytes) -> Json:
    """What ``encode_data`` encoded."""
    return json.loads(data if isinstance(data, str) else data.decode("utf-8", "surrogatepass"))


def encode_event(event: Event) -> EncodedEvent:
    """Raises ``UnstorableError`` when the event can not be stored."""
    where = f"{event.kind} event{' of ' + event.entity if event.entity else ''}"
    _check_number(event.time, f"the time of a {where}")
    _check_text(event.entity, f"the entity of a {event.kind} event")
    try:
        return EncodedEvent(event, encode_data(event.data if type(event.data) is dict else dict(event.data)))
    except (TypeError, ValueError, RecursionError) as error:
        raise UnstorableError(
            f"the data of a {where} can not be stored as JSON: {error}; encode values before they reach the world"
        ) from error


def encode_limit(limit: Limit | None) -> str:
    """``limit`` as text, the same for equal ones; empty for None. ``decode_limit`` gives it back."""
    if limit is None:
        return ""
    return _encoder.encode([limit.name, limit.concurrency, float(limit.every), limit.of_run])


def decode_limit(text: str) -> Limit | None:
    """What ``encode_limit`` encoded."""
    return Limit(*json.loads(text)) if text else None


def encode_run(run: NewRun) -> EncodedRun:
    """Raises ``UnstorableError`` when the run can not be stored."""
    _check_text(run.id, "the id of a run")
    check_messages((run.message,))
    return EncodedRun(run.id, encode_event(run.created), run.message)


def check_chunks(run_id: str, name: str, chunks: Sequence[bytes] = ()) -> None:
    """Raise ``UnstorableError`` when the chunks can not be stored under that name."""
    _check_text(name, f"the name of a stream of run {run_id!r}")
    for chunk in chunks:
        if not isinstance(chunk, bytes):
            raise UnstorableError(
                f"a chunk of stream {name!r} is of type {type(chunk).__name__}; encode it to bytes before it reaches the world"
            )


def check_bundle(bundle_hash: str, data: bytes) -> None:
    """Raise ``UnstorableError`` when the bundle can not be stored."""
    _check_text(bundle_hash, "the hash of a bundle")
    if not isinstance(data, bytes):
        raise UnstorableError(f"the data of bundle {bundle_hash!r} is of type {type(data).__name__}; it must be bytes")


def check_workflow(workflow: str) -> None:
    """Raise ``UnstorableError`` when no workflow can be called so."""
    _check_text(workflow, "what is to be paused")


def check_messages(messages: Iterable[Message]) -> None:
    """Raise ``UnstorableError`` when one of them can not be stored."""
    for message in messages:
        _check_number(message.due, f"the due time of message {message.id!r}")
        for name in _TEXTS_OF_MESSAGES:
            text = getattr(message, name)
            if text is not None and not text.isascii():
                _check_text(text, f"the {name} of message {message.id!r}")
        if message.limit is not None:
            _check_limit(message.limit, f"the limit of message {message.id!r}")


def storable(text: str) -> bool:
    """Whether a storage can hold ``text`` as text: not with a lone surrogate in it."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _check_text(text: str, what: str) -> None:
    if not storable(text):
        raise UnstorableError(f"{what} is {text!r}, with half of a surrogate pair; ids and keys must be valid text")


def _check_limit(limit: Limit, what: str) -> None:
    _check_text(limit.name, f"the name of {what}")
    _check_number(limit.every, f"the time between takings of {what}")
    if limit.every < 0 or (limit.concurrency is not None and limit.concurrency < 1):
        raise UnstorableError(f"{what} is {limit}; nothing could ever pass it")


def _check_number(number: float, what: str) -> None:
    if not math.isfinite(number):
        raise UnstorableError(f"{what} is {number}; it must be a finite number of unix seconds")
