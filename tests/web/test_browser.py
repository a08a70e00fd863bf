"""The page in a real browser: drawn, live, by keyboard, at any size, and silent while nothing happens."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, Keys

from tests.inspect import shop
from tests.inspect.shop import Scribe
from tests.web.browser import CHROMIUM, DRIVER, MISSING, browser, complaints, logged, nodes, serving, until
from tests.web.conftest import CHECKOUT, CONTRACT, REFUND, ROWS
from workflow_runtime.chunks import chunk_of
from workflow_runtime.events import Event, EventKind
from workflow_runtime.worlds.base import World
from workflow_runtime.worlds.sqlite import SqliteWorld

pytestmark = [
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason=MISSING),
    pytest.mark.timeout(180),
]

Change = Callable[[World], Coroutine[Any, Any, object]]
LINES = "[...document.querySelectorAll('.r')].map((row) => row.id)"
PICKED = "decodeURIComponent(location.hash.slice(1))"


class Shop:
    """The page, and the world behind it, which the tests change from another process."""

    def __init__(self, page: Chrome, url: str, path: Path) -> None:
        self.page, self.url, self.path = page, url, path

    def change(self, change: Change) -> None:
        """Do something in the world, as a worker elsewhere does."""

        async def run() -> None:
            world = SqliteWorld(self.path)
            await world.open()
            try:
                await change(world)
            finally:
                await world.close()

        asyncio.run(run())

    def open(self, path: str = "/") -> None:
        self.page.get("about:blank")
        self.page.get(self.url + path)

    def press(self, key: str) -> None:
        self.page.switch_to.active_element.send_keys(key)

    def requests(self) -> list[str]:
        """The URLs that the browser has asked for since the last time."""
        found = [json.loads(entry["message"])["message"] for entry in logged(self.page, "performance")]
        sent = [one["params"]["request"]["url"] for one in found if one["method"] == "Network.requestWillBeSent"]
        return [url for url in sent if not url.startswith(("data:", "about:"))]

    def received(self) -> int:
        """How many pieces of event streams have come since the last time."""
        found = [json.loads(entry["message"])["message"]["method"] for entry in logged(self.page, "performance")]
        return found.count("Network.dataReceived") + found.count("Network.requestWillBeSent")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One browser and one server for all tests of this file: starting them costs seconds."""
    folder = tmp_path_factory.mktemp("web")
    path = folder / "runs.db"
    with browser() as page:
        made = Shop(page, "", path)
        for story in (shop.checkout(CHECKOUT), shop.refund(REFUND), shop.contract(CONTRACT)):
            made.change(story.put)
        with serving(folder, path) as url:
            made.url = url
            yield made


@pytest.fixture
def shown(running: Shop) -> Iterator[Shop]:
    """The same, with a console that has to stay empty."""
    logged(running.page, "browser")
    running.requests()
    yield running
    running.page.get("about:blank")
    assert complaints(running.page) == []


def test_the_list_is_live_with_four_requests(shown: Shop) -> None:
    shown.open()
    until(shown.page, "document.querySelector('.live.on')")
    asked = shown.requests()

    assert len(asked) == 4
    assert all(url.startswith(shown.url) for url in asked)
    new = "wrun_01M9000000000000000000000B"
    shown.change(Scribe(new, "workflow//shop.orders//later").begin().put)
    until(shown.page, f"document.getElementById('{new}')")
    until(shown.page, "document.getElementById('total').textContent === '4 runs'")
    assert nodes(shown.page) < 1500


def test_a_pause_and_its_end_are_told_to_who_looks_at_the_list(shown: Shop) -> None:
    shown.open()
    until(shown.page, "document.querySelector('.live.on')")
    shown.change(lambda world: world.pause())
    until(shown.page, "document.querySelector('#paused .cmd')?.textContent.endsWith('unpause')")
    until(shown.page, f"document.querySelector('#{CONTRACT} .now.paused')?.textContent.startsWith('paused; waits')")
    shown.change(lambda world: world.unpause())
    until(shown.page, "document.querySelector('#paused').children.length === 0")
    until(shown.page, f"document.querySelector('#{CONTRACT} .now.waiting')")


def test_nothing_is_on_the_wire_while_nothing_happens(shown: Shop) -> None:
    shown.open()
    until(shown.page, "document.querySelector('.live.on')")
    time.sleep(1.5)
    shown.received()
    time.sleep(3)  # six looks of the server

    assert shown.received() == 0


