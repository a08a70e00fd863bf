"""A process with a NATS world: ``python nats_worker.py COMMAND URL``. It says what it has done, a line each, and ends with its input."""

from __future__ import annotations

import asyncio
import sys

from workflow_runtime.errors import WorldError
from workflow_runtime.events import Event, EventKind
from workflow_runtime.worlds.base import World
from workflow_runtime.worlds.urls import open_world_url


def say(*words: object) -> None:
    """One line to the test."""
    print(*words, flush=True)


async def listen() -> list[str]:
    """One line from the test."""
    line: str = await asyncio.to_thread(sys.stdin.readline)
    if not line:
        raise SystemExit
    return line.split()


async def hold(world: World) -> None:
    """Take a message, and say whenever asked whether it is still this process's; ``ack`` it when told so."""
    [delivery] = await world.receive(1)
    say("holds", delivery.message.id)
    while True:
        [word] = await listen()
        if word == "ack":
            await delivery.ack()
            say("acked")
        else:
            say(await delivery.extend())


async def work(world: World) -> None:
    """Take messages, and write an attribute named after each into its run, with the ack in the same commit."""
    while True:
        for delivery in await world.receive(3):
            message = delivery.message
            while True:
                slot = (await world.load(message.run_id)).run.slot
                data = {"attributes": {message.id: str(delivery.count)}}
                written = await world.commit(
                    message.run_id, slot, [Event(EventKind.ATTRIBUTES_SET, 1.0, "", data)], ack=delivery
                )
                if hasattr(written, "events"):
                    break
            say("did", message.id)


async def look(world: World) -> None:
    """Say the slot of a run's last event whenever asked for it."""
    while True:
        [run_id] = await listen()
        try:
            log = await world.load(run_id)
            say(log.run.slot, len(log.events), log.events[-1].data.get("output"))
        except WorldError as error:
            say("error", error)


async def main(command: str, url: str) -> None:
    """Open the world and do what the command says."""
    world = open_world_url(url)
    await world.open()
    say("ready")
    await {"hold": hold, "work": work, "look": look}[command](world)


asyncio.run(main(*sys.argv[1:]))
