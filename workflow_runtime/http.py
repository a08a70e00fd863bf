"""What the written handlers' routes share: the paths, the answers, and the signature of a pushed message."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field

from workflow_runtime.worlds.base import Message

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


def parse_message(body: bytes) -> Message | None:
    """The message in a pushed body; None when it is not one."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or not all(isinstance(data.get(name), str) for name in ("id", "run_id")):
        return None
    step_id, step_name = data.get("step_id"), data.get("step_name")
    if step_id is not None and not (isinstance(step_id, str) and isinstance(step_name, str)):
        return None
    return Message(data["id"], data["run_id"], step_id, step_name if step_id else None)
