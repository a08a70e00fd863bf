"""The NATS world as the conformance suite wants it: a namespace of its own on a server that others use too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

from workflow_runtime.worlds.base import World
from workflow_runtime.worlds.nats import NatsOptions, NatsWorld
from workflow_runtime.worlds.nats.link import Link
from workflow_runtime.worlds.nats.replica import VERSION
from workflow_runtime.worlds.nats.wire import OPERATION, header_text


@dataclass
class NatsHarness:
    """One namespace. Its leases are longer than any test; that a dead worker's lease is over is written as the others would."""

    options: NatsOptions

    async def make(self) -> World:
        world = NatsWorld(self.options)
        await world.open()
        return world

    async def crash(self, world: World) -> None:
        assert isinstance(world, NatsWorld)
        worker = world.worker
        world.crash()
        await self.bury(worker)

    async def bury(self, worker: str) -> None:
        """Write what the others write when a lease is over."""
        async with bystander(self.options) as link:
            text = header_text({"v": VERSION, "do": "leave", "id": uuid4().hex, "w": worker})
            await link.run(link.client.store(f"{link.client.subject}.queue", b"", {OPERATION: text}))

    async def stored_messages(self, run_id: str) -> list[str]:
        async with bystander(self.options) as link:
            return [
                kept.message.id for kept in link.replica.state.queue.messages.values() if kept.message.run_id == run_id
            ]


@asynccontextmanager
async def bystander(options: NatsOptions) -> AsyncIterator[Link]:
    """Somebody who has read the whole stream, and nothing else."""
    link = Link(options)
    await asyncio.to_thread(link.open)
    try:
        yield link
    finally:
        await asyncio.to_thread(link.stop, gently=True)
