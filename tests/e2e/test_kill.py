"""The server is killed with SIGKILL at moments of chance, again and again, while orders are in flight."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Shop

KILLS = 25
PAIR_KILLS = 8
SOAK_KILLS = 400
SKUS = ("tea", "cup", "pot", "spoon", "milk")


def basket(number: int, chance: random.Random) -> dict[str, Any]:
    """The order of customer ``number``."""
    lines = [
        {"sku": sku, "quantity": chance.randint(1, 5), "price": f"{chance.randint(1, 999) / 100:.2f}"}
        for sku in chance.sample(SKUS, chance.randint(1, 3))
    ]
    return {"customer": f"c{number}@example.org", "card": f"tok_{number}", "lines": lines}


def expected(order: dict[str, Any]) -> dict[str, Any]:
    """What must stand in the receipt of such an order."""
    total = sum((Decimal(line["price"]) * line["quantity"] for line in order["lines"]), Decimal(0))
    return {
        "customer": order["customer"],
        "total": str(total),
        "shipping": "standard",
        "skus": sorted(line["sku"] for line in order["lines"]),
        "items": sum(line["quantity"] for line in order["lines"]),
    }


def live_and_die(shop: Shop, chance: random.Random, order: dict[str, Any]) -> str | None:
    """One life of the server, with one order on the way in; gives the run's id if the server lived to tell it."""
    shop.start()
    if chance.random() < 0.15:  # killed while it starts
        time.sleep(chance.uniform(0, 1.0))
        shop.kill()
        return None
    shop.wait_until_ready()
    killer = threading.Timer(chance.uniform(0, 0.6), shop.kill)
    killer.start()
    try:
        run_id: str = shop.post("/orders", order, timeout=2)["run"]
    except httpx.TransportError:
        return None
    else:
        return run_id
    finally:
        killer.join()


def kill_again_and_again(shop: Shop, seed: int, kills: int) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """Every order that was sent, by customer, and the runs that the shop has acknowledged."""
    chance = random.Random(seed)
    orders, acknowledged = {}, set()
    for number in range(kills):
        shop.settings["SHOP_STEP_SECONDS"] = str(chance.choice([0, 0.01, 0.1, 0.3]))
        order = basket(number, chance)
        orders[order["customer"]] = order
        run_id = live_and_die(shop, chance, order)
        acknowledged |= {run_id} if run_id else set()
    return orders, acknowledged


def check_executions(shop: Shop, order_id: str, events: Any) -> None:
    """Assert that no step body ran without the log having said so before."""
    steps = {e.entity: e.data["step"].split("//")[-1] for e in events if e.kind == "step_created"}
    started = Counter(steps[e.entity] for e in events if e.kind == "step_started")
    ran = Counter(e.step.split()[0] for e in shop.ledger() if e.order == order_id and e.what == "begin")

    assert set(ran) == set(started)
    assert not ran - started, f"order {order_id}: a step ran more often than it was started"


@pytest.mark.parametrize(("second_pid", "second_time", "found"), [(2, 1.5, 1), (2, 2.5, 0), (1, 1.5, 1)])
def test_the_ledger_tells_two_executions_at_once(shop: Shop, second_pid: int, second_time: float, found: int) -> None:
    """Server 1 begins a step at 1 and is killed at 2; another execution begins before or after that."""
    shop.deaths[1] = 2.0
    begins = [{"pid": 1, "time": 1.0}, {"pid": second_pid, "time": second_time}]
    lines = [json.dumps({"what": "begin", "step": "charge", "order": "o1", **begin}) for begin in begins]
    (shop.data / "ledger.jsonl").write_text("\n".join(lines), "utf-8")

    assert len(shop.overlaps()) == found


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("seed", "loop"), [(1, "asyncio"), (2, "uvloop")])
def test_every_order_ends_right_though_the_server_is_killed_again_and_again(
    shop: Shop, check_log: Any, seed: int, loop: str
) -> None:
    shop.settings["UVICORN_LOOP"] = loop
    survive(shop, check_log, seed, KILLS)


@pytest.mark.timeout(600)
def test_what_one_server_leaves_behind_another_on_the_same_database_takes_over(
    shop: Shop, second: Shop, check_log: Any
) -> None:
    """One of two servers is killed, and the other lives on: it must wait for no restart, and run nothing that still runs."""
    chance = random.Random(3)
    orders: dict[str, dict[str, Any]] = {}
    servers = [shop, second]
    for server in servers:
        server.settings["SHOP_STEP_SECONDS"] = "0.2"
        server.start()
    for number in range(PAIR_KILLS):
        chance.shuffle(servers)
        victim, survivor = servers
        for server in servers:
            server.wait_until_ready()
            order = basket(len(orders), chance)
            orders[order["customer"]] = order
            server.post("/orders", order)
        time.sleep(chance.uniform(0, 0.6))
        victim.kill()
        if number < PAIR_KILLS - 1:
            victim.start()
    judge(survivor, check_log, orders, len(orders))


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_every_order_ends_right_through_a_long_night(shop: Shop, check_log: Any) -> None:
    seed = int(os.environ.get("SOAK_SEED", time.time_ns() % 2**32))
    print(f"SOAK_SEED={seed}")
    survive(shop, check_log, seed, SOAK_KILLS)


def survive(shop: Shop, check_log: Any, seed: int, kills: int) -> None:
    """Kill, then let the server live, and look at what every order came to."""
    orders, acknowledged = kill_again_and_again(shop, seed, kills)
    assert len(shop.deaths) == kills
    shop.start()
    shop.wait_until_ready()

    assert acknowledged <= set(shop.logs()), "an order that the shop had acknowledged is gone"
    judge(shop, check_log, orders, kills // 4)


def judge(shop: Shop, check_log: Any, orders: dict[str, dict[str, Any]], at_least: int) -> None:
    """Wait until every run has ended, and look at what it came to."""
    answers = {run_id: shop.wait_for(run_id) for run_id in shop.logs()}
    assert len(answers) >= at_least, "most orders never came in; this would test nothing"

    for run_id, log in shop.logs().items():
        answer = answers[run_id]
        assert answer["status"] == "completed", answer
        receipt = answer["result"]
        assert receipt | expected(orders[receipt["customer"]]) == receipt
        check_log(log)
        check_executions(shop, receipt["order_id"], log.events)
    assert not shop.overlaps()
    assert cut_short(shop) >= at_least // 4, "hardly any kill hit a running step; this would test little"


def cut_short(shop: Shop) -> int:
    """How many executions began and never ended, because their process was killed."""
    whats = Counter(entry.what == "begin" for entry in shop.ledger())
    return whats[True] - whats[False]
