"""The same shop on every framework: built by the command, served by the framework's own or usual server, killed, and finished."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from tests.frameworks.conftest import Built
from tests.frameworks.shop import PATIENCE, Shop, open_shop
from tests.frameworks.targets import Server, Target, target, target_names

PREFIX = "/.well-known/workflow/v1"
TARGETS = [found for found in map(target, target_names()) if found.servers]
OTHERS = [pytest.param(one, server, id=f"{one.name}-{server.name}") for one in TARGETS for server in one.servers[1:]]

pytestmark = pytest.mark.timeout(180)


def news(shop: Shop, run_id: str, until: str = "") -> list[str]:
    """What the order's stream says, to its end or to the first that begins with ``until``; asked for while the run goes on."""
    found: list[str] = []
    with httpx.stream("GET", f"{shop.url}/orders/{run_id}/news", timeout=PATIENCE) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if line.startswith("data: {"):
                found.append(json.loads(line.removeprefix("data: "))["news"])
                if until and found[-1].startswith(until):
                    break
    return found


@pytest.mark.parametrize("target", TARGETS, ids=lambda one: one.name)
def test_the_routes_are_found_where_they_are(target: Target, built: Built) -> None:
    found = json.loads((built(target.name) / "shop" / "_workflow" / "config.json").read_text("utf-8"))

    assert found["targets"] == [target.name]
    assert found["queue"] == {"flow": f"{target.prefix}{PREFIX}/flow"}
    assert {route["kind"]: route["path"] for route in found["routes"]} == {
        "flow": f"{target.prefix}{PREFIX}/flow",
        "health": f"{target.prefix}{PREFIX}/health",
        "manifest": f"{target.prefix}{PREFIX}/manifest.json",
        "webhook": f"{target.prefix}{PREFIX}/webhook/{{token}}",
    }
    assert all(route["confirmed"] for route in found["routes"])


@pytest.mark.parametrize("target", TARGETS, ids=lambda one: one.name)
def test_an_order_outlives_its_server(target: Target, built: Built, tmp_path: Path) -> None:
    first, second = target.methods
    with open_shop(target, target.servers[0], built(target.name), tmp_path / "data") as shop:
        run_id = shop.place("o1")
        assert shop.call("o1", first, "one").status_code == 202
        assert news(shop, run_id, until="the bank") == ["reserved and charged", f"the bank called: {first}"]

        shop.wait_until_idle()  # a step that is killed after its word may say it twice
        shop.kill()
        shop.start()
        assert shop.call("o1", second, "two").status_code == 202

        assert shop.wait(run_id) == {
            "reserved": "reserved o1",
            "charged": "charged o1",
            "answers": [f"{first} one", f"{second} two"],
            "shipped": "shipped o1",
        }
        assert news(shop, run_id) == ["reserved and charged", *(f"the bank called: {m}" for m in target.methods)]
        assert sorted(shop.ledger()[:2]) == ["begin charge o1", "begin reserve o1"], "they run at the same time"
        assert httpx.get(f"{shop.url}/orders/wrun_00000000000000000000000000", timeout=30).status_code == 404


@pytest.mark.parametrize(("target", "server"), OTHERS)
def test_other_servers_serve_it_too(target: Target, server: Server, built: Built, tmp_path: Path) -> None:
    with open_shop(target, server, built(target.name), tmp_path / "data") as shop:
        run_id = shop.place("o1")
        for method in target.methods:
            assert shop.call("o1", method, "").status_code == 202

        assert len(news(shop, run_id)) == 3
        assert shop.wait(run_id)["answers"] == [f"{method} " for method in target.methods]


@pytest.mark.parametrize("target", TARGETS, ids=lambda one: one.name)
def test_the_routes_refuse_what_they_must(target: Target, built: Built, tmp_path: Path) -> None:
    with open_shop(target, target.servers[0], built(target.name), tmp_path / "data") as shop:
        base = f"{shop.url}{target.prefix}{PREFIX}"

        assert httpx.post(f"{base}/flow", content=b"{}", timeout=30).status_code == 403
        assert httpx.post(f"{base}/flow", content=b"x" * 300_000, timeout=30).status_code == 413
        assert httpx.get(f"{base}/flow", timeout=30).status_code in (404, 405)
        assert httpx.get(f"{base}/manifest.json", timeout=30).status_code == 404
        assert httpx.post(f"{base}/webhook/nobody", content=b"x", timeout=30).status_code == 404
        shop.place("o1")
        assert shop.call("o1", "POST", "x" * 1_100_000).status_code == 413
