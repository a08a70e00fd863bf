"""Workers and NATS servers are killed, stopped and cut off at moments of chance: every run ends right, each step once."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.nats_servers import NatsServer, cluster_of_three
from tests.postgres_servers import Server
from tests.soak.night import Night

LEASE = 5
"""Seconds after which a worker that is silent is taken for dead."""
NAMESPACE = "night"


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Sequence[NatsServer]]:
    """The storage's servers, which get killed."""
    with cluster_of_three(tmp_path / "nats") as servers:
        yield servers


@pytest.fixture
def night(servers: Sequence[NatsServer], tmp_path: Path) -> Iterator[Night]:
    ledger = Server()
    addresses = ",".join(server.address for server in servers)
    world = f"nats://{addresses}?namespace={NAMESPACE}&replicas=3&lease={LEASE}&keep=2000"
    made = Night(tmp_path, world, ledger.url)
    try:
        made.prepare()
        yield made
    finally:
        made.close()
        ledger.close()


def disasters(servers: Sequence[NatsServer], chance: random.Random) -> list[Callable[[], str]]:
    """What can befall one server of three, or all at once; each waits until all three are one cluster again."""

    def killed() -> str:
        server = chance.choice(servers)
        server.kill()
        time.sleep(chance.uniform(0, 6))
        server.start()
        return _when_well(servers, "server killed")

    def leader_killed() -> str:
        server = _leader(servers)
        server.kill()
        time.sleep(chance.uniform(0, 6))
        server.start()
        return _when_well(servers, "leader killed")

    def cut_off() -> str:
        server = chance.choice(servers)
        server.signal(signal.SIGSTOP)
        time.sleep(chance.uniform(1, 15))
        server.signal(signal.SIGCONT)
        return _when_well(servers, "server cut off")

    def stepped_down() -> str:
        server = _leader(servers)
        server.request(f"$JS.API.STREAM.LEADER.STEPDOWN.WF_{NAMESPACE}")
        return _when_well(servers, "leader stepped down")

    def all_killed() -> str:
        for server in servers:
            server.kill()
        time.sleep(chance.uniform(0, 3))
        for server in servers:
            server.start()
        return _when_well(servers, "all servers killed")

    return [killed, leader_killed, cut_off, stepped_down, all_killed]


def survive(
    night: Night, servers: Sequence[NatsServer], *, runs: int, at_once: int, between: float, limit: float
) -> None:
    """Live through a night, and look at everything in the morning."""
    seed = int(os.environ.get("SOAK_SEED", time.time_ns() % 2**32))
    print(f"SOAK_SEED={seed}")
    chance = random.Random(seed)
    found = night.live_through(
        chance,
        workers=4,
        runs=runs,
        at_once=at_once,
        pause=3.0,
        disasters=disasters(servers, chance),
        between=between,
        limit=limit,
    )
    night.dismiss()
    report = found | {"deaths": dict(night.deaths), "bodies": night.bodies(), "history": night.history()}
    print(json.dumps(report, indent=2))
    assert found["ends"] == {"right": runs}
    assert night.overlaps() == []
    assert night.deaths["worker"] > 0
    assert night.deaths.total() > night.deaths["worker"]


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_two_thousand_runs_end_right_through_a_long_night(night: Night, servers: Sequence[NatsServer]) -> None:
    survive(night, servers, runs=int(os.environ.get("SOAK_RUNS", "2000")), at_once=60, between=8, limit=3000)


def _leader(servers: Sequence[NatsServer]) -> NatsServer:
    """The server that leads the stream of the runs."""
    name = servers[0].stream(f"WF_{NAMESPACE}")["cluster"]["leader"]
    return next(server for server in servers if server.name == name)


def _when_well(servers: Sequence[NatsServer], what: str) -> str:
    """Return once the stream has a leader again, and two who follow it."""
    deadline = time.monotonic() + 90
    while True:
        try:
            cluster = servers[0].stream(f"WF_{NAMESPACE}")["cluster"]
            others = cluster.get("replicas", [])
            if cluster.get("leader") and len(others) == 2 and all(other["current"] for other in others):
                return what
        except (OSError, KeyError, StopIteration):
            pass
        assert time.monotonic() < deadline, f"{what}: the servers do not come together again"
        time.sleep(0.2)
