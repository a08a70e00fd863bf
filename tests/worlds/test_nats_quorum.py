"""NATS servers that are there and can do nothing: what is begun meanwhile is done once they can, or elsewhere."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from tests.nats_servers import NatsServer, cluster_of_three, one_server
from workflow_runtime.testing.harness import SOON
from workflow_runtime.worlds.base import Message
from workflow_runtime.worlds.nats import NatsOptions, NatsWorld

AWAY = 2.5
"""Seconds: long enough to write again what has had no answer, and too short for the leader to give up."""


async def test_what_is_begun_without_a_majority_is_done_once_when_that_is_back(tmp_path: Path) -> None:
    with cluster_of_three(tmp_path) as servers:
        options = NatsOptions(tuple(server.address for server in servers), namespace=uuid4().hex, replicas=3)
        maker = NatsWorld(options)
        await maker.open()
        await maker.send(Message("msg_1", "wrun_1"))
        await maker.close()
        leader, followers = await asyncio.to_thread(_roles, servers, options.namespace)
        world = NatsWorld(replace(options, servers=(leader.address,)))
        await world.open()
        for server in followers:
            server.stop()
        try:
            sending = asyncio.create_task(world.send(Message("msg_2", "wrun_1")))
            done, _ = await asyncio.wait((sending,), timeout=AWAY)
        finally:
            for server in followers:
                server.signal(signal.SIGCONT)
        assert not done
        await asyncio.wait_for(sending, SOON)
        assert [queued.message.id for queued in await world.list_messages()] == ["msg_1", "msg_2"]
        await world.close()


async def test_a_server_that_gives_no_good_answer_is_left_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connecting = NatsOptions.connecting
    monkeypatch.setattr(NatsOptions, "connecting", lambda options: {**connecting(options), "dont_randomize": True})
    with one_server(tmp_path / "without", "jetstream: false") as first, one_server(tmp_path / "with") as second:
        world = NatsWorld(NatsOptions((first.address, second.address), namespace=uuid4().hex))
        await asyncio.wait_for(world.open(), SOON)
        await world.send(Message("msg_1", "wrun_1"))
        seen = [await asyncio.to_thread(server.monitored, "connz") for server in (first, second)]
        assert [connections["num_connections"] for connections in seen] == [0, 1]
        await world.close()


def _roles(servers: Sequence[NatsServer], namespace: str) -> tuple[NatsServer, list[NatsServer]]:
    """The server that leads the stream, and the others."""
    name = servers[0].stream(f"WF_{namespace}")["cluster"]["leader"]
    [leader] = [server for server in servers if server.name == name]
    return leader, [server for server in servers if server is not leader]
