"""The web page within apps: there when the environment asks for it, where ``mount`` sees to it, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.frameworks.conftest import Built
from tests.frameworks.shop import Shop, open_shop
from tests.frameworks.targets import Target, target, target_names

NAMES = [name for name in target_names() if target(name).page]
TOKEN = "a-token-of-the-tests-own"

pytestmark = pytest.mark.timeout(180)


def with_token(name: str) -> Target:
    found = target(name)
    return replace(found, environment={**found.environment, "WORKFLOW_WEB_TOKEN": TOKEN})


def news(shop: Shop, path: str, headers: dict[str, str]) -> str:
    """The first event of the list's stream: it comes while the answer goes on."""
    with httpx.stream("GET", f"{shop.url}{path}", headers=headers, timeout=30) as answer:
        assert answer.headers["content-type"] == "text/event-stream", shop.log()
        return next(line for line in answer.iter_lines() if line.startswith("event: "))


SERVED = [*((name, 0) for name in NAMES), ("sanic", 1)]
"""Each with its usual server; Sanic's own one, and any other, take streams in ways that differ."""


@pytest.mark.parametrize(("name", "server"), SERVED)
def test_the_page_is_in_the_app(name: str, server: int, built: Built, tmp_path: Path) -> None:
    one = with_token(name)
    root = "/_workflow"
    with open_shop(one, one.servers[server], built(name), tmp_path / "data") as shop:
        run_id = shop.place("o1")
        bearer = {"authorization": f"Bearer {TOKEN}"}
        bare = httpx.get(f"{shop.url}{root}", headers=bearer, follow_redirects=True, timeout=30)
        shown = httpx.get(f"{shop.url}{root}/runs/{run_id}", headers=bearer, timeout=30)
        style = httpx.get(f"{shop.url}{root}/static/page.css", timeout=30)
        closed = httpx.get(f"{shop.url}{root}/", timeout=30)
        head = httpx.head(f"{shop.url}{root}/live", headers=bearer, timeout=30)
        cancelled = httpx.post(
            f"{shop.url}{root}/runs/{run_id}/cancel", data={"reason": "x"}, headers=bearer, timeout=30
        )

        assert (bare.status_code, bare.url.path) == (200, f"{root}/"), shop.story(bare)
        assert run_id in bare.text
        assert shown.status_code == 200, shop.story(shown)
        assert style.headers["content-type"].startswith("text/css")
        assert closed.status_code == 401
        assert run_id not in closed.text
        assert (head.status_code, head.headers["content-type"], head.content) == (200, "text/event-stream", b"")
        assert cancelled.status_code == 303, shop.story(cancelled)
        assert news(shop, f"{root}/live", bearer) == "event: change"


def test_without_being_asked_for_it_is_not_there(built: Built, tmp_path: Path) -> None:
    one = target("fastapi")
    with open_shop(one, one.servers[0], built("fastapi"), tmp_path / "data") as shop:
        assert httpx.get(f"{shop.url}/_workflow/", timeout=30).status_code == 404
