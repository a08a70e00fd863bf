"""The signature of pushed messages, and their limits."""

from __future__ import annotations

import json
from typing import Any

import pytest

from workflow_runtime.http import BODY_LIMIT, SIGNATURE_AGE, is_signed, parse_message, read_limited, sign

BODY = b'{"id":"wmsg_1","run_id":"wrun_1"}'


async def chunks(*parts: Any) -> Any:
    for part in parts:
        yield part


def test_a_signed_body_is_accepted() -> None:
    assert is_signed("secret", BODY, sign("secret", BODY, 1000), 1000)


@pytest.mark.parametrize("now", [1000 + SIGNATURE_AGE + 1, 1000 - SIGNATURE_AGE - 1])
def test_an_old_or_future_signature_is_refused(now: Any) -> None:
    assert not is_signed("secret", BODY, sign("secret", BODY, 1000), now)


@pytest.mark.parametrize(
    "header", ["", "t=1000", "t=1000,v1=", "t=abc,v1=00", "v1=00,t=1000", "t=1000,v1=ü", "t=" + "9" * 400, "t=²,v1=0"]
)
def test_a_malformed_signature_is_refused(header: Any) -> None:
    assert not is_signed("secret", BODY, header, 1000)


def test_another_body_or_secret_is_refused() -> None:
    signature = sign("secret", BODY, 1000)
    assert not is_signed("secret", BODY + b" ", signature, 1000)
    assert not is_signed("other", BODY, signature, 1000)


async def test_a_body_over_the_limit_is_not_read() -> None:
    assert await read_limited(chunks(b"a", b"b")) == b"ab"
    assert await read_limited(chunks(b"x" * BODY_LIMIT, b"y")) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b'{"id": 1, "run_id": "r"}',
        b'{"id": "m", "run_id": "r", "step_id": 3}',
        b'{"id": "m", "run_id": "r", "step_id": "s"}',
        b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_what_is_no_message_is_refused(body: Any) -> None:
    assert parse_message(body) is None


def test_a_message_is_read() -> None:
    message = parse_message(
        json.dumps({"id": "m", "run_id": "r", "step_id": "step_000001", "step_name": "step//a//b"}).encode()
    )
    assert message is not None
    assert (message.id, message.run_id, message.step_id, message.step_name) == ("m", "r", "step_000001", "step//a//b")
