"""The benchmark of the NATS world measures what it says: each case gives a figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import uuid4

import pytest

from benchmarks.nats import publish_time, step_time, throughput
from tests.nats_servers import NatsServer, servers_of_one


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[NatsServer]]:
    with servers_of_one(tmp_path_factory.mktemp("nats")) as servers:
        yield servers


@pytest.fixture
def url(servers: Sequence[NatsServer]) -> str:
    return f"nats://{servers[0].address}?namespace={uuid4().hex}"


async def test_the_floor_and_a_step_give_figures(servers: Sequence[NatsServer], url: str) -> None:
    assert await publish_time(servers, 20) > 0
    assert await step_time(url, 50) > 0


@pytest.mark.parametrize("flow", ["in_a_row", "lingering"])
async def test_runs_at_once_give_a_figure(url: str, flow: str) -> None:
    assert await throughput(url, 1, flow, 4, runs=4) > 0
