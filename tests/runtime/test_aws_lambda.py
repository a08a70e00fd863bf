"""Events of all kinds that a Lambda function gets: what reaches the service, and what goes back."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from workflow_runtime import WorkflowError
from workflow_runtime.aws_lambda import LambdaMount
from workflow_runtime.bridge import Bridge, Readable
from workflow_runtime.http import PREFIX, HttpResponse


@dataclass
class Heard:
    """Stands where the bridge does, and keeps what it is told."""

    answer: HttpResponse = field(default_factory=lambda: HttpResponse(202))
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    failing: bytes = b""

    def ensure(self) -> None: ...

    def health(self) -> HttpResponse:
        return HttpResponse(200, {"content-type": "application/json"}, b"{}")

    def webhook(self, token: str, method: str, url: str, headers: Mapping[str, str], body: Readable) -> HttpResponse:
        self.calls.append((token, method, url, dict(headers), body.read()))
        return self.answer

    def pushed(self, pushes: Sequence[tuple[Mapping[str, str], bytes]]) -> list[HttpResponse]:
        self.calls.extend(pushes)
        return [HttpResponse(503 if body == self.failing else 200) for _, body in pushes]


def mount(heard: Heard, rest: Any = None) -> LambdaMount:
    return LambdaMount(cast(Bridge, heard), rest)


def http_api(path: str, **more: Any) -> dict[str, Any]:
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "a=1&b=%20",
        "cookies": ["x=1", "y=2"],
        "headers": {"host": "shop.example.org", "x-forwarded-proto": "https", "x-list": "1,2"},
        "requestContext": {"http": {"method": "PROPFIND", "path": path}},
        **more,
    }


def rest_api(path: str, **more: Any) -> dict[str, Any]:
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": "PUT",
        "headers": {"Host": "shop.example.org", "X-List": "2"},
        "multiValueHeaders": {"Host": ["shop.example.org"], "X-List": ["1", "2"]},
        "multiValueQueryStringParameters": {"a": ["1", "2 3"]},
        "requestContext": {"path": f"/live{path}"},
        "body": None,
        **more,
    }


def record(name: str, body: str, **more: Any) -> dict[str, Any]:
    return {"messageId": name, "body": body, "eventSource": "aws:sqs", **more}


def test_a_request_of_format_2_reaches_the_webhook_whole() -> None:
    heard = Heard()
    content = base64.b64encode(b"\xff\x00").decode()

    answer = mount(heard)(http_api(f"/live{PREFIX}/webhook/t%C3%B6k", body=content, isBase64Encoded=True), None)

    ((token, method, url, headers, body),) = heard.calls
    assert (token, method, body) == ("tök", "PROPFIND", b"\xff\x00")
    assert url == f"https://shop.example.org/live{PREFIX}/webhook/t%C3%B6k?a=1&b=%20"
    assert headers["cookie"] == "x=1; y=2"
    assert answer == {"statusCode": 202, "headers": {}, "body": "", "isBase64Encoded": False}


def test_a_request_of_format_1_reaches_the_webhook_with_its_stage_and_all_values() -> None:
    heard = Heard(HttpResponse(201, {"x-reply": "yes"}, b"\xff"))

    answer = mount(heard)(rest_api(f"{PREFIX}/webhook/t", body="text"), None)

    ((token, method, url, headers, body),) = heard.calls
    assert (token, method, body, headers["x-list"]) == ("t", "PUT", b"text", "1")
    assert url == f"https://shop.example.org/live{PREFIX}/webhook/t?a=1&a=2+3"
    assert answer == {
        "statusCode": 201,
        "headers": {"x-reply": "yes"},
        "multiValueHeaders": {"x-reply": ["yes"]},
        "body": "/w==",
        "isBase64Encoded": True,
    }


def test_a_load_balancers_query_stays_as_it_was_sent() -> None:
    heard = Heard()
    event = rest_api(f"{PREFIX}/webhook/t", requestContext={"elb": {}})
    del event["multiValueHeaders"], event["multiValueQueryStringParameters"]

    mount(heard)({**event, "queryStringParameters": {"a": "1%202"}}, None)

    assert heard.calls[0][2] == f"https://shop.example.org{PREFIX}/webhook/t?a=1%202"


def test_what_is_not_ours_goes_to_the_functions_own_handler_untouched() -> None:
    given: list[Any] = []

    def rest(event: Any, context: Any) -> Any:
        given.append((event, context))
        return "mine"

    handler = mount(Heard(), rest)
    events = [http_api("/orders"), {"source": "aws.events"}, {"Records": [{"eventSource": "aws:s3"}]}, "text", None]

    assert [handler(event, "context") for event in events] == ["mine"] * 5
    assert given == [(event, "context") for event in events]


def test_a_function_of_its_own_refuses_what_is_not_ours() -> None:
    handler = mount(Heard())

    assert handler(http_api("/orders"), None)["statusCode"] == 404
    assert handler(http_api(f"{PREFIX}/flow"), None)["statusCode"] == 405
    with pytest.raises(WorkflowError, match="give mount\\(\\) a handler"):
        handler({"source": "aws.events"}, None)


def test_a_batch_tells_sqs_which_messages_have_to_come_again() -> None:
    bodies = ['{"id":"wmsg_1"}', '{"id":"wmsg_2"}']
    heard = Heard(failing=bodies[1].encode())
    trace = {"traceparent": {"stringValue": "00-1", "dataType": "String"}, "raw": {"binaryValue": "AA=="}}

    answer = mount(heard)({"Records": [record("a", bodies[0], messageAttributes=trace), record("b", bodies[1])]}, None)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "b"}]}
    assert [(dict(headers), body.decode()) for headers, body in heard.calls] == [
        ({"traceparent": "00-1"}, bodies[0]),
        ({}, bodies[1]),
    ]


def test_messages_of_others_in_a_batch_go_to_the_functions_own_handler() -> None:
    ours, theirs = record("a", '{"id":"wmsg_1"}'), record("b", '{"id":"mine"}')
    given: list[Any] = []

    def rest(event: Any, context: Any) -> Any:
        given.append(event)
        return {"batchItemFailures": [{"itemIdentifier": "b"}]}

    answer = mount(Heard(), rest)({"Records": [ours, theirs]}, None)

    assert (given, answer) == ([{"Records": [theirs]}], {"batchItemFailures": [{"itemIdentifier": "b"}]})
    assert mount(Heard(), lambda event, context: event)({"Records": [theirs]}, None) == {"Records": [theirs]}
