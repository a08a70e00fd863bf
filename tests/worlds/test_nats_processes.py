"""Several real processes in one namespace of a NATS server: killed, stopped for a while, and cut off."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from tests.nats_servers import NatsServer, one_server
from tests.worlds.nats_harness import bystander
from workflow_runtime.errors import WorldError
from workflow_runtime.events import EventKind
from workflow_runtime.testing.harness import SOON, event, fresh, kinds, new_run, take
from workflow_runtime.worlds.base import Committed, Message
from workflow_runtime.worlds.nats import NatsOptions, NatsWorld, snapshots
from workflow_runtime.worlds.nats.link import Link

WORKER = Path(__file__).parent / "processes" / "nats_worker.py"
LEASE = 1.5


@dataclass
class Process:
    """A process that speaks a line at a time."""

    process: subprocess.Popen[str]

    def hear(self) -> str:
        """The next line that it says."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ask(self, word: str) -> str:
        """What it says to a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()
        return self.hear()


Launch = Callable[[str], Process]


def start_process(command: str, options: NatsOptions) -> Process:
    """A process that has opened the world."""
    url = f"nats://{options.servers[0]}?namespace={options.namespace}&lease={options.lease}"
    pipe = subprocess.PIPE
    process = Process(subprocess.Popen([sys.executable, str(WORKER), command, url], stdin=pipe, stdout=pipe, text=True))
    assert process.hear() == "ready"
    return process


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    with one_server(tmp_path) as server:
        yield server


@pytest.fixture
def options(server: NatsServer) -> NatsOptions:
    return NatsOptions((server.address,), namespace=uuid4().hex, lease=LEASE)


@pytest.fixture
async def world(options: NatsOptions) -> AsyncIterator[NatsWorld]:
    world = NatsWorld(options)
    await world.open()
    yield world
    await world.close()


@pytest.fixture
def launch(options: NatsOptions) -> Iterator[Launch]:
    """Starts a process that has opened the world by the time this returns."""
    running: list[Process] = []

    def start(command: str) -> Process:
        running.append(start_process(command, options))
        return running[-1]

    yield start
    for process in running:
        process.process.kill()
        process.process.communicate()


async def test_what_a_killed_process_had_in_hand_comes_again(world: NatsWorld, launch: Launch) -> None:
    process = launch("hold")
    await world.send(Message("msg_1", "wrun_1"))
    assert await asyncio.to_thread(process.hear) == "holds msg_1"
    assert [queued.in_hand for queued in await world.list_messages()] == [True]
    process.process.kill()
    again = await take(world)
    assert (again.message.id, again.count) == ("msg_1", 2)


async def test_a_process_that_was_stopped_for_too_long_knows_that_its_message_is_another_s(
    world: NatsWorld, launch: Launch
) -> None:
    process = launch("hold")
    await world.send(Message("msg_1", "wrun_1"))
    assert await asyncio.to_thread(process.hear) == "holds msg_1"
    assert process.ask("extend") == "True"
    process.process.send_signal(signal.SIGSTOP)
    again = await take(world)
    process.process.send_signal(signal.SIGCONT)
    assert await asyncio.to_thread(process.ask, "extend") == "False"
    assert await asyncio.to_thread(process.ask, "ack") == "acked"
    assert await again.extend()
    assert [queued.message.id for queued in await world.list_messages()] == ["msg_1"]


async def test_a_living_process_keeps_its_message_for_many_leases(world: NatsWorld, launch: Launch) -> None:
    process = launch("hold")
    await world.send(Message("msg_1", "wrun_1"))
    assert await asyncio.to_thread(process.hear) == "holds msg_1"
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(world.receive(1), 3 * LEASE)
    assert process.ask("extend") == "True"


async def test_processes_share_the_work_and_one_that_is_killed_loses_none(world: NatsWorld, launch: Launch) -> None:
    run = await new_run(world)
    link = world._live()
    workers = [launch("work") for _ in range(2)]
    sent = [f"msg_{number}" for number in range(60)]
    for number, message_id in enumerate(sent):
        await world.send(Message(message_id, run.id))
        if number == 30:
            workers[0].process.kill()
    await _until(lambda: not link.replica.state.queue.messages)
    done = [
        name
        for logged in (await world.load(run.id)).events
        if logged.kind is EventKind.ATTRIBUTES_SET
        for name in logged.data["attributes"]
    ]
    assert sorted(done) == sorted(sent)
    assert (await kinds(world, run.id)).count(EventKind.ATTRIBUTES_SET) == len(sent)


async def test_nothing_acknowledged_is_lost_when_the_server_is_killed(world: NatsWorld, server: NatsServer) -> None:
    run = await new_run(world)
    written: list[int] = []

    async def write() -> None:
        while True:
            slot = (await world.load(run.id)).run.slot
            mark = event(EventKind.ATTRIBUTES_SET, attributes={f"a{slot}": "x" * 50})
            if isinstance(await world.commit(run.id, slot, [mark]), Committed):
                written.append(slot + 1)

    writing = asyncio.create_task(write())
    for _ in range(3):
        await _until(partial(_more_than, written, len(written) + 20))
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
    await _until(partial(_more_than, written, len(written) + 20))
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    slots = [logged.slot for logged in (await world.load(run.id)).events]
    assert slots == list(range(1, len(slots) + 1))
    assert set(written) <= set(slots)


async def test_a_message_keeps_its_owner_while_the_servers_are_away(world: NatsWorld, server: NatsServer) -> None:
    await world.send(Message("msg_1", "wrun_1"))
    delivery = await take(world)
    await asyncio.to_thread(server.kill)
    await asyncio.sleep(2 * LEASE)
    await asyncio.to_thread(server.start)
    assert await asyncio.wait_for(delivery.extend(), SOON)


async def test_no_server_is_an_error_that_says_so(server: NatsServer, options: NatsOptions) -> None:
    world = NatsWorld(replace(options, patience=0.5))
    await world.open()
    await asyncio.to_thread(server.kill)
    with pytest.raises(WorldError, match="majority of the servers is up"):
        await world.send(Message("msg_1", "wrun_1"))
    with pytest.raises(WorldError, match="majority of the servers is up"):
        await world.load("wrun_1")
    await world.close()
    with pytest.raises(WorldError, match=r"no NATS server of 127\.0\.0\.1:\d+ lets us in"):
        await world.open()


async def test_all_processes_come_to_the_same_state(options: NatsOptions) -> None:
    worlds = [NatsWorld(replace(options, lease=60.0)) for _ in range(3)]
    for world in worlds:
        await world.open()
    runs = [await new_run(world) for world in worlds]

    async def churn(world: NatsWorld, number: int) -> None:
        for turn in range(15):
            await world.send(Message(fresh("msg"), runs[turn % 3].id, key="k" if turn % 4 == 0 else None))
            with contextlib.suppress(TimeoutError):  # the others may have taken all
                for delivery in await asyncio.wait_for(world.receive(2), 0.1):
                    await (delivery.ack() if (turn + number) % 3 else delivery.again())
            run = runs[(turn + number) % 3]
            await world.commit(run.id, (await world.load(run.id)).run.slot, [event(EventKind.RUN_STARTED)])

    await asyncio.wait_for(asyncio.gather(*(churn(world, number) for number, world in enumerate(worlds))), SOON)
    async with bystander(options) as one, bystander(options) as other:
        dumps = [[*snapshots.dump(link.replica)] for link in (one, other, *(await _caught_up(worlds)))]
    assert all(dump == dumps[0] for dump in dumps)
    for world in worlds:
        await world.close()


def _more_than(written: list[int], count: int) -> bool:
    return len(written) > count


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not holds():  # noqa: ASYNC110  # what it waits for happens in other processes
            await asyncio.sleep(0.02)


async def _caught_up(worlds: list[NatsWorld]) -> list[Link]:
    links = [world._live() for world in worlds]
    for link in links:
        await link.barrier()
    return links
