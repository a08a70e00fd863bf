"""A night on three NATS servers: what befalls them and the cables between them, and what must hold in the morning."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from tests.nats_servers import Machine, NatsServer, cluster_of_three
from tests.postgres_servers import Server
from tests.soak.cables import HERE, Network, network
from tests.soak.night import Night

LEASE = 5
"""Seconds after which a worker that is silent is taken for dead."""
NAMESPACE = "night"
SERVERS = (1, 2, 3)
"""Their machines. The workers are on machine ``HERE``."""
_LIMIT = 3000.0  # seconds


@dataclass(frozen=True, slots=True)
class Plan:
    """``cables`` says what is done about cables, for the report."""

    runs: int
    at_once: int
    between: float
    cables: str


def plan(cables: str) -> Plan:
    """The night that ``SOAK_RUNS`` asks for."""
    return Plan(int(os.environ.get("SOAK_RUNS", "2000")), at_once=60, between=8, cables=cables)


def live(folder: Path, asked: Plan, cables: Network | None) -> None:
    """Live through it, and look at everything in the morning."""
    with ExitStack() as stack:
        machines = [Machine()] * 3 if cables is None else [machine(cables, number) for number in SERVERS]
        servers = stack.enter_context(cluster_of_three(folder / "nats", machines=machines))
        ledger = stack.enter_context(closing(Server()))
        addresses = ",".join(server.address for server in servers)
        world = f"nats://{addresses}?namespace={NAMESPACE}&replicas=3&lease={LEASE}&keep=2000"
        night = stack.enter_context(closing(Night(folder, world, ledger.url)))
        night.prepare()
        _survive(night, asked, lambda chance: disasters(servers, chance) + partings(servers, chance, cables))


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

    def stopped() -> str:
        server = chance.choice(servers)
        server.stop()
        time.sleep(chance.uniform(1, 15))
        server.signal(signal.SIGCONT)
        return _when_well(servers, "server stopped")

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

    return [killed, leader_killed, stopped, stepped_down, all_killed]


def partings(servers: Sequence[NatsServer], chance: random.Random, cables: Network | None) -> list[Callable[[], str]]:
    """The cables that can be pulled out for a while, when there are any; the servers and the workers run on."""
    if cables is None:
        return []

    def pulled(what: str, which: Callable[[], Sequence[tuple[int, int]]]) -> Callable[[], str]:
        def happen() -> str:
            pairs = which()
            for one, other in pairs:
                cables.pull(one, other)
            time.sleep(chance.uniform(1, 15))
            for one, other in pairs:
                cables.plug(one, other)
            return _when_well(servers, what)

        return happen

    def leader() -> int:
        return SERVERS[servers.index(_leader(servers))]

    def away(number: int) -> list[tuple[int, int]]:
        return [(number, other) for other in SERVERS if other != number]

    return [
        pulled("server without the others", lambda: away(chance.choice(SERVERS))),
        pulled("leader without the others", lambda: away(leader())),
        pulled("two servers without each other", lambda: [chance.choice([*combinations(SERVERS, 2)])]),
        pulled("workers without a server", lambda: [(HERE, chance.choice(SERVERS))]),
        pulled("server without anybody", lambda: [(HERE, number := chance.choice(SERVERS)), *away(number)]),
    ]


def _survive(night: Night, asked: Plan, strikes: Callable[[random.Random], list[Callable[[], str]]]) -> None:
    seed = int(os.environ.get("SOAK_SEED", time.time_ns() % 2**32))
    print(f"SOAK_SEED={seed}", flush=True)
    chance = random.Random(seed)
    found = night.live_through(
        chance,
        workers=4,
        runs=asked.runs,
        at_once=asked.at_once,
        pause=3.0,
        disasters=strikes(chance),
        between=asked.between,
        limit=_LIMIT,
    )
    night.dismiss()
    report = found | {"deaths": dict(night.deaths), "bodies": night.bodies(), "history": night.history()}
    print(json.dumps(report | {"cables": asked.cables}, indent=2), flush=True)
    assert found["ends"] == {"right": asked.runs}
    assert night.overlaps() == []
    assert night.deaths["worker"] > 0
    assert night.deaths.total() > night.deaths["worker"]


def machine(cables: Network, number: int) -> Machine:
    """Where the server of that number runs."""
    others = tuple("127.0.0.1" if other == number else cables.address(other, number) for other in SERVERS)
    return Machine(cables.address(number, HERE), others, "0.0.0.0", cables.inside(number))


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


if __name__ == "__main__":
    with network(len(SERVERS) + 1) as made:
        live(Path(sys.argv[1]), plan("pulled out for real, between network namespaces"), made)
