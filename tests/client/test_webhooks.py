"""Webhooks, without HTTP: what the route finds in the log, what the workflow gets, and how an answer comes back."""

from __future__ import annotations

from typing import Any

import pytest

from workflow_runtime import (
    Reply,
    RunFailedError,
    WebhookRequest,
    WorkflowError,
    get_hook,
    resume_hook,
    start,
)
from workflow_runtime.builtin import write_reply
from workflow_runtime.events import EventKind
from workflow_runtime.webhooks import read_reply, reply_data

pytestmark = pytest.mark.timeout(60)


def request_for(run_id: str, reply_to: str | None = None) -> WebhookRequest:
    return WebhookRequest(
        "PUT", "https://x/hook?a=1", {"content-type": "application/json"}, b'{"a": [1]}', run_id, reply_to
    )


@pytest.mark.parametrize(
    ("respond", "stored"),
    [
        ("accepted", "accepted"),
        ("manual", "manual"),
        ("fixed", {"status": 402, "headers": {"x-why": "money"}, "body": "cGF5IGZpcnN0"}),
        ("status", {"status": 204, "headers": {}, "body": ""}),
    ],
)
async def test_the_log_says_how_to_respond(office: Any, respond: str, stored: object) -> None:
    async with office.working():
        run = await start(office.hooking.webhook, "w", respond)
        details = await office.hook("w")
        hook = await office.world.hook_by_token("w")

        assert details.is_webhook
        assert hook.webhook == {"respond": stored}
        assert (await office.world.list_hooks(run.id)) == [hook]


async def test_a_request_is_a_payload_and_its_answer_a_chunk_of_a_stream(
    office: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKFLOW_URL", "https://shop.example.org/internal/")
    async with office.working():
        run = await start(office.hooking.webhook, "a b+c", "manual")
        await office.hook("a b+c")
        await resume_hook("a b+c", request_for(run.id, "webhook:1"))
        (chunk,) = [value async for value in run.stream("webhook:1")]

        assert read_reply(chunk) == Reply(201, {"content-type": "application/json"}, b'{"got":{"a":[1]}}')
        assert await run.result(20) == {
            "method": "PUT",
            "text": '{"a": [1]}',
            "answered": [True, False],
            "url": "https://shop.example.org/internal/.well-known/workflow/v1/webhook/a%20b%2Bc",
        }


async def test_children_have_the_url_of_their_parents(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKFLOW_URL", "https://shop.example.org")
    async with office.working():
        run = await start(office.families.passes, "a")
        monkeypatch.delenv("WORKFLOW_URL")
        ticket = await run.result(20)

    for child in (ticket.run, *ticket.others):  # one from the workflow, one from a step
        (created,) = (await office.world.load(child.id, limit=1)).events
        assert created.data["url"] == "https://shop.example.org"


async def test_a_url_that_nobody_told_is_asked_for_with_what_to_set(office: Any) -> None:
    async with office.working():
        run = await start(office.hooking.webhook, "w", "accepted")
        await office.hook("w")
        await resume_hook("w", request_for(run.id))
        with pytest.raises(RunFailedError, match="set WORKFLOW_URL"):
            await run.result(20)


async def test_the_first_answer_is_the_answer(office: Any) -> None:
    async with office.working():
        run = await start(office.hooking.approve, "a")
        first, second = reply_data(Reply(200, {}, "first")), reply_data(Reply(500))

        assert await write_reply(run.id, "webhook:1", first)
        assert not await write_reply(run.id, "webhook:1", second)
        assert [value async for value in run.stream("webhook:1")] == [first]
        assert [(one.name, one.length, one.closed) for one in await run.streams()] == [("webhook:1", 1, True)]


async def test_a_request_that_was_answered_at_once_can_not_be_answered() -> None:
    with pytest.raises(WorkflowError, match="respond='manual'"):
        await request_for("wrun_X").respond(Reply())


@pytest.mark.parametrize("token", ["a/b", ".", "..", "", 5])
async def test_a_token_that_can_not_stand_in_a_url_is_refused(office: Any, token: Any) -> None:
    async with office.working():
        run = await start(office.hooking.webhook, token, "accepted")
        with pytest.raises(RunFailedError, match="token") as failed:
            await run.result(20)
    assert isinstance(failed.value.__cause__, ValueError | TypeError)
    assert EventKind.HOOK_CREATED not in await office.kinds(run.id)


async def test_a_generated_token_reaches_the_webhook(office: Any) -> None:
    async with office.working():
        run = await start(office.hooking.webhook, None, "manual")
        await office.event(run.id, EventKind.HOOK_CREATED)
        hooks = await office.world.list_hooks(run.id)
        assert (await get_hook(hooks[0].token)).run == run


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(99), "from 200 to 599"),
        (Reply("200"), "from 200 to 599"),  # type: ignore[arg-type]  # what an untyped caller may try
        (Reply(200, {"x": "a\r\ny: b"}), "one line of ASCII"),
        (Reply(200, {"ü": "a"}), "one line of ASCII"),
        (Reply(200, {}, {"a": 1}), "Reply.json"),  # type: ignore[arg-type]  # likewise
        ("done", "not with 'done'"),
    ],
)
def test_a_reply_that_http_can_not_carry_is_refused(reply: Any, error: str) -> None:
    with pytest.raises((TypeError, ValueError), match=error):
        reply_data(reply)
