"""What the pages say of runs that are paused, and of steps that no worker has; and that they are told when that changes."""

from __future__ import annotations

import time

import httpx
import pytest

from tests.inspect.shop import Scribe
from tests.web.conftest import CHECKOUT, CONTRACT, REFUND, Asking, seen
from workflow_runtime.web import live_run, standings
from workflow_runtime.web.finding import search_of
from workflow_runtime.web.live_run import RunWatch
from workflow_runtime.web.runs_list import ListPage, change_of, list_page
from workflow_runtime.web.site import Site
from workflow_runtime.worlds.base import Message, World

LACKING = "wrun_01M9Q0000000000000000000"
STEP = "step//shop.payments//pay"


@pytest.fixture
def site(world: World, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A site that asks the queue each time."""
    monkeypatch.setattr(standings, "ASK_AGAIN", 0.0)
    monkeypatch.setattr(live_run, "ASK_AGAIN", 0.0)
    return Site(world, "memory://")


async def queued(world: World) -> None:
    """Have a run wait for a worker to begin its step ``pay``, for a minute now."""
    run = Scribe(LACKING, at=time.time() - 60).begin()
    run.call(STEP, start=False)
    await run.put(world)
    await world.send(Message("wmsg_pay", LACKING, "step_000001", STEP))


async def hand_back(world: World, times: int) -> None:
    for _ in range(times):
        delivery = await world.take("wmsg_pay")
        assert delivery is not None
        await delivery.again()


async def the_list(site: Site) -> ListPage:
    return await list_page(site.world, search_of({}), site.standings, site.name)


async def workflow_of(world: World, run_id: str) -> str:
    return (await world.load(run_id)).run.workflow


def commands(html: str) -> list[str | None]:
    return [one["data-copy"] for one in seen(html).all("button") if "cmd" in (one.get("class") or "")]


async def test_a_run_of_a_paused_workflow_says_so_and_how_to_unpause_it(asking: Asking, world: World) -> None:
    workflow = await workflow_of(world, CONTRACT)
    await world.pause(workflow)
    async with asking() as page:
        one, ended, listed = [(await page.get(path)).text for path in (f"/runs/{CONTRACT}", f"/runs/{REFUND}", "/")]

    unpause = f"python -m workflow_runtime unpause {workflow}"
    assert "paused; waits for hook contract:ct_9" in seen(one).text
    assert commands(one)[0] == unpause
    assert "paused" not in seen(ended).text
    assert "Paused: contract" in seen(listed).text
    assert commands(listed) == [unpause]


async def test_when_everything_is_paused_the_command_names_nothing(asking: Asking, world: World) -> None:
    await world.pause()
    async with asking() as page:
        listed = (await page.get("/")).text

    assert "Paused: everything" in seen(listed).text
    assert commands(listed) == ["python -m workflow_runtime unpause"]


async def test_a_step_that_no_worker_has_is_named_with_what_to_do(asking: Asking, world: World) -> None:
    await queued(world)
    await hand_back(world, 4)
    async with asking() as page:
        one, listed = [(await page.get(path)).text for path in (f"/runs/{LACKING}", "/")]

    said = "pay has been handed back 4 times: it looks as if no running worker has this step"
    assert said in seen(one).text
    assert f"Put {STEP} back under that name, or start a worker that has it" in " ".join(seen(one).text.split())
    assert commands(one) == [f"python -m workflow_runtime cancel {LACKING}"]
    assert said in seen(listed).text


async def test_a_list_is_told_of_a_pause_and_of_its_end_and_of_nothing_else(site: Site) -> None:
    before = await the_list(site)
    await site.world.pause(await workflow_of(site.world, CONTRACT))
    paused = await the_list(site)
    change = change_of(before, paused)
    quiet = change_of(paused, await the_list(site))
    await site.world.unpause(await workflow_of(site.world, CONTRACT))

    assert set(change) == {"rows", "paused"}
    assert set(change["rows"]) == {CONTRACT}
    assert "paused; waits for hook" in seen(change["rows"][CONTRACT]).text
    assert quiet == {}
    assert seen(change_of(paused, await the_list(site))["paused"]).text.strip() == ""


async def test_a_list_is_told_of_steps_that_are_handed_back(site: Site) -> None:
    await queued(site.world)
    before = await the_list(site)
    await hand_back(site.world, 2)
    twice = change_of(before, await the_list(site))
    await hand_back(site.world, 1)
    change = change_of(before, await the_list(site))

    assert twice == {}
    assert set(change) == {"rows"}
    assert "pay has been handed back 3 times" in seen(change["rows"][LACKING]).text


async def test_an_open_page_of_a_run_is_told_what_holds_it_up(site: Site, asking: Asking) -> None:
    await queued(site.world)
    slot = (await site.world.load(LACKING)).run.slot
    looking = await RunWatch.begin(site, LACKING, {"slot": str(slot)})
    assert await looking.look() == {}
    await site.world.pause()
    paused = await looking.look()
    assert await looking.look() == {}
    await site.world.unpause()
    await hand_back(site.world, 3)
    lacking = await looking.look()

    assert paused
    assert (paused["state"], "timeline" in paused) == ("paused", False)
    assert "paused; pay waits in the queue" in seen(paused["notice"]).text
    assert lacking
    assert "pay has been handed back 3 times" in seen(lacking["notice"]).text


async def test_what_the_page_does_not_tell_is_not_sent(site: Site) -> None:
    run = Scribe(LACKING, at=time.time() - 60).begin()
    run.call(STEP)
    await run.put(site.world)
    await site.world.send(Message("wmsg_pay", LACKING, "step_000001", STEP))
    looking = await RunWatch.begin(site, LACKING, {"slot": "1"})
    assert await looking.look()
    await hand_back(site.world, 3)

    assert await looking.look() == {}


async def test_a_page_that_was_made_while_paused_hears_nothing_until_that_changes(site: Site, asking: Asking) -> None:
    await site.world.pause()
    async with asking() as page:
        (main,) = seen((await page.get(f"/runs/{CONTRACT}")).text).all("main")
    query = dict(httpx.URL(f"http://localhost/{main['data-live']}").params)
    looking = await RunWatch.begin(site, CONTRACT, query)
    assert await looking.look() == {}
    await site.world.unpause()

    change = await looking.look()
    assert change
    assert change["state"] == "waiting"


async def test_what_ended_is_not_said_to_be_paused(site: Site) -> None:
    await site.world.pause()
    page = await the_list(site)

    assert {row["id"]: row["state"] for row in page.rows} == {
        CONTRACT: "paused",
        REFUND: "failed",
        CHECKOUT: "completed",
    }
