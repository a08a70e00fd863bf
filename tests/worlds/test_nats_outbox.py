"""Operations on their way into a NATS stream: what they cost, and what becomes of those that nobody hears of."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.nats_servers import NatsServer, one_server
from workflow_runtime.errors import WorldError
from workflow_runtime.worlds.base import Message
from workflow_runtime.worlds.nats import NatsOptions, NatsWorld
from workflow_runtime.worlds.nats.client import Client
from workflow_runtime.worlds.nats.outbox import Outbox
from workflow_runtime.worlds.nats.pending import Pending, Request
from workflow_runtime.worlds.nats.replica import VERSION
from workflow_runtime.worlds.nats.wire import OPERATION, header_text

SENT = 100


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    with one_server(tmp_path) as server:
        yield server


@pytest.fixture
def options(server: NatsServer) -> NatsOptions:
    return NatsOptions((server.address,), namespace=uuid4().hex)


async def test_an_operation_is_one_message_to_the_server_and_one_back(options: NatsOptions) -> None:
    world = NatsWorld(options)
    await world.open()
    connection = world._live().client.connection
    before = {**connection.stats}
    for number in range(SENT):
        await world.send(Message(f"msg_{number}", "wrun_1"))
    after = {**connection.stats}
    for way in ("out_msgs", "in_msgs"):
        assert SENT <= after[way] - before[way] < 1.5 * SENT  # beside some signs of life
    await world.close()


async def test_an_operation_that_was_stored_where_the_replica_has_been_already_is_given_up(
    options: NatsOptions,
) -> None:
    tasks: set[asyncio.Task[None]] = set()

    def spawn(work: Coroutine[Any, Any, None]) -> None:
        tasks.add(asyncio.get_running_loop().create_task(work))

    client = Client(options)
    await client.open()
    outbox = Outbox(client, spawn, lambda: 1000)  # as after a jump to a snapshot, and nothing comes back any more
    await outbox.open()
    pending = Pending(Request(f"{client.subject}.queue", {}), options.patience, None)
    operation = header_text({"v": VERSION, "id": "lost", "w": "nobody", "do": "beat"})
    pending.headers = {OPERATION: operation, "Nats-Msg-Id": "lost"}
    outbox.send("lost", pending)
    async with asyncio.timeout(options.patience):
        while not pending.future.done():  # it is the link that looks after it from time to time
            outbox.retry(time.monotonic())
            await asyncio.sleep(0.02)
    with pytest.raises(WorldError, match="written while this process was cut off"):
        pending.future.result()
    assert outbox.take("lost") is None
    assert await client.last_sequence() == 1
    await asyncio.gather(*tasks)
    await client.close()
