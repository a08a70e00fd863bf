"""Orders that the shop takes while something goes wrong, and what has to come of them."""

from __future__ import annotations

import re
import time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.e2e.conftest import Shop

PATIENCE = 60.0


def basket(number: int) -> dict[str, Any]:
    """The order of customer ``number``; no two have the same total."""
    lines = [{"sku": "tea", "quantity": 2, "price": f"{number + 1}.25"}, {"sku": "cup", "quantity": 1, "price": "4.00"}]
    return {"customer": f"c{number}@example.org", "card": f"tok_{number}", "lines": lines}


def total(order: dict[str, Any]) -> str:
    """What must stand in its receipt."""
    return str(sum((Decimal(line["price"]) * line["quantity"] for line in order["lines"]), Decimal(0)))


def take_orders(shop: Shop, numbers: range) -> dict[str, dict[str, Any]]:
    """Orders that the shop has acknowledged, by run."""
    return {shop.post("/orders", order)["run"]: order for order in map(basket, numbers)}


def all_is_well(shop: Shop, check_log: Any, orders: dict[str, dict[str, Any]]) -> None:
    """All these orders, and no others, are there, and get their receipts without anybody's help."""
    for run_id, order in orders.items():
        answer = shop.wait_for(run_id)
        assert answer["status"] == "completed", f"{answer}\n{shop.log()}"
        assert (answer["result"]["customer"], answer["result"]["total"]) == (order["customer"], total(order))
    logs = shop.logs()
    assert set(logs) == set(orders), "an order that was refused is there all the same, or one is gone"
    for log in logs.values():
        check_log(log)


def wait_until_said(shop: Shop, pattern: str) -> None:
    """Return once the server's log has that; fail when it never does."""
    path = shop.data / "server.log"
    deadline = time.monotonic() + PATIENCE
    while not re.search(pattern, path.read_text("utf-8", "replace")):
        assert time.monotonic() < deadline, f"the log never said {pattern!r}:\n{shop.log()}"
        time.sleep(0.05)
