"""Pushing: what is sent, what counts as taken, and what is done when nobody takes anything."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
import trustme

from workflow_runtime import process
from workflow_runtime.errors import WorkflowError
from workflow_runtime.http import SIGNATURE_HEADER, Push, is_signed, pushed_message
from workflow_runtime.push import pusher
from workflow_runtime.push.pace import LONGEST_PAUSE, Pace
from workflow_runtime.push.pusher import PushDispatch
from workflow_runtime.push.request import Answer, post, target_of
from workflow_runtime.worker_options import WorkerOptions
from workflow_runtime.worlds.base import Delivery, Message, World

SECRET = "of these tests"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


@dataclass
class Request:
    """What a stub was asked."""

    line: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def push(self) -> Push:
        """What was pushed."""
        found = pushed_message(self.body)
        assert found is not None
        return found


@dataclass
class Stub:
    """A server that does with the n-th request what it is told to, the last for all that follow."""

    world: World
    plan: list[str | bytes]
    requests: list[Request] = field(default_factory=list)
    taken: list[Delivery] = field(default_factory=list)
    url: str = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            line, *lines = head.strip().split("\r\n")
            headers = dict(one.split(": ", 1) for one in lines)
            body = await reader.readexactly(int(headers["content-length"]))
            self.requests.append(Request(line, headers, body, time.monotonic()))
            step = self.plan[min(len(self.requests), len(self.plan)) - 1]
            if step == "hang":
                await reader.read()
            elif step == "take":
                push = self.requests[-1].push
                delivery = await self.world.take(push.message_id, push.receipt)
                assert delivery is not None
                self.taken.append(delivery)
                writer.write(OK)
            elif isinstance(step, bytes):
                writer.write(step)
        finally:
            writer.close()

    async def until(self, happened: Callable[[], object]) -> None:
        """Return once it is true."""
        async with asyncio.timeout(8):
            while not happened():  # noqa: ASYNC110 - what happens does so in tasks that know of no event
                await asyncio.sleep(0.005)


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """The process's world."""
    monkeypatch.setenv("WORKFLOW_WORLD", f"sqlite:///{tmp_path / 'runs.db'}")
    monkeypatch.setattr(process, "_world", None)
    async with process.held_world() as world:
        yield world


@asynccontextmanager
async def serving(world: World, *plan: str | bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[Stub]:
    """A stub that answers."""
    stub = Stub(world, list(plan))
    server = await asyncio.start_server(stub.answer, "127.0.0.1", 0, ssl=tls)
    async with server:
        port = server.sockets[0].getsockname()[1]
        stub.url = f"{'https' if tls else 'http'}://localhost:{port}/app" if tls else f"http://127.0.0.1:{port}/app"
        yield stub


@asynccontextmanager
async def pushing(stub: Stub, *, grace: float = 0.0) -> AsyncIterator[PushDispatch]:
    """A pusher to it."""
    dispatch = PushDispatch(stub.url, SECRET)
    async with dispatch.lifespan(options=WorkerOptions(grace=grace)):
        yield dispatch


async def test_a_push_is_signed_and_brings_the_receipt_and_the_trace(world: World) -> None:
    await world.send(Message("wmsg_1", "wrun_1", trace="00-0af7-b7ad-01"))
    async with serving(world, "take") as stub, pushing(stub):
        await stub.until(lambda: stub.taken)
        await stub.taken[0].ack()
        await asyncio.sleep(0.2)

    [request] = stub.requests
    assert request.line == "POST /app/.well-known/workflow/v1/flow HTTP/1.1"
    assert is_signed(SECRET, request.body, request.headers[SIGNATURE_HEADER], time.time())
    assert request.headers["traceparent"] == "00-0af7-b7ad-01"
    assert (await world.queue_depth()).in_hand == 0


async def test_what_was_taken_over_is_not_pushed_again_and_not_handed_back(world: World) -> None:
    await world.send(Message("wmsg_1", "wrun_1"))
    async with serving(world, "take") as stub, pushing(stub):
        await stub.until(lambda: stub.taken)
        await asyncio.sleep(0.7)

    assert len(stub.requests) == 1
    assert await world.take("wmsg_1") is None
    assert (await world.queue_depth()).in_hand == 1


@pytest.mark.parametrize(
    ("first", "said"),
    [
        (b"HTTP/1.1 500 Oh\r\n\r\n", "answered 500"),
        (b"HTTP/1.1 302 Found\r\nlocation: /\r\n\r\n", "answered 302"),
        (b"HTTP/1.1 403 No\r\n\r\n", "is WORKFLOW_SECRET the same on both sides"),
        (b"HTTP/1.1 404 No\r\n\r\n", "is there a flow route?"),
        (OK, "answered 200; but has not taken the message: does it look at the same storage?"),
        (b"", "the connection broke"),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", "the connection broke: ValueError"),
        (b"HTTP/1.1 200 " + b"x" * 100_000, "the connection broke"),
    ],
)
async def test_a_message_that_nobody_took_is_pushed_again(
    world: World, caplog: pytest.LogCaptureFixture, first: bytes, said: str
) -> None:
    await world.send(Message("wmsg_1", "wrun_1"))
    async with serving(world, first, b"HTTP/1.1 103 Early Hints\r\n\r\n" + first, "take") as stub, pushing(stub):
        await stub.until(lambda: stub.taken)

    assert len({request.push.receipt for request in stub.requests}) == 3
    assert stub.taken[0].count == 3
    assert caplog.text.count(said) == 2


async def test_whoever_asks_to_be_left_alone_is(world: World) -> None:
    for number in range(5):
        await world.send(Message(f"wmsg_{number}", "wrun_1"))
    async with serving(world, *[b"HTTP/1.1 429 No\r\nRetry-After: 1\r\n\r\n"] * 5, "take") as stub, pushing(stub):
        await stub.until(lambda: len(stub.taken) == 5)

    together, later = stub.requests[4].at, stub.requests[5].at
    assert later - together > 0.9


async def test_a_function_that_says_nothing_is_not_waited_for_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pusher, "LOOK", 0.05)
    monkeypatch.setattr(pusher, "TAKE", 0.2)
    await world.send(Message("wmsg_1", "wrun_1"))
    async with serving(world, "hang", "take") as stub, pushing(stub):
        await stub.until(lambda: stub.taken)

    assert "no answer within 0.2 s" in caplog.text
    assert stub.taken[0].count == 2


