"""What the forms do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.runtime.conftest import Host
from tests.web.conftest import CONTRACT, LOCAL, REFUND, Asking, csrf_of
from workflow_runtime.errors import FatalError
from workflow_runtime.events import EventKind
from workflow_runtime.worlds.base import RunStatus, World

OWN = {"origin": LOCAL}


@pytest.fixture
async def page(asking: Asking) -> AsyncIterator[httpx.AsyncClient]:
    async with asking() as client:
        yield client


async def do(page: httpx.AsyncClient, run: str, what: str, **form: str) -> httpx.Response:
    """Fill in the form as a browser does."""
    csrf = csrf_of((await page.get(f"/runs/{run}")).text)
    return await page.post(f"/runs/{run}/{what}", data={"csrf": csrf, **form}, headers=OWN)


async def last(world: World, run: str) -> Any:
    return (await world.load(run)).events[-1]


async def test_a_run_is_cancelled_with_the_reason(page: httpx.AsyncClient, world: World) -> None:
    done = await do(page, CONTRACT, "cancel", reason=" not needed any more ")

    assert done.headers["location"] == f"../{CONTRACT}?said=cancelled"
    end = await last(world, CONTRACT)
    assert (end.kind, end.data["reason"]) == (EventKind.RUN_CANCELLED, "not needed any more")
    shown = await page.get(f"/runs/{CONTRACT}?said=cancelled")
    assert "The run was cancelled." in shown.text
    assert "not needed any more" in shown.text


async def test_a_run_that_has_ended_is_not_cancelled(page: httpx.AsyncClient, world: World) -> None:
    csrf = csrf_of((await page.get(f"/runs/{CONTRACT}")).text)
    done = await page.post(f"/runs/{REFUND}/cancel", data={"csrf": csrf}, headers=OWN)

    assert done.headers["location"] == f"../{REFUND}?said=ended"
    assert (await world.load(REFUND)).run.status is RunStatus.FAILED


async def test_a_hook_is_resumed_with_json(page: httpx.AsyncClient, world: World) -> None:
    done = await do(page, CONTRACT, "resume", hook="hook_000002", payload='{"by": "grace"}')

    assert done.headers["location"] == f"../{CONTRACT}?said=resumed"
    received = await last(world, CONTRACT)
    assert (received.kind, received.data["payload"]) == (EventKind.HOOK_RECEIVED, {"by": "grace"})
    assert (await world.queue_depth()).due >= 1


@pytest.mark.parametrize("payload", ["{", "yes", "[" * 200 + "]" * 200])
async def test_what_is_no_json_is_not_sent(payload: str, page: httpx.AsyncClient, world: World) -> None:
    before = (await world.load(CONTRACT)).run.slot
    refused = await do(page, CONTRACT, "resume", hook="hook_000002", payload=payload)

    assert refused.status_code == 400
    assert "The payload is no JSON" in refused.text
    assert (await world.load(CONTRACT)).run.slot == before


async def test_a_hook_of_another_run_is_not_resumed_here(page: httpx.AsyncClient, world: World) -> None:
    csrf = csrf_of((await page.get(f"/runs/{CONTRACT}")).text)
    form = {"csrf": csrf, "hook": "hook_000002", "payload": "1"}
    done = await page.post(f"/runs/{REFUND}/resume", data=form, headers=OWN)

    assert done.headers["location"] == f"../{REFUND}?said=no-hook"
    assert (await last(world, CONTRACT)).kind is not EventKind.HOOK_RECEIVED


async def test_a_failed_run_goes_on_where_it_failed(world: World, asking: Asking) -> None:
    broken = True

    async def a(x: int) -> int:
        return x + 1

    async def b(x: int) -> int:
        if broken:
            raise FatalError("not today")
        return x * 2

    host = Host(world, "async def main(x):\n    return await b(await a(x))\n", {"a": a, "b": b}, _options())
    run = await host.start(1)
    async with host.working(), asking() as page:
        await world.wait_for_end(run, 20)
        broken = False
        done = await do(page, run, "retry")
        again = done.headers["location"].removeprefix("../").partition("?")[0]
        await world.wait_for_end(again, 20)

        assert again != run
        assert await host.result(again) == 4
        shown = (await page.get(f"/runs/{again}")).text
        assert "retries" in shown
        assert run in shown


async def test_a_run_whose_code_is_not_here_says_so(page: httpx.AsyncClient) -> None:
    csrf = csrf_of((await page.get(f"/runs/{CONTRACT}")).text)
    refused = await page.post(f"/runs/{REFUND}/retry", data={"csrf": csrf}, headers=OWN)

    assert refused.status_code == 409
    assert "bundle" in refused.text


@pytest.mark.parametrize("what", ["cancel", "resume", "retry", "delete"])
async def test_no_run_no_form(what: str, page: httpx.AsyncClient) -> None:
    csrf = csrf_of((await page.get(f"/runs/{CONTRACT}")).text)
    form = {"csrf": csrf, "hook": "none", "payload": "1"}
    answer = await page.post(f"/runs/wrun_nope/{what}", data=form, headers=OWN)

    assert answer.status_code == 404 or "said=no-hook" in answer.headers["location"]


def _options() -> Any:
    from workflow_runtime.handler.options import HandlerOptions

    return HandlerOptions()
