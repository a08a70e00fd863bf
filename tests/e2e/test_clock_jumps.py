"""The clock of a running server is put forward and back by an hour, while orders are in flight."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.orders import PATIENCE, all_is_well, take_orders

if TYPE_CHECKING:
    from tests.e2e.conftest import Shop

HOUR = 3600.0
CLOCK = """
import os
import time

real = time.time


def shifted():
    with open(os.environ["CLOCK_FILE"], encoding="ascii") as file:
        return real() + float(file.read())


time.time = shifted
"""
"""What every process imports when it starts, from a folder on its path. Only the processes that are told of the file have another clock."""

PutClock = Callable[[float], None]


@pytest.fixture
def put_clock(shop: Shop, tmp_path: Path) -> PutClock:
    """Puts the clock of the shop's servers, running ones too, so many seconds ahead of the real one."""
    folder, file = tmp_path / "clock", tmp_path / "offset"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(CLOCK, "utf-8")
    shop.settings["PYTHONPATH"] = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    shop.settings["CLOCK_FILE"] = str(file)
    shop.settings["SHOP_STEP_SECONDS"] = "0.5"

    def put(seconds: float) -> None:
        draft = tmp_path / "draft"
        draft.write_text(str(seconds), "ascii")
        draft.rename(file)  # a server reads it whenever it likes

    put(0.0)
    return put


def latest_event(shop: Shop) -> float:
    """The latest time that any log knows."""
    return max(event.time for log in shop.logs().values() for event in log.events)


@pytest.mark.parametrize("hours", [1, -1], ids=["forward", "back"])
def test_orders_in_flight_and_new_ones_end_while_the_clock_is_wrong_and_after_it_is_right_again(
    shop: Shop, check_log: Any, put_clock: PutClock, hours: int
) -> None:
    shop.start()
    shop.wait_until_ready()
    orders = take_orders(shop, range(1))
    shop.wait_for_line("begin", "charge")

    put_clock(hours * HOUR)
    orders |= take_orders(shop, range(1, 3))
    for run_id in orders:
        assert shop.wait_for(run_id)["status"] == "completed"
    assert abs(latest_event(shop) - time.time() - max(hours, 0) * HOUR) < PATIENCE, "the server's clock was not wrong"

    orders |= take_orders(shop, range(3, 4))
    wait_for_begins(shop, len(orders))
    put_clock(0.0)
    orders |= take_orders(shop, range(4, 5))
    all_is_well(shop, check_log, orders)


def test_what_a_killed_server_had_in_hand_does_not_wait_until_a_clock_that_was_put_back_is_there_again(
    shop: Shop, check_log: Any, put_clock: PutClock
) -> None:
    shop.start()
    shop.wait_until_ready()
    orders = take_orders(shop, range(2))
    shop.wait_for_line("begin", "charge")
    shop.kill()
    put_clock(-HOUR)
    shop.start()
    shop.wait_until_ready()
    all_is_well(shop, check_log, orders)


def test_a_sleep_is_over_when_the_clock_says_so_and_outlasts_one_that_is_put_back(
    shop: Shop, check_log: Any, put_clock: PutClock
) -> None:
    shop.settings["SHOP_REVIEW_AFTER"] = "30 minutes"
    shop.start()
    shop.wait_until_ready()
    orders = take_orders(shop, range(2))
    untils = [wait_for_sleep(shop, run_id) for run_id in orders]
    put_clock(-HOUR)
    shop.kill()
    shop.start()
    shop.wait_until_ready()
    assert [shop.show(run_id)["status"] for run_id in orders] == ["running"] * 2

    put_clock(HOUR)
    all_is_well(shop, check_log, orders)
    for run_id, until in zip(orders, untils, strict=True):
        [woken] = [event for event in shop.logs()[run_id].events if event.kind == "wait_completed"]
        assert woken.time >= until


def wait_for_begins(shop: Shop, count: int) -> None:
    """Return once so many orders have begun to be paid."""
    deadline = time.monotonic() + PATIENCE
    while len({e.order for e in shop.ledger() if (e.what, e.step) == ("begin", "charge")}) < count:
        assert time.monotonic() < deadline, f"they never began:\n{shop.ledger()}\n{shop.log()}"
        time.sleep(0.01)


def wait_for_sleep(shop: Shop, run_id: str) -> float:
    """When the order's sleep is to be over, once it has begun."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for event in shop.logs()[run_id].events:
            if event.kind == "wait_created":
                return float(event.data["until"])
        time.sleep(0.05)
    raise AssertionError(f"order {run_id} never slept:\n{shop.kinds(run_id)}\n{shop.log()}")
