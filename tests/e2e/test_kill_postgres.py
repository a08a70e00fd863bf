"""What SQLite is put to, on Postgres: servers are killed at moments of chance, and so is the database."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests import postgres_servers
from tests.e2e import test_kill as killing

if TYPE_CHECKING:
    from tests.e2e.conftest import Shop

KILLS = 8
DATABASE_KILLS = 3


@pytest.fixture
def shop(shop: Shop) -> Shop:
    """A shop on Postgres, its server not started."""
    shop.settings["WORKFLOW_WORLD"] = postgres_servers.shared_url(shop.data)
    return shop


@pytest.fixture
def database() -> Iterator[postgres_servers.Server]:
    """A database server that may be killed."""
    server = postgres_servers.Server()
    yield server
    server.close()


@pytest.mark.timeout(600)
def test_every_order_ends_right_though_the_server_is_killed_again_and_again(shop: Shop, check_log: Any) -> None:
    killing.survive(shop, check_log, 1, KILLS)


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_what_one_server_leaves_behind_another_takes_over(shop: Shop, second: Shop, check_log: Any) -> None:
    killing.test_what_one_server_leaves_behind_another_on_the_same_database_takes_over(shop, second, check_log)


@pytest.mark.timeout(600)
def test_every_order_ends_right_though_the_database_is_killed(
    shop: Shop, second: Shop, check_log: Any, database: postgres_servers.Server
) -> None:
    chance = random.Random(4)
    shop.settings["WORKFLOW_WORLD"] = f"{database.url}?lease=4"
    shop.settings["SHOP_STEP_SECONDS"] = "0.1"
    shop.start()
    shop.wait_until_ready()  # one of them makes the schema
    second.start()
    second.wait_until_ready()
    orders: dict[str, dict[str, Any]] = {}
    for _ in range(DATABASE_KILLS):
        for server in (shop, second, shop):
            order = killing.basket(len(orders), chance)
            orders[order["customer"]] = order
            server.post("/orders", order)
        time.sleep(chance.uniform(0, 0.3))
        database.kill()
        time.sleep(chance.uniform(0, 1.0))
        database.start()

    answers = {run_id: shop.wait_for(run_id) for run_id in shop.logs()}
    assert len(answers) == len(orders), "an order that the shop had acknowledged is gone"
    for run_id, log in shop.logs().items():
        receipt = answers[run_id]["result"]
        assert receipt | killing.expected(orders[receipt["customer"]]) == receipt
        check_log(log)
        killing.check_executions(shop, receipt["order_id"], log.events)
    assert not shop.overlaps()
