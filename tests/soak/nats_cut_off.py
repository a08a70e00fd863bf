"""Processes whose server is cut off from the two others, for good: they go on with one of those, be it that they write or only listen."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from tests.nats_servers import cluster_of_three
from tests.soak.cables import HERE, Network, network
from tests.soak.nats_night import SERVERS, machine
from workflow_runtime.worlds.base import Message
from workflow_runtime.worlds.nats import NatsOptions, NatsWorld


async def go_on_elsewhere(addresses: tuple[str, ...], cables: Network) -> None:
    """Raises ``WorldError`` or ``TimeoutError`` when they do not go on."""
    world = NatsWorld(NatsOptions(addresses, namespace="parted", replicas=3))
    await world.open()
    await world.send(Message("msg_1", "wrun_1"))
    at = _server_of(world, cables)
    others = [number for number in SERVERS if number != at]
    listener = NatsWorld(replace(world.options, servers=(addresses[SERVERS.index(at)],)))
    await listener.open()
    assert _server_of(listener, cables) == at
    for other in others:
        cables.pull(at, other)
    await world.send(Message("msg_2", "wrun_1"))
    assert [queued.message.id for queued in await world.list_messages()] == ["msg_1", "msg_2"]
    async with asyncio.timeout(world.options.patience):
        while "msg_2" not in listener._live().replica.state.queue.messages:  # noqa: ASYNC110  # nobody tells of it
            await asyncio.sleep(0.05)
    await listener.close()
    await world.close()


def _server_of(world: NatsWorld, cables: Network) -> int:
    """The server that the process is connected to."""
    url = world._live().client.connection.connected_url
    [found] = [number for number in SERVERS if url is not None and url.hostname == cables.address(number, HERE)]
    return found


if __name__ == "__main__":
    with network(len(SERVERS) + 1) as made:
        machines = [machine(made, number) for number in SERVERS]
        with cluster_of_three(Path(sys.argv[1]), machines=machines) as servers:
            asyncio.run(go_on_elsewhere(tuple(server.address for server in servers), made))
