"""What the other processes of the Postgres tests do: ``postgres_worker.py COMMAND URL ARGUMENT…``, telling on stdout what was done."""

from __future__ import annotations

import asyncio
import os
import sys
import time

from workflow_runtime.events import Event, EventKind
from workflow_runtime.worlds.base import Committed, Message
from workflow_runtime.worlds.postgres import PostgresWorld


def step_created(step_id: str) -> Event:
    return Event(EventKind.STEP_CREATED, 1.0, step_id, {"step": "step//a//b", "input": None})


def say(*words: object) -> None:
    print(*words, flush=True)


async def hold(world: PostgresWorld) -> None:
    """Take one message in hand, start its step, and stay."""
    [delivery] = await world.receive(1)
    start = await world.start_step(delivery.message.run_id, "step_000001", delivery.message.id, time.time())
    say(delivery.message.id, start.attempt)
    await asyncio.sleep(600)


async def block(world: PostgresWorld, seconds: str) -> None:
    """Take one message in hand, and keep the event loop busy so long; then tell whether the message is still ours."""
    [delivery] = await world.receive(1)
    say(delivery.message.id)
    time.sleep(float(seconds))  # noqa: ASYNC251  # that is what is tested
    say(await delivery.extend())
    await asyncio.sleep(600)


async def outlive(world: PostgresWorld) -> None:
    """Take one message in hand and start its step; on a line of input, try to go on with both."""
    [delivery] = await world.receive(1)
    run_id = delivery.message.run_id
    start = await world.start_step(run_id, "step_000001", delivery.message.id, time.time())
    say(delivery.message.id)
    await asyncio.to_thread(sys.stdin.readline)
    outcome = Event(
        EventKind.STEP_COMPLETED, time.time(), "step_000001", {"attempt": start.attempt, "output": "of the slow one"}
    )
    say(await delivery.extend(), (await world.record(run_id, outcome, ack=delivery)).landed)
    [again] = await world.receive(1)
    say(again.message.id)


async def contend(world: PostgresWorld, run_id: str, name: str, wins: str) -> None:
    """Commit at the end of a log that others commit to as well, and tell the slots that were won."""
    for number in range(int(wins)):
        while True:
            slot = (await world.load(run_id)).run.slot
            answer = await world.commit(run_id, slot, [step_created(f"{name}_{number}")])
            if isinstance(answer, Committed):
                say(answer.events[0].slot, f"{name}_{number}")
                break


async def storm(world: PostgresWorld, runs: str) -> None:
    """Commit and send as fast as it goes, and tell what was acknowledged."""

    async def one(run_id: str) -> None:
        created = Event(EventKind.RUN_CREATED, 1.0, "", {"workflow": "w", "bundle": "b", "input": None})
        slot = (await world.create_run(run_id, created, Message(f"{run_id}_first", run_id, due=1e12))).slot
        while True:
            sent = Message(f"{run_id}_{slot}", run_id, due=1e12)
            sends = [sent] if slot % 2 else []
            answer = await world.commit(run_id, slot, [step_created(f"step_{slot}")], sends=sends)
            assert isinstance(answer, Committed), answer
            slot = answer.events[-1].slot
            say(run_id, slot, *(message.id for message in sends))

    await asyncio.gather(*(one(f"wrun_{os.getpid()}_{n}") for n in range(int(runs))))


async def drain(world: PostgresWorld, count: str) -> None:
    """Take and ack messages, and tell which, until nothing has come for a while."""
    while True:
        try:
            got = await asyncio.wait_for(world.receive(int(count)), 2.0)
        except TimeoutError:
            return
        for delivery in got:
            await delivery.ack()
            say(delivery.message.id)


async def main(command: str, url: str, *arguments: str) -> None:
    world = PostgresWorld(url)
    await world.open()
    say("open")
    await COMMANDS[command](world, *arguments)
    await world.close()


COMMANDS = {work.__name__: work for work in (hold, block, outlive, contend, storm, drain)}

if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
