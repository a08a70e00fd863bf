"""Several real processes on one SQLite file, and what is left when one of them is killed."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path

import pytest

from workflow_runtime.errors import WorldError, WriterLostError
from workflow_runtime.events import Event, EventKind
from workflow_runtime.testing.harness import (
    A_WHILE,
    SOON,
    append,
    fresh,
    held,
    kinds,
    new_run,
    new_step,
    nothing_comes,
    take,
)
from workflow_runtime.worlds.base import Message, RunStatus, StartStatus, StreamWriter
from workflow_runtime.worlds.sqlite import SqliteWorld

ROOT = Path(__file__).parents[2]
WORKER = Path(__file__).parent / "processes" / "worker.py"

Process = subprocess.Popen[str]
Launch = Callable[..., Process]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "world.db"


@pytest.fixture
async def world(database: Path) -> AsyncIterator[SqliteWorld]:
    world = SqliteWorld(database)
    await world.open()
    yield world
    await world.close()


@pytest.fixture
def launch(database: Path) -> Iterator[Launch]:
    """Starts a worker process that has opened the database by the time this returns."""
    running: list[Process] = []

    def start(command: str, *arguments: object) -> Process:
        process = subprocess.Popen(
            [sys.executable, str(WORKER), command, str(database), *map(str, arguments)],
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
        assert process.stdout is not None
        process.stdout.close()


async def line(process: Process) -> list[str]:
    """The next line that the process says, as words."""
    assert process.stdout is not None
    return (await asyncio.wait_for(asyncio.to_thread(process.stdout.readline), SOON)).split()


async def kill(process: Process) -> list[list[str]]:
    """SIGKILL. Gives the lines that it had said and nobody had read; a torn last line is none."""
    process.kill()
    said, _ = await asyncio.to_thread(process.communicate)
    return [text.split() for text in said[: said.rfind("\n") + 1].splitlines()]


def workers(database: Path) -> list[str]:
    """The files of workers beside the database."""
    return [path.name for path in Path(f"{database}-workers").iterdir()]


async def test_a_killed_processs_message_is_delivered_again_and_its_step_taken_over(
    world: SqliteWorld, launch: Launch
) -> None:
    run = await new_step(world)
    await world.send(message := Message(fresh("msg"), run.id))
    process = launch("hold")
    assert await line(process) == ["open"]
    assert await line(process) == [message.id, "1"]
    assert (await world.start_step(run.id, "step_000001", "msg_other", 0.0)).status is StartStatus.RUNNING
    await kill(process)
    again = await take(world)
    assert (again.message, again.count) == (message, 2)
    assert (await world.start_step(run.id, "step_000001", message.id, 0.0)).attempt == 2


async def test_a_process_that_stands_still_keeps_its_message(world: SqliteWorld, launch: Launch) -> None:
    run = await new_step(world)
    await world.send(Message(fresh("msg"), run.id))
    process = launch("hold")
    assert [await line(process), len(await line(process))] == [["open"], 2]
    process.send_signal(signal.SIGSTOP)
    for _ in range(5):
        await nothing_comes(world)
    assert (await world.start_step(run.id, "step_000001", "msg_other", 0.0)).status is StartStatus.RUNNING


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
async def test_a_forked_child_does_not_keep_the_messages_of_its_dead_parent(world: SqliteWorld, launch: Launch) -> None:
    run = await new_step(world)
    await world.send(Message(fresh("msg"), run.id))
    process = launch("hold_and_fork")
    assert await line(process) == ["open"]
    message_id, child = await line(process)
    try:
        process.kill()
        assert (await take(world)).message.id == message_id
        os.kill(int(child), 0)  # lives, and holds the parent's files open
    finally:
        os.kill(int(child), signal.SIGKILL)


async def test_the_dead_leave_no_files_once_their_messages_are_in_other_hands(
    world: SqliteWorld, launch: Launch, database: Path
) -> None:
    run = await new_step(world)
    await world.send(Message(fresh("msg"), run.id))
    process = launch("hold")
    assert [await line(process), len(await line(process))] == [["open"], 2]
    assert len(workers(database)) == 2
    await kill(process)
    await take(world)
    for _ in range(1000):
        if len(workers(database)) == 1:
            break
        await asyncio.sleep(0.01)
    await world.close()
    assert workers(database) == []


async def test_processes_that_commit_to_one_run_win_each_slot_once(world: SqliteWorld, launch: Launch) -> None:
    run = await new_run(world)
    wins = 25
    processes = [launch("contend", run.id, f"p{n}", wins) for n in range(4)]
    said = await asyncio.gather(*(asyncio.to_thread(process.communicate) for process in processes))
    assert [process.returncode for process in processes] == [0] * 4
    won = [tuple(text.split()) for output, _ in said for text in output.splitlines()[1:]]
    assert len(won) == 4 * wins
    log = await world.load(run.id, after=1)
    assert sorted(won) == sorted((str(event.slot), event.entity) for event in log.events)
    assert len(await kinds(world, run.id)) == 1 + 4 * wins


@pytest.mark.parametrize("seed", range(4))
async def test_what_was_acknowledged_before_a_kill_is_there(world: SqliteWorld, launch: Launch, seed: int) -> None:
    process = launch("storm", 8)
    assert await line(process) == ["open"]
    acknowledged = [await line(process)]
    await asyncio.sleep(random.Random(seed).uniform(0.01, 0.4))
    acknowledged += await kill(process)
    logs = {run_id: await world.load(run_id) for run_id, _, _ in acknowledged}
    for run_id, slot, message_id in acknowledged:
        assert logs[run_id].run.slot >= int(slot)
        assert logs[run_id].events[int(slot) - 1].entity == f"step_{int(slot) - 1}"
        await world.send(Message(message_id, run_id))  # dropped: it is in the queue
    assert len(acknowledged) > 8
    for run_id, log in logs.items():
        assert len(await kinds(world, run_id)) == log.run.slot
    await nothing_comes(world)


async def test_another_processs_send_and_end_wake_who_waits_here(world: SqliteWorld, launch: Launch) -> None:
    run = await new_run(world)
    receiving = asyncio.create_task(take(world))
    waiting = asyncio.create_task(asyncio.wait_for(world.wait_for_end(run.id), SOON))
    await asyncio.sleep(A_WHILE)
    launch("send", run.id)
    assert (await receiving).message.run_id == run.id
    launch("end", run.id)
    assert (await waiting).status is RunStatus.CANCELLED


async def test_a_token_has_one_owner_whatever_process_wants_it(world: SqliteWorld, launch: Launch) -> None:
    processes = [launch("want", (await new_run(world)).id, "token") for _ in range(4)]
    landed = [(await line(process), await line(process))[1] for process in processes]
    assert sorted(landed) == [["hook_conflict"]] * 3 + [["hook_created"]]


async def test_a_stream_is_followed_while_another_process_writes_it_and_until_that_is_killed(
    world: SqliteWorld, launch: Launch
) -> None:
    run = await new_step(world)
    await world.send(message := Message(fresh("msg"), run.id))
    process = launch("stream")
    read: list[bytes] = []
    while len(read) < 60:
        read += (await world.read_chunks(run.id, "s", len(read), limit=7, wait=1000.0)).chunks
    said = [await line(process)] + await kill(process)
    read += (await world.read_chunks(run.id, "s", len(read), limit=100_000)).chunks
    assert read == [f"{n - n % 3}.{n % 3}".encode() for n in range(len(read))]
    assert len(read) >= int(said[-1][0])  # what was acknowledged is there
    assert len(read) % 3 == 0  # and nothing is there in part
    start = await world.start_step(run.id, "step_000001", (await take(world)).message.id, 0.0)
    assert (start.attempt, message.run_id) == (2, run.id)
    with pytest.raises(WriterLostError):
        await world.write_chunks(run.id, "s", [b""], writer=StreamWriter(run.id, "step_000001", 1))


async def test_processes_that_find_no_file_make_it_together(launch: Launch, database: Path) -> None:
    processes = [launch("send", "wrun_1") for _ in range(4)]
    assert [await line(process) for process in processes for _ in range(2)] == [["open"], ["sent"]] * 4
    world = SqliteWorld(database)
    await world.open()
    assert len(await world.receive(10)) == 4
    await world.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
async def test_a_world_says_that_it_can_not_be_used_in_a_fork(world: SqliteWorld, database: Path) -> None:
    run = await new_run(world)
    delivery = await held(world, run.id)
    assert in_a_fork(world, run.id).startswith(
        f"this world was opened in process {os.getpid()} and is used in its fork"
    )
    other = SqliteWorld(database)
    await other.open()
    await nothing_comes(other)  # the child's end has not cost the parent its claim
    await other.close()
    assert await delivery.extend()
    await append(world, run.id, Event(EventKind.RUN_STARTED, 1.0))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.parametrize("where", ["runs.db", "other.db", "closed.db"])
async def test_a_file_that_the_parent_has_open_is_refused_to_its_forks(tmp_path: Path, where: str) -> None:
    opened, closed = SqliteWorld(tmp_path / "runs.db"), SqliteWorld(tmp_path / "closed.db")
    await opened.open()
    await closed.open()
    await closed.close()
    [answer] = said_in_a_fork(SqliteWorld(tmp_path / where).open)
    if where == "runs.db":
        assert f"was forked from process {os.getpid()}, which has {opened.path} open; " in answer
        assert "fork first and open the world afterwards" in answer
    else:
        assert answer == "nothing"
    await opened.close()


def in_a_fork(world: SqliteWorld, run_id: str) -> str:
    """What using the world says in a forked child."""
    [first, *others] = said_in_a_fork(
        lambda: world.load(run_id), world.open, lambda: world.send(Message("msg", run_id))
    )
    assert others == [first] * 2
    return first


def said_in_a_fork(*uses: Callable[[], Coroutine[object, object, object]]) -> list[str]:
    """The error of each call, made in a forked child."""
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        for use in uses:
            os.write(writing, what_is_said(use()).encode() + b"\n")
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as said:
        return said.read().splitlines()


def what_is_said(use: Coroutine[object, object, object]) -> str:
    """The error of a call."""
    try:
        asyncio.run(use)
    except WorldError as error:
        return str(error)
    return "nothing"
