"""What runs hold comes from outside: markup, control characters, and values without end are shown, and do nothing."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.inspect.shop import Scribe, error
from tests.web.conftest import Asking, Seen, seen
from workflow_runtime.chunks import chunk_of
from workflow_runtime.events import EventKind
from workflow_runtime.seeing.payloads import TAG
from workflow_runtime.worlds.base import World

RUN = "wrun_01M81HOSTILE000000000000000"
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'`--></script>{{7*7}}</textarea></title><!--"
CONTROL = "\x1b[31mred\x1b]0;title\x07\x1b[2J \u202egnp.exe \u200b\x00\x9b1m \ud800"
VIEWS = ("", "?view=events", "?view=graph", "?view=streams", "?view=streams&chunks=1")


def nested(depth: int) -> Any:
    value: Any = "bottom"
    for _ in range(depth):
        value = {"a": [value]}
    return value


async def put(world: World, text: str, value: Any = None) -> None:
    """A run with the text in every place that there is."""
    text = text.encode("utf-8", "replace").decode() if "\ud800" in text else text
    run = Scribe(RUN, f"workflow//shop//{text}", (text, value), created={"attributes": {text[:200]: text}})
    run.begin()
    step = run.call(f"step//shop//{text}", text, value)
    run.later(0.1).retry(step, error(text, text, stack=f'  File "{text}", line 1, in {text}\n    {text}\n'), 1)
    run.later(1).start(step, 2)
    run.later(0.1).complete(step, {"text": text, "value": value}, 2)
    failing = run.call("charge", {text: [text, value]})
    failed = error(text, text, notes=[text], stack=f'  File "{text}", line 1, in {text}\n', cause=error(text, text))
    run.later(0.1).fail(failing, failed)
    hook = run.hook(text, {"about": text})
    run.later(0.1).receive(hook, {"says": text, "value": value})
    run.add(EventKind.RUN_FAILED, error=failed)
    await run.put(world)
    await _stream(world, text)


async def _stream(world: World, text: str) -> None:
    live = f"{RUN}9"
    run = Scribe(live, f"workflow//shop//{text}", (text,)).begin()
    run.hook(f"{text}9")
    await run.put(world)
    await world.write_chunks(
        live, text[:200], [chunk_of(text, "x"), chunk_of({"a": text}, "x"), chunk_of(b"\xff\x1b", "x")]
    )


async def pages(page: httpx.AsyncClient) -> list[tuple[str, httpx.Response]]:
    """Everything that can be seen of the run."""
    paths = ["/", f"/?q={RUN}", *(f"/runs/{run}{view}" for run in (RUN, f"{RUN}9") for view in VIEWS)]
    for key in ("step_000001", "step_000002", "hook_000003", "run"):
        paths += [f"/runs/{RUN}/value/{key}/{what}" for what in ("input", "output", "metadata", "payload")]
        paths.append(f"/runs/{RUN}/at/{key}")
    return [(path, await page.get(path)) for path in paths]


def check(path: str, html: str) -> Seen:
    """Nothing in the page is there because of what the run holds."""
    found = seen(html)
    sources = {str(one["src"]).partition("?")[0] for one in found.all("script") if "src" in one}
    assert {source.replace("../", "") for source in sources} <= {"static/page.js"}, path
    assert len(found.all("script")) <= 2, path
    assert found.all("img") == [], path
    assert not [name for _, attributes in found.elements for name in attributes if name.startswith("on")], path
    return found


async def test_markup_is_text_everywhere(world: World, asking: Asking) -> None:
    await put(world, MARKUP)
    async with asking() as page:
        shown = await pages(page)

    assert len([path for path, answer in shown if answer.status_code == 200]) > 20
    for path, answer in shown:
        if answer.headers["content-type"].startswith("text/html"):
            check(path, answer.text)
            assert "<img src=x" not in answer.text, path
    assert all("{{7*7}}" in seen(answer.text).text for path, answer in shown if path in ("/", f"/runs/{RUN}"))


async def test_no_control_character_reaches_a_page(world: World, asking: Asking) -> None:
    await put(world, CONTROL)
    async with asking() as page:
        shown = await pages(page)

    for path, answer in shown:
        found = {char for char in answer.text if char in "\x1b\x07\x00\x9b\u202e\u200b"}
        data = path.endswith(("as=json",))
        assert not found or data, (path, found)
    assert any("\\x1b[31mred" in answer.text for _, answer in shown)


@pytest.mark.parametrize(
    "value",
    [nested(99), list(range(200_000)), {f"key {n}": n for n in range(20_000)}, "x" * 2_000_000, 10**3000],
    ids=["deep", "long", "wide", "a long text", "a long number"],
)
async def test_a_value_without_end_is_cut_and_says_so(value: Any, world: World, asking: Asking) -> None:
    run = Scribe(RUN, "workflow//shop//main", (value,)).begin()
    step = run.call("charge", value)
    run.later(0.1).complete(step, value)
    run.add(EventKind.RUN_COMPLETED, output=value)
    await run.put(world)
    async with asking() as page:
        for path in (f"/runs/{RUN}", f"/runs/{RUN}/at/step_000001", f"/runs/{RUN}?view=events", "/"):
            answer = await page.get(path)

            assert answer.status_code == 200, path
            assert len(answer.text) < 150_000, path
            assert len(check(path, answer.text).elements) < 1500, path
        alone = await page.get(f"/runs/{RUN}/value/run/output")
        whole = await page.get(f"/runs/{RUN}/value/run/output?as=json")

    assert len(alone.text) < 2_000_000
    assert "…" in alone.text
    assert json.loads(whole.text) == value


async def test_data_that_is_nothing_that_we_write_is_shown_too(world: World, asking: Asking) -> None:
    odd = {TAG: 7, "items": {TAG: ["x"]}}
    run = Scribe(RUN, "not an id", ()).begin()
    run.events[0] = run.events[0].__class__(
        EventKind.RUN_CREATED, run.at, "", {**run.events[0].data, "input": odd, "workflow": ""}, 1
    )
    step = run.call("charge", odd)
    run.add(EventKind.STEP_COMPLETED, step, attempt=1, output={TAG: "dict", "items": [1, [2]]})
    run.add(EventKind.RUN_FAILED, error=["no", "error"])
    await run.put(world)
    async with asking() as page:
        for path in (f"/runs/{RUN}", f"/runs/{RUN}?view=events", f"/runs/{RUN}?view=graph", "/"):
            assert (await page.get(path)).status_code == 200, path
        for key in (step, "%2e%2e", "..%2f..", "a%00b", "é"):
            assert (await page.get(f"/runs/{RUN}/at/{key}")).status_code in (200, 404)


@pytest.mark.parametrize(
    "path",
    ["/runs/%3Cscript%3E", "/runs/%1b%5b31m", "/%22%3E", "/?q=%3Cimg%20src=x%3E&status=%3Cb%3E", "/?before=%3Cimg%3E"],
)
async def test_what_a_link_says_is_text(path: str, asking: Asking) -> None:
    async with asking() as page:
        answer = await page.get(path)

    check(path, answer.text)
    assert "\x1b" not in answer.text


async def test_no_command_is_offered_that_would_not_do_what_it_shows(world: World, asking: Asking) -> None:
    for number, token in enumerate(("plain:1", "it's; rm -rf $HOME", CONTROL.encode("utf-8", "replace").decode())):
        run = Scribe(f"wrun_01M81COMMAND{number:015d}", "workflow//shop//main").begin()
        run.hook(token)
        await run.put(world)
    async with asking() as page:
        shown = [seen((await page.get(f"/runs/wrun_01M81COMMAND{number:015d}")).text) for number in range(3)]
    commands = [
        [one["data-copy"] for one in found.all("button") if "cmd" in (one.get("class") or "")] for found in shown
    ]

    assert commands[0] == ["python -m workflow_runtime resume plain:1 '{…}'"]
    assert commands[1] == ["""python -m workflow_runtime resume 'it'"'"'s; rm -rf $HOME' '{…}'"""]
    assert commands[2] == []
    assert [len(found.all("option")) for found in shown] == [1, 1, 1]
