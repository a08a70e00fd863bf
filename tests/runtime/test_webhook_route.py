"""The webhook route against both worlds: what is answered when nobody replies, keys repeat, or the hook is gone meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from workflow_runtime import webhook_route
from workflow_runtime.chunks import chunk_of
from workflow_runtime.events import Event, EventKind
from workflow_runtime.http import HttpResponse
from workflow_runtime.values import decode
from workflow_runtime.webhook_route import Call, answer_webhook
from workflow_runtime.webhooks import Reply, WebhookRequest, reply_data
from workflow_runtime.worlds.base import Committed, Message, World

LIMIT = 100


class Headers(dict[str, str]):
    """Headers as frameworks have them: ``items`` gives a name as often as it came."""

    def __init__(self, *pairs: tuple[str, str]) -> None:
        super().__init__(pairs)
        self._pairs = pairs

    def items(self) -> Any:
        return self._pairs


async def body(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def call(*headers: tuple[str, str], content: AsyncIterator[bytes] | None = None) -> Call:
    return Call("t", "POST", "http://x/t", Headers(*headers), content or body(b"hello"))


async def ask(world: World, request: Call) -> HttpResponse:
    return await asyncio.wait_for(answer_webhook(world, request, LIMIT), 10)


async def run_with_hook(world: World, run: str, respond: Any) -> None:
    created = Event(EventKind.RUN_CREATED, 1.0, "", {"workflow": "w", "bundle": "b", "input": {}, "seed": "s"})
    await world.create_run(run, created, Message(f"wmsg_{run}", run))
    data = {"token": "t", "metadata": None, "webhook": {"respond": respond}}
    opened = Event(EventKind.HOOK_CREATED, 1.0, "hook_000001", data)
    assert isinstance(await world.commit(run, 1, [Event(EventKind.RUN_STARTED, 1.0), opened]), Committed)


async def end(world: World, run: str) -> None:
    assert (await world.record(run, Event(EventKind.RUN_CANCELLED, 1.0, "", {"reason": None}))).landed


async def received(world: World, run: str) -> list[WebhookRequest]:
    events = (await world.load(run)).events
    return [decode(event.data["payload"]) for event in events if event.kind is EventKind.HOOK_RECEIVED]


async def test_the_request_is_stored_with_all_its_headers_and_the_run_is_woken(world: World) -> None:
    await run_with_hook(world, "wrun_1", "accepted")

    answer = await ask(world, call(("X-A", "1"), ("x-a", "2"), ("B", "3")))

    assert answer == HttpResponse(202)
    assert await received(world, "wrun_1") == [
        WebhookRequest("POST", "http://x/t", {"x-a": "1, 2", "b": "3"}, b"hello", "wrun_1")
    ]
    assert (await world.queue_depth()).due == 2


async def test_a_run_that_does_not_reply_in_time_is_a_timeout(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook_route, "REPLY_SECONDS", 0.05)
    await run_with_hook(world, "wrun_1", "manual")

    assert await ask(world, call()) == HttpResponse(504)


async def test_a_run_that_ends_without_a_reply_is_an_error(world: World) -> None:
    await run_with_hook(world, "wrun_1", "manual")
    waiting = asyncio.create_task(ask(world, call()))
    while not await received(world, "wrun_1"):  # noqa: ASYNC110 - worlds tell nobody of payloads
        await asyncio.sleep(0.005)
    await end(world, "wrun_1")

    assert await waiting == HttpResponse(500)


async def test_a_repeated_request_gets_the_reply_of_the_first(world: World) -> None:
    await run_with_hook(world, "wrun_1", "manual")
    key = ("Idempotency-Key", "k")
    first = asyncio.create_task(ask(world, call(key)))
    while not (requests := await received(world, "wrun_1")):  # noqa: ASYNC110 - worlds tell nobody of payloads
        await asyncio.sleep(0.005)
    second = asyncio.create_task(ask(world, call(key)))
    reply = chunk_of(reply_data(Reply(201, {"a": "b"}, "done")), "reply")
    await world.write_chunks("wrun_1", requests[0].reply_to or "", [reply])

    assert await first == await second == HttpResponse(201, {"a": "b"}, b"done")
    assert await ask(world, call(key)) == HttpResponse(201, {"a": "b"}, b"done")
    assert len(await received(world, "wrun_1")) == 1


@pytest.mark.parametrize("key", ["", "x" * 2000])
async def test_a_key_that_is_none_is_a_bad_request(world: World, key: str) -> None:
    await run_with_hook(world, "wrun_1", "accepted")

    assert await ask(world, call(("idempotency-key", key))) == HttpResponse(400)
    assert await received(world, "wrun_1") == []


@pytest.mark.parametrize("taken_over", [False, True])
async def test_a_hook_that_goes_while_the_body_comes_is_not_found_or_its_successor_is_asked(
    world: World, *, taken_over: bool
) -> None:
    await run_with_hook(world, "wrun_1", "accepted")

    async def slow() -> AsyncIterator[bytes]:
        yield b"hel"
        await end(world, "wrun_1")
        if taken_over:
            await run_with_hook(world, "wrun_2", reply_data(Reply(203)))
        yield b"lo"

    answer = await ask(world, call(content=slow()))

    assert answer.status == (203 if taken_over else 404)
    assert await received(world, "wrun_1") == []
    if taken_over:
        assert [(one.run_id, one.body) for one in await received(world, "wrun_2")] == [("wrun_2", b"hello")]


async def test_a_body_over_the_limit_is_not_read_to_its_end(world: World) -> None:
    await run_with_hook(world, "wrun_1", "accepted")

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 60

    assert await ask(world, call(content=endless())) == HttpResponse(413)
