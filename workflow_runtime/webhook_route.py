"""What the webhook route does with a request: hand it to the run whose webhook has the token, and answer."""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, replace

from workflow_runtime import clock
from workflow_runtime.chunks import value_of
from workflow_runtime.errors import WorkflowError
from workflow_runtime.events import Event, EventKind
from workflow_runtime.handler.ends import wake_up
from workflow_runtime.http import HttpResponse, read_limited
from workflow_runtime.texts import checked_key
from workflow_runtime.values import encode
from workflow_runtime.webhooks import ACCEPTED, MANUAL, Reply, WebhookRequest, read_reply
from workflow_runtime.worlds.base import HookInfo, World

BODY_LIMIT = 1024 * 1024
"""Bytes that a request's body may have, unless ``WORKFLOW_WEBHOOK_LIMIT`` says otherwise."""
REPLY_SECONDS = 30.0
"""How long a request waits for the reply of a run."""
_THE_SERVERS = frozenset({"connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"})
"""Headers that only the server can set rightly; a run that echoes a request's headers would have them."""
_TRIES = 3  # a token may go from one run to another between the look and the write


@dataclass(frozen=True, slots=True)
class Call:
    """A request before its body is read."""

    token: str
    method: str
    url: str
    headers: Mapping[str, str]
    """As the framework has them. A name may come more than once in ``items()``."""
    body: AsyncIterable[bytes]


def body_limit() -> int:
    """Bytes that a request's body may have. Raises ``WorkflowError`` when the environment says nonsense."""
    text = os.environ.get("WORKFLOW_WEBHOOK_LIMIT") or str(BODY_LIMIT)
    if not text.isascii() or not text.isdigit():
        raise WorkflowError(f"WORKFLOW_WEBHOOK_LIMIT is {text!r}; it must be a whole number of bytes, as {BODY_LIMIT}")
    return int(text)


async def answer_webhook(world: World, call: Call, limit: int) -> HttpResponse:
    """Hand the request on, and answer as the webhook says: at once, or with the run's own reply.

    404: no live webhook has the token, of which the body is not even read then; 413: the body has more than ``limit`` bytes; 504: the run
    did not reply in time; 500: it ended without a reply. A request with the ``Idempotency-Key`` of an earlier one is
    answered like that one, and not handed on. Raises ``WorldError``.
    """
    hook = await _webhook(world, call.token)
    if hook is None:
        return HttpResponse(404)
    request = _request(call)
    key = request.headers.get("idempotency-key")
    if key is not None and not _is_key(key):
        return HttpResponse(400)
    body = await read_limited(call.body, limit)
    if body is None:
        return HttpResponse(413)
    request = replace(request, body=body)
    for _ in range(_TRIES):
        reply_to = _reply_stream(hook, key) if hook.webhook["respond"] == MANUAL else None
        if await _hand_on(world, hook, replace(request, run_id=hook.run_id, reply_to=reply_to), key):
            return await _answer(world, hook, reply_to)
        hook = await _webhook(world, call.token)
        if hook is None:
            break
    return HttpResponse(404)


async def _webhook(world: World, token: str) -> HookInfo | None:
    hook = await world.hook_by_token(token) if _is_key(token) else None
    return hook if hook is not None and hook.webhook is not None else None


def _is_key(text: str) -> bool:
    try:
        return bool(checked_key("key", text))
    except ValueError:
        return False


def _request(call: Call) -> WebhookRequest:
    headers: dict[str, str] = {}
    for name, value in call.headers.items():
        name = name.lower()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return WebhookRequest(call.method, call.url, headers, b"", "")


def _reply_stream(hook: HookInfo, key: str | None) -> str:
    """Where the run's reply will come: requests with one key are one request, and get one reply."""
    unique = secrets.token_hex(16) if key is None else hashlib.sha256(key.encode()).hexdigest()[:32]
    return f"webhook/{hook.hook_id}/{unique}"


async def _hand_on(world: World, hook: HookInfo, request: WebhookRequest, key: str | None) -> bool:
    """Whether the hook has the request now, or had it before."""
    data = {"payload": encode(request), "key": key}
    received = Event(EventKind.HOOK_RECEIVED, clock.now(), hook.hook_id, data)
    recorded = await world.record(hook.run_id, received, sends=[wake_up(hook.run_id)])
    return recorded.landed or recorded.repeated


async def _answer(world: World, hook: HookInfo, reply_to: str | None) -> HttpResponse:
    if reply_to is not None:
        return await _reply_of_run(world, hook.run_id, reply_to)
    respond = hook.webhook["respond"]
    return HttpResponse(202) if respond == ACCEPTED else _response(read_reply(respond))


async def _reply_of_run(world: World, run_id: str, stream: str) -> HttpResponse:
    deadline = asyncio.get_running_loop().time() + REPLY_SECONDS
    while (left := deadline - asyncio.get_running_loop().time()) > 0:
        found = await world.read_chunks(run_id, stream, 0, limit=1, wait=left)
        if found.chunks:
            return _response(read_reply(value_of(found.chunks[0], "reply")))
        if found.closed:
            return HttpResponse(500)
    return HttpResponse(504)


def _response(reply: Reply) -> HttpResponse:
    body = reply.body.encode() if isinstance(reply.body, str) else reply.body
    headers = {name: value for name, value in reply.headers.items() if name.lower() not in _THE_SERVERS}
    return HttpResponse(reply.status, headers, body)