def test_a_timeline_is_drawn_without_a_complaint_of_the_policy(shown: Shop) -> None:
    shown.open(f"/runs/{CHECKOUT}")
    until(shown.page, "document.querySelectorAll('.virtual .r svg rect').length > 5")
    bars = shown.page.execute_script("return document.querySelectorAll('#step_000002 .k-f, #step_000002 .k-o').length")

    assert bars == 3
    assert shown.page.execute_script("return document.querySelectorAll('.bf, .bl').length") == 2
    assert len(shown.requests()) == 3
    assert nodes(shown.page) < 1500


def test_a_chosen_line_is_in_the_address_and_back_works(shown: Shop) -> None:
    shown.open(f"/runs/{CHECKOUT}")
    until(shown.page, "document.querySelector('.virtual .r')")
    shown.page.execute_script("document.getElementById('step_000002').click()")
    until(shown.page, "document.querySelector('#picked:not([hidden]) .attempt')")
    axis = shown.page.execute_script("return document.getElementById('axis').textContent")

    assert shown.page.current_url.endswith("#step_000002")
    shown.page.back()
    until(shown.page, "!document.querySelector('#own').hidden")
    shown.open(f"/runs/{CHECKOUT}#step_000002")
    until(shown.page, "document.querySelector('#picked:not([hidden]) .attempt')")
    assert shown.page.execute_script("return document.getElementById('axis').textContent") == axis, "it never zooms"


def test_everything_goes_by_keyboard(shown: Shop) -> None:
    shown.open(f"/runs/{REFUND}")
    until(shown.page, "document.querySelector('.virtual .r')")
    for key, expected in (("j", "step_000001"), ("j", "step_000002"), ("G", "step_000003"), ("g", "step_000001")):
        shown.press(key)
        until(shown.page, f"{PICKED} === '{expected}'")
    shown.press("j")
    shown.press("n")
    until(shown.page, f"{PICKED} === 'step_000001'")
    until(shown.page, "document.querySelector('#lines').getAttribute('aria-activedescendant') === 'step_000001'")
    shown.press(Keys.ESCAPE)
    until(shown.page, f"{PICKED} === ''")
    before = shown.page.execute_script("return document.getElementById('axis').textContent")
    shown.press("]")
    until(shown.page, f"document.getElementById('axis').textContent !== '{before}'")
    shown.press("0")
    until(shown.page, f"document.getElementById('axis').textContent === '{before}'")
    shown.press("/")
    until(shown.page, "document.activeElement.id === 'filter'")
    shown.press("quote")
    until(shown.page, f"{LINES}.join() === 'step_000002'")
    shown.press(Keys.ESCAPE)
    shown.press("?")
    until(shown.page, "document.getElementById('help').open")


def test_those_who_hear_the_page_hear_each_line(shown: Shop) -> None:
    shown.open(f"/runs/{CHECKOUT}")
    until(shown.page, "document.querySelector('.virtual .r')")
    told = shown.page.execute_script("return document.getElementById('step_000002').getAttribute('aria-label')")

    assert told.startswith("charge_card, completed, 3 attempts, ")
    unnamed = "[...document.querySelectorAll('button, input, a')].filter((one) => !(one.textContent.trim() || one.ariaLabel || one.title || one.labels?.length || one.type === 'hidden')).length"
    assert shown.page.execute_script(f"return {unnamed}") == 0


def test_a_run_changes_while_one_looks(shown: Shop) -> None:
    shown.open(f"/runs/{CONTRACT}")
    until(shown.page, "document.querySelector('.live.on')")

    async def approve(world: World) -> None:
        payload = {"payload": {"by": "grace"}, "key": None}
        await world.record(CONTRACT, Event(EventKind.HOOK_RECEIVED, time.time(), "hook_000002", payload))

    shown.change(approve)
    until(shown.page, "document.querySelector('#hook_000002 .g.completed')")
    cancelled = Event(EventKind.RUN_CANCELLED, time.time(), "", {"reason": "enough"})
    shown.change(lambda world: world.record(CONTRACT, cancelled))
    until(shown.page, "document.querySelector('#head .word').textContent === 'cancelled'")
    until(shown.page, "document.querySelector('#notice').textContent.includes('enough')")
    until(shown.page, "!document.querySelector('#acts').textContent.includes('Cancel')")
    until(shown.page, "document.querySelector('#live').textContent === ''")


