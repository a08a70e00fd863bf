"""What SQLite is put to, on NATS JetStream: the shop's servers are killed at moments of chance, and so is NATS."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests import nats_servers
from tests.e2e import test_kill as killing

if TYPE_CHECKING:
    from tests.e2e.conftest import Shop

KILLS = 8
STORAGE_KILLS = 3


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """A shop on NATS, its server not started."""
    shop.settings["WORKFLOW_WORLD"] = nats_servers.fresh_url(str(shop.data))
    return shop


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[nats_servers.NatsServer]:
    """A NATS server that may be killed."""
    with nats_servers.one_server(tmp_path / "nats") as server:
        yield server


@pytest.mark.timeout(600)
def test_every_order_ends_right_though_the_server_is_killed_again_and_again(shop: Shop, check_log: Any) -> None:
    killing.survive(shop, check_log, 1, KILLS)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_what_one_server_leaves_behind_another_takes_over(shop: Shop, second: Shop, check_log: Any) -> None:
    killing.test_what_one_server_leaves_behind_another_on_the_same_database_takes_over(shop, second, check_log)


@pytest.mark.timeout(600)
def test_every_order_ends_right_though_nats_is_killed(
    shop: Shop, second: Shop, check_log: Any, storage: nats_servers.NatsServer
) -> None:
    chance = random.Random(4)
    shop.settings["WORKFLOW_WORLD"] = f"nats://{storage.address}?lease=4"
    shop.settings["SHOP_STEP_SECONDS"] = "0.1"
    for server in (shop, second):
        server.start()
        server.wait_until_ready()
    orders: dict[str, dict[str, Any]] = {}
    for _ in range(STORAGE_KILLS):
        for server in (shop, second, shop):
            order = killing.basket(len(orders), chance)
            orders[order["customer"]] = order
            server.post("/orders", order)
        time.sleep(chance.uniform(0, 0.3))
        storage.kill()
        time.sleep(chance.uniform(0, 1.0))
        storage.start()

    answers = {run_id: shop.wait_for(run_id) for run_id in shop.logs()}
    assert len(answers) == len(orders), "an order that the shop had acknowledged is gone"
    for run_id, log in shop.logs().items():
        receipt = answers[run_id]["result"]
        assert receipt | killing.expected(orders[receipt["customer"]]) == receipt
        check_log(log)
        killing.check_executions(shop, receipt["order_id"], log.events)
    assert not shop.overlaps()