async def test_stopping_hands_back_what_nobody_has_taken(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.send(Message("wmsg_1", "wrun_1"))
    async with serving(world, "hang") as stub:
        async with pushing(stub) as dispatch:
            await stub.until(lambda: stub.requests)
            assert (await dispatch.health()).status == 200
        assert (await dispatch.health()).status == 503
        assert (await world.queue_depth()).in_hand == 0

    assert "message wmsg_1 of run wrun_1, which nobody has taken over yet" in caplog.text


async def test_health_tells_when_nobody_takes_anything(world: World) -> None:
    await world.send(Message("wmsg_1", "wrun_1"))
    async with serving(world, b"HTTP/1.1 500 Oh\r\n\r\n") as stub, pushing(stub) as dispatch:
        await stub.until(lambda: len(stub.requests) > 1)
        answer = await dispatch.health()

    assert answer.status == 200
    assert b'"worker":"pushing"' in answer.body
    assert b'"receiver":"failing"' in answer.body


@pytest.mark.parametrize("is_trusted", [True, False])
async def test_tls_is_verified(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, is_trusted: bool
) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    if is_trusted:
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    await world.send(Message("wmsg_1", "wrun_1"))
    async with serving(world, "take", tls=context) as stub, pushing(stub):
        if is_trusted:
            await stub.until(lambda: stub.taken)
        else:
            await stub.until(lambda: "certificate verify failed" in caplog.text)
            assert stub.requests == []


@pytest.mark.parametrize(
    ("url", "path", "port"),
    [
        ("https://shop.example.com", "/.well-known/workflow/v1/flow", 443),
        ("http://[::1]:81/app/?code=k", "/app/.well-known/workflow/v1/flow?code=k", 81),
        ("http://x/.well-known/workflow/v1/flow/", "/.well-known/workflow/v1/flow", 80),
    ],
)
def test_the_flow_route_is_found_by_the_address_of_the_app(url: str, path: str, port: int) -> None:
    target = target_of(url)

    assert (target.path, target.port) == (path, port)
    assert "code" not in target.shown


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://x", "x"),
        ("https://x:443", "x"),
        ("http://x:443", "x:443"),
        ("https://x:80", "x:80"),
        ("http://[::1]:81", "[::1]:81"),
    ],
)
def test_the_host_is_named_with_its_port_unless_that_is_the_usual_one(url: str, host: str) -> None:
    assert target_of(url).authority == host


@pytest.mark.parametrize(
    "url",
    ["", "shop", "ftp://shop", "https://", "https://a:b@shop", "http://x:y", "http://[x", "http://a b", "http://a/\nb"],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(WorkflowError, match=r"https://shop\.example\.com"):
        PushDispatch(url, SECRET)


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("7", 7, 7),
        ("nonsense", 0, 0),
        ("-1", 0, 0),
        ("9" * 20, 0, 0),
        ("in an hour", 3500, 3601),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0, 0),
        ("Sun, 06 Nov 99999 08:49:37 GMT", 0, 0),
        (f"Sun, {'9' * 20} Nov 1994 08:49:37 GMT", 0, 0),
    ],
)
async def test_how_long_to_leave_alone_may_be_seconds_or_a_date(
    world: World, header: str, low: float, high: float
) -> None:
    if header == "in an hour":
        header = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    async with serving(world, f"HTTP/1.1 503 No\r\nretry-after: {header}\r\n\r\n".encode()) as stub:
        answer = await post(target_of(stub.url), {}, b"{}", ssl.create_default_context())

    assert answer.status == 503
    assert low <= answer.retry_after <= high


async def test_while_nobody_takes_anything_one_at_a_time_is_tried() -> None:
    pace = Pace()
    first, second = pace.begin(), pace.begin()
    assert await pace.room(8) == 8
    first.settle(taken=False)
    second.settle(taken=False)
    assert pace.failures == 1
    assert await pace.room(8) == 1

    third = pace.begin()
    waiting = asyncio.ensure_future(pace.room(8))
    await asyncio.sleep(0.3)
    assert not waiting.done()
    third.settle(taken=True)
    third.settle(taken=False)
    assert await waiting == 8


async def test_the_pause_grows_and_has_an_end() -> None:
    pace, pauses = Pace(), []
    for _ in range(20):
        pace.begin().settle(taken=False)
        pauses.append(round(pace.pause, 3))
    assert pauses == sorted(pauses)
    assert pauses[0] < 1 < pauses[5]
    assert pauses[-1] <= LONGEST_PAUSE


async def test_an_answer_that_never_began_is_none() -> None:
    target = target_of("http://127.0.0.1:1/")

    answer = await post(target, {}, b"{}", ssl.create_default_context())
    assert answer == Answer(None, error=answer.error)
    assert answer.error.startswith("no connection: ")
