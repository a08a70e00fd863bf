"""The routes as an AWS Lambda function: events of HTTP gateways and of SQS, in the forms that AWS documents for them.

Lambda lets a process run only while it has an event, so there is no worker: each invocation handles what it was given to its end.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import quote, unquote, urlencode

from workflow_runtime.bridge import Bridge
from workflow_runtime.errors import WorkflowError
from workflow_runtime.headers import Headers
from workflow_runtime.http import PREFIX, HttpResponse, pushed_message
from workflow_runtime.places import place_of

EventHandler: TypeAlias = Callable[[Any, Any], Any]
"""What Lambda calls with an event and a context."""

SQS = "aws:sqs"


class LambdaMount:
    """Answers our routes and handles the messages of our queue; all other events go to ``rest``, if there is one."""

    def __init__(self, bridge: Bridge, rest: EventHandler | None = None) -> None:
        self.rest = rest
        self._bridge = bridge

    def __call__(self, event: Any, context: Any) -> Any:
        """Handle one event to its end. Raises what ``rest`` raises, and ``WorkflowError`` for an event that is nobody's."""
        self._bridge.ensure()
        records = _records(event)
        if any(map(_is_ours, records)):
            return self._take(event, records, context)
        request = _request(event)
        if request is not None and (self.rest is None or f"{PREFIX}/" in request.path):
            return _result(self._answer(request), request.has_lists)
        return self._hand_on(event, context)

    def _take(self, event: Mapping[str, Any], records: Sequence[Mapping[str, Any]], context: Any) -> dict[str, Any]:
        """Handle the messages of a batch that are ours. SQS gets told which failed, so that only these come again."""
        ours, others = [one for one in records if _is_ours(one)], [one for one in records if not _is_ours(one)]
        answers = self._bridge.pushed([(_attributes(one), one["body"].encode()) for one in ours])
        failed = [one["messageId"] for one, answer in zip(ours, answers, strict=True) if answer.status >= 500]
        found = [{"itemIdentifier": name} for name in failed]
        told = self._hand_on({**event, "Records": others}, context) if others else None
        return {"batchItemFailures": [*found, *(told or {}).get("batchItemFailures", ())]}

    def _answer(self, request: _Request) -> HttpResponse:
        place = place_of(request.path)
        refusal = place.refusal(request.method)
        if refusal is not None:
            return refusal
        if place.name == "health":
            return self._bridge.health()
        if place.name == "manifest.json":
            return self._bridge.manifest()
        body = io.BytesIO(request.body)
        if place.name == "flow":
            return self._bridge.flow(request.headers, body)
        return self._bridge.webhook(place.token, request.method, request.url, request.headers, body)

    def _hand_on(self, event: Any, context: Any) -> Any:
        if self.rest is None:
            raise WorkflowError(
                "this Lambda function takes HTTP events and messages of the workflow's queue, and nothing else; "
                "for other events, give mount() a handler of yours"
            )
        return self.rest(event, context)


@dataclass(frozen=True, slots=True)
class _Request:
    """An HTTP request, whatever kind of gateway it came through."""

    method: str
    path: str
    """Decoded, with the stage before it."""
    url: str
    headers: Headers
    body: bytes
    has_lists: bool
    """Whether the gateway speaks of headers as lists of values: REST APIs and load balancers do."""


def _records(event: Any) -> list[Mapping[str, Any]]:
    """The messages of an SQS event; none for other events."""
    found = event.get("Records") if isinstance(event, Mapping) else None
    records = found if isinstance(found, list) else []
    return [one for one in records if isinstance(one, Mapping) and one.get("eventSource") == SQS]


def _is_ours(record: Mapping[str, Any]) -> bool:
    """Whether a message of SQS is a push: who may send to the queue is for its policy to say, so that it is not signed."""
    push = pushed_message(record["body"].encode())
    return push is not None and push.message_id.startswith("wmsg_")


def _attributes(record: Mapping[str, Any]) -> Headers:
    """A message's attributes, which may have the trace that it goes on with."""
    found = record.get("messageAttributes") or {}
    return Headers((name, one["stringValue"]) for name, one in found.items() if "stringValue" in one)


def _request(event: Any) -> _Request | None:
    """The HTTP request of an event of format 2.0 (HTTP APIs, function URLs) or 1.0 (REST APIs, load balancers); None for others."""
    if not isinstance(event, Mapping) or not isinstance(event.get("requestContext"), Mapping):
        return None
    context = event["requestContext"]
    if event.get("version") == "2.0" and "http" in context:
        pairs = [*(event.get("headers") or {}).items()]
        cookies = [("cookie", "; ".join(event["cookies"]))] if event.get("cookies") else []
        method, path, query = context["http"]["method"], event["rawPath"], event.get("rawQueryString") or ""
        return _made(method, path, query, Headers([*pairs, *cookies]), event, has_lists=False)
    if "httpMethod" in event:
        path = context.get("path") or event["path"]
        headers = Headers(_pairs(event, "headers", "multiValueHeaders"))
        return _made(event["httpMethod"], path, _query(event), headers, event, has_lists=True)
    return None


def _made(
    method: str, path: str, query: str, headers: Headers, event: Mapping[str, Any], *, has_lists: bool
) -> _Request:
    path, text = unquote(path), event.get("body") or ""
    body = base64.b64decode(text) if event.get("isBase64Encoded") else text.encode()
    scheme = headers.get("x-forwarded-proto", "https")
    host = headers.get("host") or event["requestContext"].get("domainName") or "localhost"
    url = f"{scheme}://{host}{quote(path)}{'?' if query else ''}{query}"
    return _Request(method, path, url, headers, body, has_lists)


def _query(event: Mapping[str, Any]) -> str:
    """The query; load balancers give it as it was sent, REST APIs decoded."""
    pairs = _pairs(event, "queryStringParameters", "multiValueQueryStringParameters")
    if "elb" in event["requestContext"]:
        return "&".join(f"{name}={value}" for name, value in pairs)
    return urlencode([*pairs])


def _pairs(event: Mapping[str, Any], name: str, lists: str) -> Iterable[tuple[str, str]]:
    """Names and values; the list of all values of a name is preferred, where there is one."""
    if event.get(lists):
        return [(key, value) for key, values in event[lists].items() for value in values]
    return [*(event.get(name) or {}).items()]


def _result(answer: HttpResponse, has_lists: bool) -> dict[str, Any]:
    """An answer as gateways take it: text as it is, since REST APIs decode base64 only for types that they were told of."""
    try:
        body, encoded = answer.body.decode(), False
    except UnicodeDecodeError:
        body, encoded = base64.b64encode(answer.body).decode(), True
    lists = {"multiValueHeaders": {name: [value] for name, value in answer.headers.items()}} if has_lists else {}
    return {
        "statusCode": answer.status,
        "headers": dict(answer.headers),
        **lists,
        "body": body,
        "isBase64Encoded": encoded,
    }
