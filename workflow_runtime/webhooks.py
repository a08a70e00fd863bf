"""Webhooks: hooks whose payloads are HTTP requests."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

from workflow_runtime import builtin
from workflow_runtime.builtin import ask
from workflow_runtime.errors import WorkflowError
from workflow_runtime.events import Json
from workflow_runtime.hooks import Hook, open_hook
from workflow_runtime.http import PREFIX
from workflow_runtime.json_text import parse_json
from workflow_runtime.machine.hooks import HookState
from workflow_runtime.values import Classes
from workflow_runtime.values.refusal import MAX_DEPTH

ROUTE = f"{PREFIX}/webhook/"
"""What stands between the app's base and the token."""
ACCEPTED = "accepted"
"""``hook_created.webhook["respond"]`` of a webhook that answers 202 at once."""
MANUAL = "manual"
"""The same of one whose workflow answers."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response. A ``body`` of text is sent as UTF-8."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | str = b""

    @staticmethod
    def json(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
        """A response with ``content`` as JSON. Raises ``TypeError`` or ``ValueError`` for what JSON can not say."""
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return Reply(status, {"content-type": "application/json", **(headers or {})}, text)


Respond: TypeAlias = int | Reply | Literal["manual"]


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """An HTTP request that came to a webhook."""

    method: str
    url: str
    headers: Mapping[str, str]
    """By names in lower case."""
    body: bytes
    run_id: str
    """The webhook's run."""
    reply_to: str | None = None
    """With ``respond="manual"``: the stream of the run by which the answer goes to whoever waits for it."""

    def text(self) -> str:
        """The body as UTF-8 text; bytes that are none are shown as U+FFFD."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON. Raises ``ValueError`` when it is none, or nested deeper than values may be that cross to a step."""
        return parse_json(self.body, MAX_DEPTH)

    async def respond(self, reply: Reply) -> bool:
        """Answer the request, which waits for that; in workflow code or in a step. False when it was answered before, as when a step is
        run again. Raises ``WorkflowError`` when the webhook answers by itself.
        """
        if self.reply_to is None:
            raise WorkflowError(
                f"the webhook of run {self.run_id} answers by itself; create it with respond='manual' to answer its requests"
            )
        return await ask(builtin.write_reply, self.run_id, self.reply_to, reply_data(reply))


class Webhook(Hook[WebhookRequest]):
    """A hook with a URL; each request that comes there is a payload. Made by ``create_webhook``, in workflow code."""

    def __init__(self, state: HookState, classes: Classes, base: str | None) -> None:
        super().__init__(state, WebhookRequest, classes)
        self._base = base

    @property
    def url(self) -> str:
        """Where requests go. Raises ``WorkflowError`` when ``WORKFLOW_URL`` was not set where the run was started."""
        if self._base is None:
            raise WorkflowError(
                "the URL of a webhook is not known: set WORKFLOW_URL, where runs are started, to the public address of the app "
                "with any prefix that its workflow routes have, as in https://shop.example.org"
            )
        return f"{self._base}{ROUTE}{quote(self.token, safe='')}"


def create_webhook(*, token: str | None = None, respond: Respond = 202, metadata: object = None) -> Webhook:
    """Reserve a token and with it a URL, in workflow code, and wait for the requests that come there, of any method.

    ``respond``: a request is answered at once, with that status or ``Reply``; or it waits until ``request.respond(…)`` is called, with
    ``"manual"``. Everything else is as in ``create_hook``; a token may not have a ``/``.
    """
    answer = _respond_data(respond)
    if isinstance(token, str) and ("/" in token or token in (".", "..")):
        raise ValueError(f"the token {token!r} can not stand in a URL; leave out slashes, and do without '.' and '..'")
    state, machine = open_hook("create_webhook()", token, metadata, {"respond": answer})
    return Webhook(state, machine.program.classes, machine.created.get("url"))


def reply_data(reply: Reply) -> Json:
    """The data of a response. Raises ``TypeError`` or ``ValueError`` for what HTTP can not carry."""
    if not isinstance(reply, Reply):
        raise TypeError(f"a webhook answers with a Reply, not with {reply!r:.100}")
    if not isinstance(reply.status, int) or not 200 <= reply.status <= 599:
        raise ValueError(f"the status of a Reply is a number from 200 to 599, not {reply.status!r}")
    if not isinstance(reply.body, bytes | str):
        raise TypeError(f"the body of a Reply is bytes or text, not {reply.body!r:.100}; for data, use Reply.json(…)")
    for name, value in reply.headers.items():
        if not name.isascii() or not value.isascii() or any(sign in name + value for sign in "\r\n\0"):
            raise ValueError(f"the header {name!r}: {value!r} can not be sent; it must be one line of ASCII")
    body = reply.body.encode() if isinstance(reply.body, str) else reply.body
    return {"status": reply.status, "headers": dict(reply.headers), "body": base64.b64encode(body).decode("ascii")}


def read_reply(data: Json) -> Reply:
    """The response that ``reply_data`` made data of."""
    return Reply(data["status"], data["headers"], base64.b64decode(data["body"]))


def _respond_data(respond: Respond) -> Json:
    if respond == MANUAL:
        return MANUAL
    if isinstance(respond, Reply):
        return reply_data(respond)
    if isinstance(respond, bool) or not isinstance(respond, int):
        raise TypeError(f"respond is a status, a Reply or 'manual', not {respond!r:.100}")
    return ACCEPTED if respond == 202 else reply_data(Reply(respond))
