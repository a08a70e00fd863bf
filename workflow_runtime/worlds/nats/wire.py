"""What the stream carries: operations, in a header that each process reads, and what only few want, in the body.

The header has what decides and what all must agree on, as JSON. The body has the blobs: the data of events with a value of the user in it,
and the chunks of streams. An event or chunk in a process's memory names its blob by the message's place in the stream and its own number there.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any

from workflow_runtime.events import Event, EventKind, Json
from workflow_runtime.worlds.base import Limit, Message, StreamWriter
from workflow_runtime.worlds.delivery import Claim
from workflow_runtime.worlds.encoding import EncodedEvent, EncodedRun

OPERATION = "Wf-Op"
PIECES = "Wf-Pieces"
REFERENCE = "@"
Operation = dict[str, Json]

_VALUES = frozenset({"input", "output", "error", "payload"})  # what the user's code gave; no rule looks at it
_INLINE = 1024  # bytes of a new run's first event that its parent's message may hold
_PLAIN = re.compile(r"[A-Za-z0-9_-]{1,100}")  # servers take no subjects of any length
KINDS: Mapping[str, EventKind] = {str(kind): kind for kind in EventKind}
to_text = json.JSONEncoder(separators=(",", ":")).encode
"""A value as JSON, in ASCII."""
_COUNT = struct.Struct(">I")
_message_fields = fields(Message)
_DEFAULTS = tuple(None if field.default is MISSING else field.default for field in _message_fields)
_NAMES = tuple(field.name for field in _message_fields)
_LIMIT_AT = _NAMES.index("limit")
_limit_names = tuple(field.name for field in fields(Limit))


def token(text: str) -> str:
    """``text`` as one token of a subject, different for different texts."""
    if _PLAIN.fullmatch(text):
        return text
    return f"={hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def header_text(operation: Mapping[str, Json]) -> str:
    """An operation as the text of a header. Some clients take ``=?`` for the beginning of encoded mail."""
    return to_text(operation).replace("=?", "=\\u003f")


def pack_blobs(blobs: Sequence[bytes]) -> bytes:
    """The blobs as a body."""
    if not blobs:
        return b""
    sizes = struct.pack(f">{len(blobs)}I", *map(len, blobs))
    return b"".join((_COUNT.pack(len(blobs)), sizes, *blobs))


def unpack_blobs(body: bytes) -> tuple[bytes, ...]:
    """The blobs of a body."""
    if not body:
        return ()
    (count,) = _COUNT.unpack_from(body)
    sizes = struct.unpack_from(f">{count}I", body, _COUNT.size)
    blobs, at = [], _COUNT.size * (count + 1)
    for size in sizes:
        blobs.append(body[at : at + size])
        at += size
    return tuple(blobs)


def pack_message(message: Message) -> list[Json]:
    """A message as JSON, without the defaults at its end."""
    packed: list[Json] = [getattr(message, name) for name in _NAMES]
    if message.limit is not None:
        packed[_LIMIT_AT] = [getattr(message.limit, name) for name in _limit_names]
    while packed[-1] == _DEFAULTS[len(packed) - 1]:
        packed.pop()
    return packed


def unpack_message(packed: list[Any]) -> Message:
    """What ``pack_message`` packed."""
    if len(packed) > _LIMIT_AT and packed[_LIMIT_AT] is not None:
        packed = [*packed[:_LIMIT_AT], Limit(*packed[_LIMIT_AT]), *packed[_LIMIT_AT + 1 :]]
    return Message(*packed)


def pack_event(encoded: EncodedEvent, blobs: list[bytes]) -> list[Json]:
    """An event as JSON; when it has a user's value, that is put among ``blobs``, and the event names its number there."""
    event = encoded.event
    head: list[Json] = [event.kind, event.time, event.entity]
    small = {name: value for name, value in event.data.items() if name not in _VALUES}
    if len(small) < len(event.data):
        head += [small, len(blobs)]
        blobs.append(blob_of(encoded))
    elif small:
        head.append(small)
    return head


def pack_run(run: EncodedRun, reference: tuple[int, int] | None = None) -> list[Json]:
    """A run that another creates, with its first event whole or, with ``reference``, with the place of what that holds."""
    event = run.created.event
    data = dict(event.data)
    if reference is not None:
        data = {name: value for name, value in data.items() if name not in _VALUES} | {REFERENCE: reference}
    return [run.id, [event.kind, event.time, event.entity, data], pack_message(run.message)]


def fits_inline(run: EncodedRun) -> bool:
    """Whether the run's first event is small enough to stand in its parent's message."""
    return len(run.created.data) <= _INLINE


def blob_of(encoded: EncodedEvent) -> bytes:
    """An event's data as a blob."""
    return encoded.data if isinstance(encoded.data, bytes) else encoded.data.encode()


def unpack_event(packed: list[Any], sequence: int) -> EncodedEvent:
    """What ``pack_event`` packed into the message at ``sequence``, with a reference in the place of the user's values."""
    data: dict[str, Json] = packed[3] if len(packed) > 3 else {}
    if len(packed) > 4:
        data[REFERENCE] = [sequence, packed[4]]
    return EncodedEvent(Event(KINDS[packed[0]], packed[1], packed[2], data), "")  # the text is in the stream


def unpack_run(packed: list[Any], sequence: int) -> EncodedRun:
    """What ``pack_run`` packed."""
    return EncodedRun(packed[0], unpack_event(packed[1], sequence), unpack_message(packed[2]))


def pack_claim(claim: Claim) -> list[Json]:
    """A claim as JSON: its fields."""
    return [claim.message_id, claim.owner, claim.number, claim.limited]


def add_messages(asked: Operation, sends: Sequence[Message], ack: Claim | None) -> None:
    """Have the operation send and acknowledge messages, if there are any."""
    if sends:
        asked["sends"] = [pack_message(message) for message in sends]
    if ack is not None:
        asked["ack"] = pack_claim(ack)


def pack_writer(writer: StreamWriter | None) -> list[Json] | None:
    """Who writes, as JSON: its fields."""
    return None if writer is None else [writer.run_id, writer.step_id, writer.attempt]


def place_of_chunk(sequence: int, number: int) -> bytes:
    """What stands for a chunk in a process's memory."""
    return b"%d:%d" % (sequence, number)


def chunk_at(place: bytes) -> tuple[int, int]:
    """Where the chunk is that ``place`` stands for."""
    sequence, _, number = place.partition(b":")
    return int(sequence), int(number)
