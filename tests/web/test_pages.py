"""What the pages say, and that they stay small."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.inspect import shop
from tests.web.conftest import CHECKOUT, CONTRACT, REFUND, ROWS, Asking, Seen, seen
from workflow_runtime.worlds.base import World

NODES = 1500
BYTES = 60_000
EVERY_PAGE = (
    "/",
    f"/runs/{CHECKOUT}",
    f"/runs/{REFUND}",
    f"/runs/{CONTRACT}",
    *(f"/runs/{CHECKOUT}?view={view}" for view in ("graph", "events", "streams")),
    f"/runs/{CHECKOUT}/at/step_000002",
    f"/runs/{CHECKOUT}/value/run/input",
    "/runs/wrun_nope",
)


@pytest.fixture
async def page(asking: Asking) -> AsyncIterator[httpx.AsyncClient]:
    async with asking() as client:
        yield client


async def look(page: httpx.AsyncClient, path: str, status: int = 200) -> Seen:
    found = await page.get(path)
    assert found.status_code == status, found.text
    return seen(found.text)


async def packed(page: httpx.AsyncClient, path: str) -> int:
    """Bytes on the wire."""
    async with page.stream("GET", path, headers={"accept-encoding": "gzip"}) as answer:
        return len(b"".join([part async for part in answer.aiter_raw()]))


def rows_of(found: Seen) -> list[str]:
    return [str(one["id"]) for one in found.all("tr") if one.get("id")]


def data_of(html: str) -> dict[str, list[dict[str, object]]]:
    """What the script of a timeline draws from."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert found
    data: dict[str, list[dict[str, object]]] = json.loads(found[1])
    return data


async def test_the_list_tells_each_run_what_it_does_now(page: httpx.AsyncClient) -> None:
    found = await look(page, "/")

    assert rows_of(found) == [CONTRACT, REFUND, CHECKOUT]
    assert "waits for hook contract:ct_9" in found.text
    assert "RefundError: could not refund ord_1003" in found.text
    assert "3 runs" in found.text


async def test_the_counts_are_filters(page: httpx.AsyncClient) -> None:
    found = await look(page, "/")
    links = [one["href"] for one in found.all("a") if "failed" in (one.get("class") or "")]

    assert links == ["?status=failed"]
    assert rows_of(await look(page, "/?status=failed")) == [REFUND]
    assert rows_of(await look(page, "/?status=nonsense")) == [CONTRACT, REFUND, CHECKOUT]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (CHECKOUT, [CHECKOUT]),
        ("wrun_01M8195Y", [CHECKOUT]),
        ("01M8195Y", [CHECKOUT]),
        ("checkout", [CHECKOUT]),
        ("tenant=acme", [REFUND, CHECKOUT]),
        ("tenant=acme refund", [REFUND]),
        ("tenant=nobody", []),
        ("nothing_called_so", []),
        ("=", [CONTRACT, REFUND, CHECKOUT]),
    ],
)
async def test_the_search_box_takes_ids_names_and_attributes(
    query: str, expected: list[str], page: httpx.AsyncClient
) -> None:
    found = seen((await page.get("/", params={"q": query})).text)

    assert sorted(rows_of(found)) == sorted(expected)


async def test_older_runs_are_a_page_away(page: httpx.AsyncClient, world: World) -> None:
    for number in range(70):
        await shop.refund(f"wrun_01M9{number:022d}").put(world)

    first = await look(page, "/")
    (older,) = [one["href"] for one in first.all("a") if one.get("rel") == "next"]
    second = await look(page, f"/{older}")

    assert len(rows_of(first)) == 60
    assert len(rows_of(first) + rows_of(second)) == len({*rows_of(first), *rows_of(second)}) == 73
    assert (await page.get("/?before=wrun_gone")).status_code == 200


