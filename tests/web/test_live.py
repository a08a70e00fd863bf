"""What comes over the wire while a page is open: changes, and nothing else."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from tests.inspect import shop
from tests.inspect.shop import Scribe
from tests.web.conftest import CHECKOUT, CONTRACT, REFUND, Asking, seen
from workflow_runtime.chunks import chunk_of
from workflow_runtime.events import Event, EventKind
from workflow_runtime.web import live
from workflow_runtime.web.finding import search_of
from workflow_runtime.web.live import event_stream
from workflow_runtime.web.live_run import RunWatch
from workflow_runtime.web.runs_list import ListPage, change_of, list_page
from workflow_runtime.web.site import Site
from workflow_runtime.worlds.base import World


@pytest.fixture
def site(world: World) -> Site:
    return Site(world, "memory://")


async def watch(site: Site, run: str, **query: str) -> RunWatch:
    slot = (await site.world.load(run)).run.slot
    return await RunWatch.begin(site, run, {"slot": str(slot), **query})


async def the_list(site: Site, **query: str) -> ListPage:
    return await list_page(site.world, search_of(query), site.standings, site.name)


async def test_a_list_that_did_not_change_says_nothing(site: Site) -> None:
    before = await the_list(site)
    await asyncio.sleep(0.01)

    assert change_of(before, await the_list(site)) == {}


async def test_only_the_rows_that_changed_are_told(site: Site) -> None:
    before = await the_list(site)
    await site.world.record(CONTRACT, Event(EventKind.RUN_CANCELLED, time.time(), "", {"reason": "enough"}))
    await shop.refund("wrun_01M9000000000000000000000A").put(site.world)
    change = change_of(before, await the_list(site))

    assert set(change["rows"]) == {CONTRACT, "wrun_01M9000000000000000000000A"}
    assert "enough" in seen(change["rows"][CONTRACT]).text
    assert sorted(change["order"]) == sorted([CONTRACT, REFUND, CHECKOUT, "wrun_01M9000000000000000000000A"])
    assert change["heading"] == "4 runs"


async def test_a_run_is_told_of_while_it_goes_on_and_no_longer(site: Site) -> None:
    looking = await watch(site, CONTRACT)
    assert await looking.look() == {}
    received = Event(EventKind.HOOK_RECEIVED, time.time(), "hook_000002", {"payload": 1, "key": None})
    await site.world.record(CONTRACT, received)

    change = await looking.look()
    assert change
    assert {line["k"]: line["s"] for line in change["timeline"]["lines"]}["hook_000002"] == "completed"
    assert await looking.look() == {}

    await site.world.record(CONTRACT, Event(EventKind.RUN_CANCELLED, time.time(), "", {"reason": None}))
    change = await looking.look()
    assert change
    assert change["state"] == "cancelled"
    assert change["timeline"]["end"] is not None
    assert [line["k"] for line in change["timeline"]["lines"]] == ["wait_000003"]
    assert "order" not in change["timeline"]
    assert await looking.look() is None


async def test_a_page_that_is_behind_is_told_all(site: Site) -> None:
    looking = await RunWatch.begin(site, CONTRACT, {"slot": "2"})

    change = await looking.look()
    assert change
    assert change["timeline"]["order"] == ["step_000001", "hook_000002", "wait_000003"]


@pytest.mark.parametrize("path", ["/", f"/runs/{CONTRACT}", "/runs/wrun_01M81PARENT0000000000000000"])
async def test_a_page_that_is_up_to_date_is_told_nothing(path: str, site: Site, asking: Asking) -> None:
    parent, child = "wrun_01M81PARENT0000000000000000", "wrun_01M8196A00000000000000000C"
    story = Scribe(parent, "workflow//shop//main").begin()
    story.child(child, "workflow//shop//fulfil")
    await story.put(site.world)
    await Scribe(child, "workflow//shop//fulfil", created={"parent": parent, "root": parent}).begin().put(site.world)
    async with asking() as page:
        (live_at,) = [one["data-live"] for one in seen((await page.get(path)).text).all("main")]
        assert live_at
        request = httpx.Request(
            "GET", f"http://localhost/runs/{live_at}" if "runs" in path else f"http://localhost/{live_at}"
        )
        query = dict(request.url.params)
    if path == "/":
        shown = await the_list(site, **query)
        assert shown.mark == query["mark"]
    else:
        looking = await RunWatch.begin(site, path.rpartition("/")[2], query)
        assert await looking.look() == {}


async def test_a_child_that_goes_on_is_told_of_in_its_parent(site: Site) -> None:
    child = "wrun_01M8196A00000000000000000C"
    parent = Scribe("wrun_01M81PARENT0000000000000000", "workflow//shop//main").begin()
    parent.child(child, "workflow//shop//fulfil")
    await parent.put(site.world)
    story = Scribe(child, "workflow//shop//fulfil", created={"parent": parent.run_id, "root": parent.run_id}).begin()
    await story.put(site.world)
    looking = await watch(site, parent.run_id)
    await looking.look()
    packed = Event(EventKind.STEP_CREATED, story.at, "step_000001", {"step": "step//shop//pack", "input": {"args": []}})
    await site.world.commit(child, 2, [packed])

    change = await looking.look()
    assert change
    assert f"{child}/step_000001" in [line["k"] for line in change["timeline"]["lines"]]


async def test_a_stream_is_followed_to_its_end(site: Site) -> None:
    looking = await watch(site, CONTRACT, view="streams", name="letter", start="1")
    await site.world.write_chunks(CONTRACT, "letter", [chunk_of("Dear ", "x"), chunk_of("you", "x")])

    assert await looking.look() == {"chunks": [[1, "text", "you"]]}
    assert await looking.look() == {}
    await site.world.record(CONTRACT, Event(EventKind.RUN_CANCELLED, time.time(), "", {"reason": None}))
    await looking.look()
    assert await looking.look() is None


async def test_the_first_stream_of_a_run_is_told_of(site: Site) -> None:
    looking = await watch(site, CONTRACT, view="streams")
    assert await looking.look() == {}
    await site.world.write_chunks(CONTRACT, "letter", [chunk_of("Dear", "x")])

    assert await looking.look() == {"streams": True}


async def read(looks: list[Mapping[str, Any] | None], **settings: Any) -> list[str]:
    """The event stream of these looks, event by event."""
    given = iter(looks)

    async def look() -> Mapping[str, Any] | None:
        return next(given)

    body = b"".join([part async for part in event_stream(look, interval=0.0, **settings).body])
    return body.decode().split("\n\n")[:-1]


async def test_nothing_is_sent_while_nothing_happens() -> None:
    assert await read([{}, {}, {}, {"a": 1}, {}, {}, None]) == [
        ": here",
        'event: change\ndata: {"a":1}',
        "event: end\ndata: null",
    ]


async def test_a_quiet_stream_shows_that_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    assert live.HEARTBEAT >= 15
    monkeypatch.setattr(live, "HEARTBEAT", 0.0)

    assert await read([{}, None]) == [": here", ": still here", "event: end\ndata: null"]


async def test_a_stream_ends_some_time_and_the_browser_asks_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "LONGEST", 0.0)

    assert await read([{}]) == [": here"]


async def test_what_is_told_is_one_line_of_json_whatever_is_in_it() -> None:
    (_, change, _) = await read([{"a": "x\ny\r\n\ndata: z\u2028"}, None])
    event, data = change.split("\n")

    assert event == "event: change"
    assert json.loads(data.removeprefix("data: ")) == {"a": "x\ny\r\n\ndata: z\u2028"}


async def test_what_takes_long_is_looked_at_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    now, slept = [0.0], list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def look() -> Mapping[str, Any] | None:
        now[0] += 0.3 if len(slept) else 0.01
        return {} if len(slept) < 2 else None

    monkeypatch.setattr("workflow_runtime.web.live.time.monotonic", lambda: now[0])
    monkeypatch.setattr("workflow_runtime.web.live.asyncio.sleep", sleep)
    async for _ in event_stream(look, interval=0.5).body:
        pass

    assert slept == [0.5, pytest.approx(3.0)]
