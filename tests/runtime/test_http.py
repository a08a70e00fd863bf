"""The signature of pushed messages, and their limits; streams as answers."""

from __future__ import annotations

import re
from typing import Any

import pytest

from workflow_runtime.chunks import chunk_of
from workflow_runtime.errors import SerializationError
from workflow_runtime.events import Event, EventKind
from workflow_runtime.http import (
    BODY_LIMIT,
    SIGNATURE_AGE,
    Push,
    is_signed,
    pushed_message,
    raw_bytes,
    read_limited,
    server_sent_events,
    sign,
)
from workflow_runtime.streams import read_stream
from workflow_runtime.worlds.base import Message, World

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
        b'{"id": 1}',
        b'{"id": null}',
        b'{"id": "m", "more": {}}',
        b'{"id": "m", "more": [1]}',
        b"[" * 100_000,
        b'{"id": "m", "more": ' + b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_what_names_no_message_is_refused(body: Any) -> None:
    assert pushed_message(body) is None


def test_a_message_is_named_by_its_id() -> None:
    assert pushed_message(b'{"id": "wmsg_1", "run_id": "wrun_1", "step_id": null}') == Push("wmsg_1")


@pytest.mark.parametrize("push", [Push("wmsg_1"), Push("wmsg_1", "7.somebody"), Push('"\u00e9\\', "")])
def test_what_is_pushed_is_read_as_it_was_written(push: Push) -> None:
    assert pushed_message(push.body()) == push


def test_a_receipt_that_is_none_is_left_out() -> None:
    assert pushed_message(b'{"id": "wmsg_1", "receipt": 7}') == Push("wmsg_1")


class TestServerSentEvents:
    """Streams as a browser's EventSource reads them."""

    async def events(self, world: World, run: str, last: str | None = None, start: int = 0) -> bytes:
        answer = server_sent_events(read_stream(world, run, start=start), last)
        assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")
        return b"".join([part async for part in answer.body])

    @pytest.fixture
    async def run(self, world: World) -> str:
        created = Event(EventKind.RUN_CREATED, 1.0, "", {"workflow": "w", "bundle": "b", "input": {}, "seed": "s"})
        await world.create_run("wrun_1", created, Message("wmsg_1", "wrun_1"))
        for value in ({"a": "b\nc"}, b"hi", "text"):
            await world.write_chunks("wrun_1", "default", [chunk_of(value, "chunk")])
        await world.close_stream("wrun_1", "default")
        return "wrun_1"

    async def test_each_value_is_an_event_with_its_index(self, world: World, run: str) -> None:
        assert await self.events(world, run) == (
            b'id: 0\ndata: {"a":"b\\nc"}\n\n'
            b'id: 1\ndata: {"$type":"bytes","value":"aGk="}\n\n'
            b'id: 2\ndata: "text"\n\n'
            b"event: end\ndata: null\n\n"
        )

    @pytest.mark.parametrize(("last", "ids"), [("0", [1, 2]), ("1", [2]), ("2", []), ("99", [])])
    async def test_after_an_id_comes_the_next_one(self, world: World, run: str, last: str, ids: list[int]) -> None:
        found = await self.events(world, run, last)
        assert [int(part) for part in re.findall(rb"id: (\d+)", found)] == ids
        assert found.endswith(b"event: end\ndata: null\n\n")

    @pytest.mark.parametrize("last", ["", "-1", "x", "1.0", "²", "9" * 400])
    async def test_an_id_that_we_never_sent_is_ignored(self, world: World, run: str, last: str) -> None:
        assert await self.events(world, run, last, start=-1) == await self.events(world, run, start=-1)

    async def test_a_quiet_stream_is_kept_open_by_comments(
        self, world: World, run: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("workflow_runtime.streams.LOOK_AGAIN", 0.01)
        answer = server_sent_events(read_stream(world, run, "quiet"))
        assert await anext(answer.body) == b": nothing new\n\n"
        await world.write_chunks(run, "quiet", [chunk_of(1, "chunk")])
        events = [await anext(answer.body) for _ in range(2)]
        assert b"id: 0\ndata: 1\n\n" in events

    async def test_an_end_that_comes_alone_brings_no_comment(self, world: World, run: str) -> None:
        await world.write_chunks(run, "late", [chunk_of(1, "chunk")])
        answer = server_sent_events(read_stream(world, run, "late"))
        first = await anext(answer.body)
        await world.close_stream(run, "late")
        assert [first, *[part async for part in answer.body]] == [b"id: 0\ndata: 1\n\n", b"event: end\ndata: null\n\n"]

    async def test_raw_bytes_are_bytes_and_text_alone(self, world: World, run: str) -> None:
        answer = raw_bytes(read_stream(world, run, start=1), "text/plain")
        assert answer.headers["content-type"] == "text/plain"
        assert b"".join([part async for part in answer.body]) == b"hitext"
        with pytest.raises(SerializationError, match="server_sent_events"):
            await anext(raw_bytes(read_stream(world, run)).body)
