"""The shop as its customers see it: over HTTP, with a real server."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Shop

BASKET: dict[str, Any] = {
    "customer": "ada@example.org",
    "card": "tok_1",
    "lines": [{"sku": "tea", "quantity": 2, "price": "4.50"}, {"sku": "cup", "quantity": 1, "price": "12.25"}],
    "shipping": "express",
}

pytestmark = pytest.mark.timeout(180)


def line_of(path: Path, text: str) -> int:
    """The 1-based number of the only line that holds the text."""
    (number,) = (n for n, line in enumerate(path.read_text("utf-8").splitlines(), 1) if text in line)
    return number


def test_an_order_placed_over_http_completes(open_shop: Shop) -> None:
    placed = open_shop.post("/orders", BASKET)

    answer = open_shop.wait_for(placed["run"])

    assert answer["status"] == "completed", answer
    placed_at = answer["result"].pop("placed_at")
    assert placed_at.startswith(time.strftime("%Y-", time.gmtime()))
    assert answer["result"] == {
        "order_id": placed["order"],
        "customer": "ada@example.org",
        "total": "21.25",
        "shipping": "express",
        "skus": ["cup", "tea"],
        "items": 3,
        "tracking": f"express-{placed['order']}",
    }


def test_reserving_and_charging_run_at_the_same_time(open_shop: Shop) -> None:
    """The reservation's body ends only after the charge's has begun, and the other way round."""
    placed = open_shop.post("/orders", BASKET)
    open_shop.wait_for(placed["run"])

    first = [(entry.what, entry.step) for entry in open_shop.ledger() if entry.step in ("reserve", "charge")][:2]

    assert sorted(first) == [("begin", "charge"), ("begin", "reserve")]


def test_a_retry_that_succeeds_leaves_its_failures_in_the_log(open_shop: Shop) -> None:
    placed = open_shop.post("/orders", BASKET)
    open_shop.wait_for(placed["run"])

    events = open_shop.logs()[placed["run"]].events
    (charge,) = (event.entity for event in events if event.kind == "step_created" and "charge" in event.data["step"])

    assert [event.kind for event in events if event.entity == charge and event.kind != "step_created"] == [
        *["step_started", "step_retrying"] * 2,
        "step_started",
        "step_completed",
    ]
    assert [entry.what for entry in open_shop.ledger() if entry.step == "charge"] == [
        *["begin", "RetryableError"] * 2,
        "begin",
        "end",
    ]


def test_a_failing_step_gives_the_run_its_own_exception(open_shop: Shop) -> None:
    run_id = open_shop.post("/refunds", {"order_id": "o1", "amount": "3.50"})["run"]

    assert open_shop.wait_for(run_id) == {
        "status": "failed",
        "error": "RefundRefused",
        "message": "no refund of 3.50 for order o1: the bank says no",
    }
    assert [entry.what for entry in open_shop.ledger()] == ["begin", "RefundRefused"], "a FatalError is not retried"


def test_a_failing_workflow_gives_the_run_its_own_exception(open_shop: Shop) -> None:
    run_id = open_shop.post("/refunds", {"order_id": "o1", "amount": "0"})["run"]

    assert open_shop.wait_for(run_id) == {"status": "failed", "error": "ValueError", "message": "a refund of 0 is none"}


@pytest.mark.parametrize(
    ("amount", "file", "text"),
    [("1", "shop/payments.py", "raise RefundRefused("), ("0", "shop/orders.py", 'raise ValueError(f"a refund')],
    ids=["step", "workflow"],
)
def test_a_traceback_names_the_users_file_and_line(open_shop: Shop, amount: str, file: str, text: str) -> None:
    run_id = open_shop.post("/refunds", {"order_id": "o1", "amount": amount})["run"]
    open_shop.wait_for(run_id)

    failed = open_shop.logs()[run_id].events[-1]
    recorded = json.dumps(failed.data["error"])

    line = line_of(open_shop.folder / file, text)
    assert failed.kind == "run_failed"
    assert f'{file}\\", line {line}' in recorded, recorded


def test_an_unknown_run_is_not_found(open_shop: Shop) -> None:
    assert httpx.get(f"{open_shop.url}/orders/wrun_00000000000000000000000000", timeout=30).status_code == 404


def test_a_server_that_is_asked_to_stop_stops_and_the_next_one_goes_on(shop: Shop) -> None:
    shop.settings["SHOP_STEP_SECONDS"] = "0.5"
    shop.start()
    shop.wait_until_ready()
    placed = shop.post("/orders", BASKET)
    shop.wait_for_line("begin", "reserve")

    shop.stop()
    assert "Traceback" not in shop.log()
    shop.start()

    assert shop.wait_for(placed["run"])["status"] == "completed"
    assert not shop.overlaps()