async def test_a_failed_run_opens_with_what_went_wrong(page: httpx.AsyncClient) -> None:
    html = (await page.get(f"/runs/{REFUND}")).text
    found = seen(html)

    assert html.index("could not refund ord_1003") < html.index('class="tabs"')
    assert "caused by" in found.text
    assert "/srv/shop/payments.py:41" in found.text
    own, library = found.text.index("payments.py:41"), found.text.index("gateway/client.py:977")
    assert own < library
    assert "1 library frame" in found.text
    assert [one["data-pick"] for one in found.all("a") if "data-pick" in one] == ["step_000001"]


async def test_a_waiting_run_says_for_what_and_how_to_resume_it(page: httpx.AsyncClient) -> None:
    found = await look(page, f"/runs/{CONTRACT}")

    assert "waits for hook contract:ct_9" in found.text
    assert "python -m workflow_runtime resume contract:ct_9" in found.text
    commands = [one["data-copy"] for one in found.all("button") if "cmd" in (one.get("class") or "")]
    assert commands == ["python -m workflow_runtime resume contract:ct_9 '{…}'"]


async def test_times_are_left_to_the_readers_own_zone(page: httpx.AsyncClient) -> None:
    found = await look(page, f"/runs/{CONTRACT}")
    told = [one for one in found.all("time") if "data-moment" in one]

    assert [one["datetime"] for one in told] == ["2026-11-24T09:25:16.170+00:00"]


async def test_an_unknown_run_is_said_to_be_unknown_with_the_worlds_name(page: httpx.AsyncClient) -> None:
    found = await look(page, "/runs/wrun_nope", 404)

    assert "No run wrun_nope in this world" in found.text
    assert "The world is memory://" in found.text


async def test_the_first_lines_of_a_timeline_are_in_the_page(page: httpx.AsyncClient) -> None:
    found = await look(page, f"/runs/{CHECKOUT}")
    lines = [str(one["id"]) for one in found.all("a") if one.get("role") == "option"]

    assert lines[:5] == [f"step_{number:06d}" for number in (1, 2, 3, 4, 5)]
    assert "3 attempts" in found.text


async def test_a_step_tells_each_of_its_attempts(page: httpx.AsyncClient) -> None:
    found = await look(page, f"/runs/{CHECKOUT}/at/step_000002")

    assert len([one for one in found.all("details") if one.get("class") == "attempt"]) == 3
    assert found.text.count("gateway answered 503") >= 2
    assert "rcpt_8F2K" in found.text
    assert (await page.get(f"/runs/{CHECKOUT}/at/step_999999")).status_code == 404


async def test_events_have_the_names_of_what_they_are_about(page: httpx.AsyncClient) -> None:
    found = await look(page, f"/runs/{CHECKOUT}?view=events")
    own = await look(page, f"/runs/{CHECKOUT}?view=events&of=step_000002")

    assert "step retrying" in found.text
    assert "reserve_stock lamp-01" in found.text
    assert len(own.all("tr")) - 1 == 7
    assert (await page.get(f"/runs/{CHECKOUT}?view=events&after=²")).status_code == 200


async def test_values_can_be_had_as_json_and_as_python(page: httpx.AsyncClient) -> None:
    path = f"/runs/{CHECKOUT}/value/run/input"

    as_json = await page.get(path, params={"as": "json"})
    assert as_json.headers["content-type"] == "text/plain; charset=utf-8"
    assert as_json.json() == {"args": [{"id": "ord_1001", "cents": 12900}]}
    assert "'ord_1001'" in (await page.get(path, params={"as": "python"})).text
    for wrong in ("run/secret", "step_999999/input", "step_000002/__class__"):
        assert (await page.get(f"/runs/{CHECKOUT}/value/{wrong}")).status_code == 404


