"""Several real processes on one Postgres schema, and what is left when one of them is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests import postgres_servers
from workflow_runtime.events import Event, EventKind
from workflow_runtime.testing.harness import SOON, fresh, kinds, new_run, new_step, nothing_comes, step_completed, take
from workflow_runtime.worlds.base import Message, Recorded, StartStatus
from workflow_runtime.worlds.postgres import PostgresWorld

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).parent / "processes" / "postgres_worker.py"
LEASE = 1.5  # seconds

Process = subprocess.Popen[str]
Launch = Callable[..., Process]


@pytest.fixture
def url() -> str:
    return postgres_servers.fresh_url(f"lease={LEASE}")


@pytest.fixture
async def world(url: str) -> AsyncIterator[PostgresWorld]:
    world = PostgresWorld(url)
    await world.open()
    yield world
    await world.close()


@pytest.fixture
def launch(url: str) -> Iterator[Launch]:
    """Starts a process that opens the world."""
    running: list[Process] = []

    def start(command: str, *arguments: object) -> Process:
        process = subprocess.Popen(
            [sys.executable, str(WORKER), command, url, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()


async def line(process: Process) -> list[str]:
    """The next line that the process says, as words."""
    assert process.stdout is not None
    return (await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), SOON)).split()


async def test_a_killed_processs_message_is_delivered_again_once_its_lease_has_run_out(
    world: PostgresWorld, launch: Launch
) -> None:
    run = await new_step(world)
    await world.send(message := Message(fresh("msg"), run.id))
    process = launch("hold")
    assert await line(process) == ["open"]
    assert await line(process) == [message.id, "1"]
    assert (await world.start_step(run.id, "step_000001", "msg_other", 0.0)).status is StartStatus.RUNNING
    waiting = asyncio.create_task(take(world))
    process.kill()
    again = await waiting
    assert (again.message, again.count) == (message, 2)
    assert (await world.start_step(run.id, "step_000001", message.id, 0.0)).attempt == 2
    await again.ack()


async def test_a_process_whose_event_loop_is_blocked_keeps_its_message(world: PostgresWorld, launch: Launch) -> None:
    run = await new_run(world)
    await world.send(message := Message(fresh("msg"), run.id))
    process = launch("block", 3 * LEASE)
    assert await line(process) == ["open"]
    assert await line(process) == [message.id]
    assert await line(process) == ["True"]
    await nothing_comes(world)
    process.kill()
    await (await take(world)).ack()


async def test_a_process_that_stood_still_for_longer_than_its_lease_learns_that_it_has_lost_all(
    world: PostgresWorld, launch: Launch
) -> None:
    run = await new_step(world)
    await world.send(message := Message(fresh("msg"), run.id))
    slow = launch("outlive")
    assert [await line(slow), await line(slow)] == [["open"], [message.id]]
    slow.send_signal(signal.SIGSTOP)
    again = await take(world)
    assert (again.message, again.count) == (message, 2)
    start = await world.start_step(run.id, "step_000001", message.id, 0.0)
    slow.send_signal(signal.SIGCONT)
    assert slow.stdin is not None
    slow.stdin.write("go on\n")
    slow.stdin.flush()
    assert await line(slow) == ["False", "False"]
    assert await again.extend()
    assert await world.record(run.id, step_completed("step_000001", start.attempt), ack=again) == Recorded(True)
    await world.send(later := Message(fresh("msg"), run.id))
    assert await line(slow) == [later.id], "it goes on as a worker with another id"


async def test_processes_that_commit_to_one_log_leave_no_hole_and_lose_nothing(
    world: PostgresWorld, launch: Launch
) -> None:
    run = await new_run(world)
    processes = [launch("contend", run.id, f"p{number}", 15) for number in range(3)]
    won = []
    for process in processes:
        assert await line(process) == ["open"]
        won += [await line(process) for _ in range(15)]
    assert await kinds(world, run.id) == [EventKind.RUN_CREATED] + [EventKind.STEP_CREATED] * 45
    log = (await world.load(run.id, after=1)).events
    assert sorted((int(slot), name) for slot, name in won) == [(event.slot, event.entity) for event in log]


async def test_nothing_that_was_acknowledged_to_a_killed_process_is_lost(world: PostgresWorld, launch: Launch) -> None:
    for number in range(3):
        process = launch("storm", 8)
        assert await line(process) == ["open"]
        assert await line(process)
        await asyncio.sleep(0.1 * (number + 1))
        process.kill()
        said = await asyncio.to_thread(process.communicate)
        slots: dict[str, int] = {}
        for text in said[0][: said[0].rfind("\n") + 1].splitlines():
            run_id, slot, *sent = text.split()
            slots[run_id] = int(slot)
            assert not sent or [q for q in await world.list_messages(run_id) if q.message.id == sent[0]]
        assert slots
        for run_id, last in slots.items():
            assert len(await kinds(world, run_id)) >= last
            end = Event(EventKind.RUN_CANCELLED, 1.0, "", {"reason": None})
            await world.record(run_id, end)


async def test_processes_that_receive_at_once_share_the_messages_between_them(
    world: PostgresWorld, launch: Launch
) -> None:
    sent = [Message(fresh("msg"), "wrun_nobody") for _ in range(60)]
    await asyncio.gather(*map(world.send, sent))
    processes = [launch("drain", 4) for _ in range(3)]
    said = await asyncio.gather(*(asyncio.to_thread(process.communicate) for process in processes))
    got = [text for out, _ in said for text in out.splitlines() if text != "open"]
    assert sorted(got) == sorted(message.id for message in sent)
