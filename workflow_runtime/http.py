"""What routes share: the paths, the answers, streams as answers, and the signature of a pushed message."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from dataclasses import dataclass, field, replace

from workflow_runtime.chunks import json_text
from workflow_runtime.errors import SerializationError
from workflow_runtime.json_text import parse_json
from workflow_runtime.streams import StreamReader

PREFIX = "/.well-known/workflow/v1"
"""All routes begin with it, below whatever prefix the app gives them."""
BODY_LIMIT = 256 * 1024
"""Bytes that a pushed message may have. It carries ids, never payloads."""
SIGNATURE_AGE = 300.0
"""Seconds that a signature stays valid, in both directions of the clock."""
SIGNATURE_HEADER = "x-workflow-signature"
BUILD_HEADER = "x-workflow-build"


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A whole answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class HttpStream:
    """An answer whose body comes bit by bit. Any framework's streaming response takes its three parts."""

    status: int
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]


def json_response(status: int, content: object, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """An answer with a JSON body."""
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    return HttpResponse(
        status, {"content-type": "application/json", "cache-control": "no-store", **(headers or {})}, body
    )


async def read_limited(body: AsyncIterable[bytes], limit: int = BODY_LIMIT) -> bytes | None:
    """The whole body; None as soon as it is longer than ``limit`` bytes."""
    parts: list[bytes] = []
    size = 0
    async for part in body:
        size += len(part)
        if size > limit:
            return None
        parts.append(part)
    return b"".join(parts)


def sign(secret: str, body: bytes, now: float) -> str:
    """The ``x-workflow-signature`` of a body sent at ``now`` (unix seconds): HMAC-SHA-256 over time and body."""
    stamp = str(int(now))
    digest = hmac.digest(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hex()
    return f"t={stamp},v1={digest}"


def is_signed(secret: str, body: bytes, header: str, now: float) -> bool:
    """Whether ``header`` signs ``body`` with ``secret``, at most ``SIGNATURE_AGE`` ago. Compares in constant time."""
    stamp = header.partition(",")[0].removeprefix("t=")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12) or abs(now - int(stamp)) > SIGNATURE_AGE:
        return False
    return hmac.compare_digest(sign(secret, body, int(stamp)).encode(), header.encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Push:
    """What a pushed body says: which message, and by what receipt whoever pushes it has it in hand, if they have."""

    message_id: str
    receipt: str | None = None

    def body(self) -> bytes:
        """It as a body."""
        receipt = {} if self.receipt is None else {"receipt": self.receipt}
        return json.dumps({"id": self.message_id, **receipt}).encode()


def pushed_message(body: bytes) -> Push | None:
    """What a pushed body says; None when it names no message. Such a body is a flat object."""
    try:
        data = parse_json(body, depth=1)
    except ValueError:
        return None
    if not isinstance(data, dict) or not isinstance(data.get("id"), str):
        return None
    receipt = data.get("receipt")
    return Push(data["id"], receipt if isinstance(receipt, str) else None)


def server_sent_events(stream: StreamReader, last_event_id: str | None = None) -> HttpStream:
    """The stream as server-sent events: each value is one event, with its JSON as ``data`` and its index as ``id``.

    ``last_event_id`` is the request's ``Last-Event-ID``: a browser that lost the connection sends it, and goes on with the event after that one.
    After the last value comes an event of the type ``end``; a comment every 15 seconds keeps a quiet connection open. Bytes come as
    ``{"$type": "bytes", "value": "<base64>"}``. Look an unknown run up first: reading raises ``RunNotFoundError`` only once the answer has begun.
    """
    if last_event_id is not None and last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 16:
        stream = replace(stream, start=int(last_event_id) + 1)
    headers = {"content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no"}
    return HttpStream(200, headers, _events(stream))


def raw_bytes(stream: StreamReader, content_type: str = "application/octet-stream") -> HttpStream:
    """The stream's bytes, one chunk after the other; text comes in UTF-8.

    Reading it raises ``SerializationError`` at a chunk that is neither.
    """
    headers = {"content-type": content_type, "cache-control": "no-store", "x-accel-buffering": "no"}
    return HttpStream(200, headers, _bytes(stream))


async def _events(stream: StreamReader) -> AsyncIterator[bytes]:
    async for page in stream.pages():
        for index, chunk in enumerate(page.chunks, page.start):
            yield b"id: %d\ndata: %b\n\n" % (index, json_text(chunk, f"chunk {index} of stream {stream.name!r}"))
        if not page.chunks and not page.closed:
            yield b": nothing new\n\n"
    yield b"event: end\ndata: null\n\n"


async def _bytes(stream: StreamReader) -> AsyncIterator[bytes]:
    async for index, value in stream.indexed():
        if not isinstance(value, str | bytes):
            raise SerializationError(
                f"chunk {index} of stream {stream.name!r} is a {type(value).__name__}, not bytes or text; use server_sent_events()"
            )
        yield value if isinstance(value, bytes) else value.encode("utf-8", "replace")