@pytest.mark.parametrize("path", EVERY_PAGE)
async def test_a_page_names_nothing_elsewhere_and_has_no_code_in_it(path: str, page: httpx.AsyncClient) -> None:
    found = seen((await page.get(path)).text)

    for tag, attributes in found.elements:
        for name, value in attributes.items():
            assert not name.startswith("on"), (tag, name)
            assert name != "style", tag
            if name in ("href", "src", "action"):
                assert "//" not in str(value).removeprefix("data:image/svg+xml,").replace(
                    "http://www.w3.org/2000/svg", ""
                )
    assert found.all("style") == []
    assert all("src" in one or one.get("type") == "application/json" for one in found.all("script"))
    assert len({str(one.get("src")) for one in found.all("script") if "src" in one}) == 1
    assert len([one for one in found.all("link") if one["rel"] == "stylesheet"]) == 1


@pytest.mark.parametrize("name", ["page.css", "page.js"])
async def test_style_and_script_ask_for_nothing_elsewhere(name: str, page: httpx.AsyncClient) -> None:
    text = (await page.get(f"/static/{name}")).text.replace("http://www.w3.org/2000/svg", "")

    assert "http:" not in text
    assert "https:" not in text
    assert "@import" not in text
    assert not re.search(r"url\((?!'data:|#)", text)
    assert not re.search(r"\beval\(|new Function|innerHTML|document\.write", text)


@pytest.mark.parametrize("count", [40, 1200, 10_000])
async def test_a_run_stays_small_at_any_number_of_steps(count: int, page: httpx.AsyncClient, world: World) -> None:
    await shop.import_rows(count, ROWS).put(world)

    for path in (f"/runs/{ROWS}", f"/runs/{ROWS}?view=events", "/"):
        found = await look(page, path)
        whole = (
            await packed(page, path) + await packed(page, "/static/page.js") + await packed(page, "/static/page.css")
        )

        assert len(found.elements) < NODES, path
        assert whole < BYTES, path
    lines = data_of((await page.get(f"/runs/{ROWS}")).text)["lines"]
    counts = [line.get("c", 1) for line in lines]
    assert sum(count for count in counts if isinstance(count, int)) == count


async def test_what_a_folded_line_leaves_out_can_be_asked_for(page: httpx.AsyncClient, world: World) -> None:
    await shop.import_rows(100, ROWS).put(world)

    found = (await page.get(f"/runs/{ROWS}/members/step_000051?count=50")).json()

    assert [one[0] for one in found] == [f"row-{number}" for number in range(50, 100)]
    assert (await page.get(f"/runs/{ROWS}/members/step_000051?count=x")).json() == []
    assert (await page.get(f"/runs/{ROWS}/members/none?count=1")).status_code == 404


async def test_style_and_script_are_kept_by_browsers_under_their_version(page: httpx.AsyncClient) -> None:
    (script,) = [one["src"] for one in (await look(page, "/")).all("script")]
    answer = await page.get(f"/{script}")

    assert re.fullmatch(r"static/page\.js\?[0-9a-f]{12}", str(script))
    assert "immutable" in answer.headers["cache-control"]
    assert "no-store" in (await page.get("/")).headers["cache-control"]


async def test_who_takes_no_gzip_gets_none(page: httpx.AsyncClient) -> None:
    plain = await page.get("/static/page.js", headers={"accept-encoding": "identity"})
    async with page.stream("GET", "/static/page.js", headers={"accept-encoding": "gzip"}) as answer:
        body = b"".join([part async for part in answer.aiter_raw()])

    assert "content-encoding" not in plain.headers
    assert gzip.decompress(body) == plain.content


@pytest.mark.parametrize("prefix", ["", "/_workflow", "/shop/v1/_workflow"])
async def test_links_hold_below_any_prefix(prefix: str, page: httpx.AsyncClient) -> None:
    for path, depth in (("/", 0), (f"/runs/{CHECKOUT}", 1), (f"/runs/{CHECKOUT}/at/step_000002", 3)):
        found = await look(page, f"{prefix}{path}")
        (script,) = [one["src"] for one in found.all("script") if "src" in one]
        assert str(script).startswith("../" * depth + "static/")
    if prefix:
        bare = await page.get(prefix)
        assert httpx.URL(f"http://localhost{prefix}").join(bare.headers["location"]).path == f"{prefix}/"