def test_a_stream_is_joined_and_followed(shown: Shop) -> None:
    run = "wrun_01M9000000000000000000000S"

    async def write(world: World, *words: str) -> None:
        await world.write_chunks(run, "letter", [chunk_of(word, "x") for word in words])

    shown.change(Scribe(run, "workflow//shop//tell").begin().put)
    shown.change(lambda world: write(world, "Dear ", "<b>you</b>", "\n" * 300))
    shown.open(f"/runs/{run}?view=streams")
    until(shown.page, "document.querySelector('.live.on')")
    shown.change(lambda world: write(world, "the end"))
    until(shown.page, "document.getElementById('text').textContent.endsWith('the end')")

    assert shown.page.execute_script("return document.getElementById('text').textContent").startswith("Dear <b>you</b>")
    box = "const box = document.getElementById('text'); return box.scrollHeight - box.scrollTop - box.clientHeight < 2"
    assert shown.page.execute_script(box)


def test_a_page_comes_back_after_its_server(shown: Shop) -> None:
    run = "wrun_01M9000000000000000000000R"

    async def write(world: World, word: str) -> None:
        await world.write_chunks(run, "letter", [chunk_of(word, "x")])

    shown.change(Scribe(run, "workflow//shop//tell").begin().put)
    shown.change(lambda world: write(world, "one "))
    with serving(shown.path.parent, shown.path) as url:
        shown.page.get(f"{url}/runs/{run}?view=streams")
        until(shown.page, "document.querySelector('.live.on')")
        shown.change(lambda world: write(world, "two "))
        until(shown.page, "document.getElementById('text').textContent === 'one two '")
    until(shown.page, "document.querySelector('.live.lost')")
    shown.change(lambda world: write(world, "three"))
    with serving(shown.path.parent, shown.path, port=int(url.rpartition(":")[2])):
        until(shown.page, "document.getElementById('text').textContent === 'one two three'")
        until(shown.page, "document.querySelector('.live.on')")
    shown.page.get("about:blank")
    complaints(shown.page)  # the browser's own, of the server that was gone


@pytest.mark.parametrize("count", [1200, 10_000])
def test_a_long_run_stays_small_wherever_one_scrolls(count: int, shown: Shop) -> None:
    run = f"{ROWS[:-5]}{count:05d}"
    shown.change(shop.import_rows(count, run).put)
    shown.open(f"/runs/{run}")
    until(shown.page, "document.querySelector('.virtual .r')")
    sizes = [nodes(shown.page)]
    shown.page.execute_script("location.hash = arguments[0]", f"step_{count:06d}")
    until(shown.page, f"document.querySelector('.r.at')?.id === 'step_{count:06d}'")
    until(shown.page, f"document.querySelector('.r.at .d')?.textContent.trim() === 'row-{count - 1}'")
    until(shown.page, "document.querySelector('#picked:not([hidden]) .facts')")
    sizes.append(nodes(shown.page))
    shown.page.execute_script("document.getElementById('lines').scrollTop = 300")
    until(shown.page, "document.querySelector('.r:not(.p)')")
    sizes.append(nodes(shown.page))

    assert max(sizes) < 1500


def test_a_theme_is_kept(shown: Shop) -> None:
    shown.open()
    background = "getComputedStyle(document.body).backgroundColor"
    light = shown.page.execute_script(f"return {background}")
    for _ in range(2):
        shown.page.execute_script("document.getElementById('theme').click()")
    dark = until(shown.page, f"document.documentElement.dataset.theme === 'dark' && {background}")
    shown.open(f"/runs/{CHECKOUT}")

    assert dark != light
    assert shown.page.execute_script(f"return {background}") == dark
    shown.page.delete_all_cookies()


def test_a_form_cancels_a_run(shown: Shop) -> None:
    run = "wrun_01M9000000000000000000000F"
    shown.change(Scribe(run, "workflow//shop//wait").begin().put)
    shown.open(f"/runs/{run}")
    shown.page.execute_script("document.querySelector('#acts details').open = true")
    shown.page.execute_script(
        "document.querySelector('[name=reason]').value = 'by hand'; document.querySelector('#acts form button').click()"
    )
    until(shown.page, "document.querySelector('#notice')?.textContent.includes('by hand')")

    assert "The run was cancelled." in shown.page.page_source
