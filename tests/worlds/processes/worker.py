"""What the other processes of the tests do: ``worker.py COMMAND DATABASE ARGUMENT…``, telling on stdout what was acknowledged."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

from workflow_runtime.events import Event, EventKind
from workflow_runtime.worlds.base import Committed, Message, StreamWriter
from workflow_runtime.worlds.sqlite import SqliteWorld


def step_created(step_id: str) -> Event:
    return Event(EventKind.STEP_CREATED, 1.0, step_id, {"step": "step//a//b", "input": None})


def say(*words: object) -> None:
    print(*words, flush=True)


async def hold(world: SqliteWorld) -> None:
    """Take one message in hand, start its step, and stay."""
    [delivery] = await world.receive(1)
    start = await world.start_step(delivery.message.run_id, "step_000001", delivery.message.id, time.time())
    say(delivery.message.id, start.attempt)
    await asyncio.sleep(600)


async def hold_and_fork(world: SqliteWorld) -> None:
    """Take one message in hand, and leave a child behind that outlives the parent."""
    [delivery] = await world.receive(1)
    if (child := os.fork()) == 0:
        signal.pause()
    say(delivery.message.id, child)
    await asyncio.sleep(600)


async def contend(world: SqliteWorld, run_id: str, name: str, wins: str) -> None:
    """Commit at the end of a log that others commit to as well, and tell the slots that were won."""
    for number in range(int(wins)):
        while True:
            slot = (await world.load(run_id)).run.slot
            answer = await world.commit(run_id, slot, [step_created(f"{name}_{number}")])
            if isinstance(answer, Committed):
                say(answer.events[0].slot, f"{name}_{number}")
                break


async def storm(world: SqliteWorld, runs: str) -> None:
    """Commit, send and record as fast as it goes, and tell what was acknowledged."""

    async def one(run_id: str) -> None:
        created = Event(EventKind.RUN_CREATED, 1.0, "", {"workflow": "w", "bundle": "b", "input": None})
        slot = (await world.create_run(run_id, created, Message(f"{run_id}_first", run_id, due=1e12))).slot
        while True:
            sent = Message(f"{run_id}_{slot}", run_id, due=1e12)
            answer = await world.commit(run_id, slot, [step_created(f"step_{slot}")], sends=[sent])
            assert isinstance(answer, Committed)
            slot = answer.events[-1].slot
            say(run_id, slot, sent.id)

    await asyncio.gather(*(one(f"wrun_{os.getpid()}_{n}") for n in range(int(runs))))


async def send(world: SqliteWorld, run_id: str) -> None:
    """Send one message and go."""
    await world.send(Message(f"msg_from_{os.getpid()}", run_id))
    say("sent")


async def end(world: SqliteWorld, run_id: str) -> None:
    """End the run."""
    await world.record(run_id, Event(EventKind.RUN_CANCELLED, 1.0, "", {"reason": None}))
    say("ended")


async def want(world: SqliteWorld, run_id: str, token: str) -> None:
    """Create a hook that wants the token, and tell how it landed."""
    data = {"token": token, "metadata": None, "webhook": None}
    answer = await world.commit(run_id, 1, [Event(EventKind.HOOK_CREATED, 1.0, "hook", data)])
    assert isinstance(answer, Committed)
    say(answer.events[0].kind.value)


async def stream(world: SqliteWorld) -> None:
    """Take one message in hand, start its step, and write to a stream of its run without end, telling what was acknowledged."""
    [delivery] = await world.receive(1)
    run_id = delivery.message.run_id
    start = await world.start_step(run_id, "step_000001", delivery.message.id, time.time())
    writer = StreamWriter(run_id, "step_000001", start.attempt)
    number = 0
    while True:
        chunks = [f"{number}.{part}".encode() for part in range(3)]
        number = await world.write_chunks(run_id, "s", chunks, writer=writer) + len(chunks)
        say(number)


async def main(command: str, path: str, *arguments: str) -> None:
    world = SqliteWorld(path)
    await world.open()
    say("open")
    await COMMANDS[command](world, *arguments)
    await world.close()


COMMANDS = {work.__name__: work for work in (hold, hold_and_fork, contend, storm, send, end, want, stream)}

if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
