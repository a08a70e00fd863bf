"""Workers and their Postgres are killed at moments of chance: every run ends right, and no step is executed twice at once."""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres_servers import Server, fresh_url
from tests.soak.night import Night

LEASE = 3
"""Seconds after which a worker that is silent is taken for dead."""


@pytest.fixture
def server() -> Iterator[Server]:
    """The storage's server, which gets killed."""
    made = Server("fsync=on")
    yield made
    made.close()


@pytest.fixture
def night(server: Server, tmp_path: Path) -> Iterator[Night]:
    ledger = Server()
    made = Night(tmp_path, fresh_url(f"lease={LEASE}", server=server.url), ledger.url)
    try:
        made.prepare()
        yield made
    finally:
        made.close()
        ledger.close()


def survive(
    night: Night, server: Server, *, workers: int, runs: int, at_once: int, between: float, limit: float
) -> None:
    """Live through a night, and look at everything in the morning."""
    seed = int(os.environ.get("SOAK_SEED", time.time_ns() % 2**32))
    print(f"SOAK_SEED={seed}")
    chance = random.Random(seed)

    def the_server_dies() -> str:
        server.kill()
        time.sleep(chance.uniform(0, 3))
        server.start()
        return "server"

    found = night.live_through(
        chance,
        workers=workers,
        runs=runs,
        at_once=at_once,
        pause=1.0,
        disasters=[the_server_dies],
        between=between,
        limit=limit,
    )
    night.dismiss()
    report = found | {"deaths": dict(night.deaths), "bodies": night.bodies(), "history": night.history()}
    print(json.dumps(report, indent=2))

    assert found["ends"] == {"right": runs}
    assert night.overlaps() == []
    assert night.deaths["worker"] > 0
    assert night.deaths["server"] > 0


@pytest.mark.timeout(300)
def test_every_run_ends_right_though_workers_and_the_server_are_killed(night: Night, server: Server) -> None:
    survive(night, server, workers=2, runs=60, at_once=20, between=4, limit=240)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_five_thousand_runs_end_right_through_a_long_night(night: Night, server: Server) -> None:
    runs = int(os.environ.get("SOAK_RUNS", "5000"))
    survive(night, server, workers=8, runs=runs, at_once=200, between=25, limit=3000)
