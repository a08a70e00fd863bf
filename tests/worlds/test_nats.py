"""The NATS world keeps every promise of the world interface."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.nats_servers import NatsServer, one_server
from tests.worlds.nats_harness import NatsHarness
from workflow_runtime.errors import WorldError
from workflow_runtime.testing.conformance import WorldConformance
from workflow_runtime.testing.harness import Harness, held, take
from workflow_runtime.worlds.base import Message
from workflow_runtime.worlds.nats import NatsOptions, NatsWorld
from workflow_runtime.worlds.nats.wire import OPERATION, header_text


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with one_server(tmp_path_factory.mktemp("nats")) as server:
        yield server


@pytest.fixture
def options(server: NatsServer) -> NatsOptions:
    return NatsOptions((server.address,), namespace=uuid4().hex)


class TestNatsWorld(WorldConformance):
    @pytest.fixture
    def harness(self, options: NatsOptions) -> Harness:
        return NatsHarness(options)


async def test_a_worker_that_was_taken_for_dead_takes_part_again_under_another_name(options: NatsOptions) -> None:
    harness = NatsHarness(options)
    world, other = await harness.make(), await harness.make()
    assert isinstance(world, NatsWorld)
    lost = await held(world, "wrun_1")
    before = world.worker
    await harness.bury(before)
    assert not await lost.extend()
    assert (await take(other)).count == 2
    await world.send(Message("msg_other", "wrun_1"))
    await (await take(world)).ack()
    assert world.worker != before
    await world.close()
    await other.close()


@pytest.mark.parametrize("written", [{"v": 99, "do": "send"}, {"v": 1, "do": "what nobody knows"}])
async def test_a_process_stops_at_what_only_a_newer_version_knows(
    options: NatsOptions, written: dict[str, object]
) -> None:
    world = NatsWorld(options)
    await world.open()
    await world.send(Message("msg_1", "wrun_1"))
    link = world._live()
    text = header_text({"id": "newer", "w": "another", **written})
    await link.run(link.client.store(f"{link.client.subject}.queue", b"", {OPERATION: text}))
    for _ in range(2):
        with pytest.raises(WorldError, match="run the same version of this package in all processes"):
            await world.list_messages()
    with pytest.raises(WorldError, match="run the same version of this package in all processes"):
        await NatsWorld(options).open()
    await world.close()
