"""What the SQLite world says and does when the storage fails, and that it works again once the cause is gone."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from workflow_runtime.errors import WorldError
from workflow_runtime.testing.harness import append, fresh, kinds, new_run, nothing_comes, step_created, take
from workflow_runtime.worlds.base import Committed, Message, WorldClosedError
from workflow_runtime.worlds.sqlite import SqliteWorld
from workflow_runtime.worlds.sqlite.connect import migrations
from workflow_runtime.worlds.sqlite.records import SqliteRecords

ROOT = Path(__file__).parents[2]


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "world.db"


@pytest.fixture
async def world(database: Path) -> AsyncIterator[SqliteWorld]:
    world = SqliteWorld(database, busy_timeout=0.2)
    await world.open()
    yield world
    await world.close()


async def refusal(path: Path) -> str:
    """What opening a world at ``path`` says."""
    world = SqliteWorld(path, busy_timeout=0.2)
    with pytest.raises(WorldError) as caught:
        await world.open()
    await world.close()
    assert str(path) in str(caught.value)
    return str(caught.value)


@contextmanager
def foreign(path: Path, *statements: str) -> Iterator[sqlite3.Connection]:
    """Another program's connection, on which the statements have been executed."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
        yield connection


def damage(path: Path, *, spare: float) -> None:
    """Overwrite all of the file but its first page and that part of the rest."""
    size = path.stat().st_size
    start = 4096 + int(spare * (size - 4096))
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xff" * (size - start))


async def on_the_writer(world: SqliteWorld, work: Callable[[SqliteRecords], object]) -> None:
    """Do something to the writer's own connection, where a fault would be."""
    await world._write(work)


async def test_a_file_that_is_no_database_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("my notes " * 1000)
    assert "is not a database" in await refusal(path)
    assert path.read_text() == "my notes " * 1000


async def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    assert "check the path" in await refusal(tmp_path)


async def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "can not make its folder" in await refusal(tmp_path / "file" / "world.db")


async def test_a_file_in_place_of_the_workers_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "world.db-workers").write_text("")
    assert "world.db-workers" in await refusal(tmp_path / "world.db")


async def test_another_programs_database_is_refused_and_left_as_it_is(database: Path) -> None:
    with foreign(database, "CREATE TABLE users (id)", "PRAGMA user_version = 3") as other:
        assert "another program" in await refusal(database)
        assert other.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("users",)]


async def test_a_schema_newer_than_we_know_is_refused(world: SqliteWorld, database: Path) -> None:
    with foreign(database, "PRAGMA user_version = 99"):
        pass
    assert f"schema version 99, and this workflow_runtime knows {migrations()[-1][0]}" in await refusal(database)


async def test_a_missing_folder_is_made(tmp_path: Path) -> None:
    world = SqliteWorld(tmp_path / "a" / "b" / "world.db")
    await world.open()
    await new_run(world)
    await world.close()


async def test_a_damaged_database_is_named(world: SqliteWorld, database: Path) -> None:
    run = await new_run(world)
    await append(world, run.id, *(step_created(f"step_{n:06d}", "x" * 500) for n in range(200)))
    await world.close()
    damage(database, spare=0.5)
    await world.open()
    with pytest.raises(WorldError, match="damaged; stop all processes and restore it"):
        await world.load(run.id)
    await world.close()
    damage(database, spare=0.0)
    assert "damaged; stop all processes and restore it" in await refusal(database)


async def test_a_lock_held_too_long_is_an_error_and_then_all_goes_on(world: SqliteWorld, database: Path) -> None:
    run = await new_run(world)
    with foreign(database, "BEGIN IMMEDIATE"):
        with pytest.raises(WorldError, match="another process holds the file locked"):
            await world.commit(run.id, 1, [step_created("step_000001")])
        assert (await world.load(run.id)).run.slot == 1  # readers do not mind
    assert isinstance(await world.commit(run.id, 1, [step_created("step_000001")]), Committed)


async def test_a_lock_held_for_a_moment_is_waited_for(database: Path) -> None:
    world = SqliteWorld(database)
    await world.open()
    run = await new_run(world)
    with foreign(database, "BEGIN IMMEDIATE"):
        committing = asyncio.create_task(world.commit(run.id, 1, [step_created("step_000001")]))
        await asyncio.sleep(0.2)
        assert not committing.done()
    assert isinstance(await committing, Committed)
    await world.close()


async def test_a_full_disk_is_an_error_that_loses_nothing_and_then_all_goes_on(world: SqliteWorld) -> None:
    run = await new_run(world)
    await on_the_writer(world, lambda records: records.connection.execute("PRAGMA max_page_count = 40"))
    slot = 1
    try:
        while slot < 1000:
            slot = (await append(world, run.id, step_created(f"step_{slot:06d}", "x" * 5000))).events[-1].slot
    except WorldError as error:
        said = str(error)
    assert "make room and go on, nothing that was acknowledged is lost" in said
    assert (await world.load(run.id)).run.slot == slot
    await on_the_writer(world, lambda records: records.connection.execute("PRAGMA max_page_count = 100000"))
    await append(world, run.id, step_created("step_last", "x" * 50000))
    assert len(await kinds(world, run.id)) == slot + 1


async def test_one_that_fills_the_disk_does_not_take_the_others_of_its_transaction_along(world: SqliteWorld) -> None:
    runs = [await new_run(world) for _ in range(9)]
    await on_the_writer(world, lambda records: records.connection.execute("PRAGMA max_page_count = 60"))
    inputs = ["x" * (1_000_000 if n == 4 else 10) for n in range(9)]
    answers = await asyncio.gather(
        *(world.commit(run.id, 1, [step_created("s", i)]) for run, i in zip(runs, inputs, strict=True)),
        return_exceptions=True,
    )
    assert [isinstance(answer, Committed) for answer in answers] == [n != 4 for n in range(9)]
    assert isinstance(answers[4], WorldError)
    assert [(await world.load(run.id)).run.slot for run in runs] == [1 if n == 4 else 2 for n in range(9)]


async def test_one_that_fails_does_not_take_the_others_of_its_transaction_along(world: SqliteWorld) -> None:
    runs = [await new_run(world) for _ in range(6)]

    def fail(records: SqliteRecords) -> None:
        records.connection.execute("DELETE FROM runs")
        raise KeyError("a bug")

    def refuse(records: SqliteRecords) -> None:
        records.connection.execute("DELETE FROM runs")
        records.connection.execute("INSERT INTO runs (id) VALUES (NULL)")

    before = world.transactions
    answers = await asyncio.gather(
        *(world.commit(run.id, 1, [step_created("s")]) for run in runs[:3]),
        on_the_writer(world, fail),
        on_the_writer(world, refuse),
        *(world.commit(run.id, 1, [step_created("s")]) for run in runs[3:]),
        return_exceptions=True,
    )
    assert [isinstance(answer, WorldError) for answer in answers] == [False] * 3 + [True] * 2 + [False] * 3
    assert [(await world.load(run.id)).run.slot for run in runs] == [2] * 6
    assert world.transactions == before + 1


async def test_one_that_fails_alone_writes_nothing(world: SqliteWorld) -> None:
    run = await new_run(world)

    def fail(records: SqliteRecords) -> None:
        records.connection.execute("DELETE FROM runs")
        raise KeyError("a bug")

    before = world.transactions
    with pytest.raises(WorldError, match="KeyError: 'a bug'"):
        await on_the_writer(world, fail)
    assert (await world.load(run.id)).run == run
    assert world.transactions == before


async def test_a_value_that_sqlite_can_not_hold_is_an_error_of_its_own(world: SqliteWorld) -> None:
    run = await new_run(world)
    with pytest.raises(WorldError, match="OverflowError"):
        await world.commit(run.id, 2**70, [step_created("s")])
    with pytest.raises(WorldError, match="UnicodeEncodeError"):
        await world.start_step(run.id, "step_\ud800", "msg", 0.0)
    await append(world, run.id, step_created("s"))


async def test_a_world_that_is_not_open_says_so(database: Path) -> None:
    world = SqliteWorld(database)
    for _ in range(2):
        with pytest.raises(WorldError, match=r"is not open: await open\(\) first"):
            await world.load("wrun_1")
        await world.open()
        await world.close()


async def test_who_waits_when_the_world_is_closed_hears_of_it(database: Path) -> None:
    world = SqliteWorld(database)
    await world.open()
    run = await new_run(world)
    waiting = [asyncio.create_task(world.receive(1)), asyncio.create_task(world.wait_for_end(run.id))]
    await asyncio.sleep(0.1)
    await world.close()
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(answer) for answer in answers] == [WorldClosedError, WorldClosedError]


async def test_a_world_that_was_closed_can_be_opened_again(world: SqliteWorld) -> None:
    run = await new_run(world)
    written = world.transactions
    await world.close()
    assert world.transactions == written
    await world.open()
    assert (await world.load(run.id)).run == run


async def test_a_cancelled_commit_is_whole_or_not_there(world: SqliteWorld) -> None:
    run = await new_run(world)
    for number in range(30):
        slot = (await world.load(run.id)).run.slot
        committing = asyncio.create_task(
            world.commit(run.id, slot, [step_created(f"a{number}"), step_created(f"b{number}")])
        )
        for _ in range(number % 4):
            await asyncio.sleep(0)
        committing.cancel()
        await asyncio.wait((committing,))
    entities = [event.entity for event in (await world.load(run.id, after=1)).events]
    assert entities[::2] == [entity.replace("b", "a") for entity in entities[1::2]]


async def test_waiting_writes_nothing(world: SqliteWorld, database: Path) -> None:
    run = await new_run(world)
    await world.send(Message(fresh("msg"), run.id, due=1e12))
    before = world.transactions
    with foreign(database) as onlooker:
        version = onlooker.execute("PRAGMA data_version").fetchone()
        await asyncio.gather(*(nothing_comes(world) for _ in range(5)))
        with pytest.raises(TimeoutError):
            await world.wait_for_end(run.id, 0.3)
        assert onlooker.execute("PRAGMA data_version").fetchone() == version
    assert world.transactions == before


async def test_a_sequential_run_of_n_steps_costs_n_plus_2_transactions(world: SqliteWorld) -> None:
    steps = 50
    run = await new_run(world)
    await world.send(Message(fresh("msg"), run.id))
    before = world.transactions
    delivery, slot = await take(world), 1
    for _ in range(steps):
        slot = (await append(world, run.id, step_created(f"step_{slot:06d}"))).events[-1].slot
        assert await delivery.extend()
    await world.commit(run.id, slot, [step_created("last")], ack=delivery)
    assert world.transactions - before == steps + 2


async def test_commits_at_once_share_a_transaction(world: SqliteWorld) -> None:
    runs = [await new_run(world) for _ in range(32)]
    before = world.transactions
    await asyncio.gather(*(world.commit(run.id, 1, [step_created("s")]) for run in runs))
    assert world.transactions - before < 8


_FULL_DISK = """
import asyncio, resource, sys
from workflow_runtime.errors import WorldError
from workflow_runtime.testing.harness import append, new_run, kinds, step_created
from workflow_runtime.worlds.sqlite import SqliteWorld

async def main():
    world = SqliteWorld(sys.argv[1])
    await world.open()
    run, slot = await new_run(world), 1
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
    try:
        while True:
            slot = (await append(world, run.id, step_created(f"step_{slot}", "x" * 3000))).events[-1].slot
    except WorldError as error:
        print(error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert len(await kinds(world, run.id)) == slot
    await append(world, run.id, step_created("last"))
    assert len(await kinds(world, run.id)) == slot + 1
    await world.close()

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes")
def test_when_the_system_refuses_to_write_nothing_is_lost_and_then_all_goes_on(database: Path) -> None:
    assert "then go on" in said_by(_FULL_DISK, database)


_READ_ONLY = """
import asyncio, concurrent.futures.thread, os, sys
from workflow_runtime.errors import WorldError
from workflow_runtime.worlds.sqlite import SqliteWorld
from workflow_runtime.worlds.sqlite.connect import migrations

migrations()  # loads what the other user may not be allowed to read
if os.geteuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
try:
    asyncio.run(SqliteWorld(sys.argv[1]).open())
except WorldError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
async def test_a_file_that_can_not_be_written_is_named() -> None:
    with tempfile.TemporaryDirectory() as outer:  # not pytest's folder, which no other user may enter
        folder = Path(outer) / "data"
        database = folder / "world.db"
        world = SqliteWorld(database)
        await world.open()
        await world.close()
        for path in (database, Path(f"{database}-workers"), folder, Path(outer)):
            path.chmod(0o555 if path.is_dir() else 0o444)
        said = await asyncio.to_thread(said_by, _READ_ONLY, database)
        for path in (Path(outer), folder, Path(f"{database}-workers")):
            path.chmod(0o755)
    assert str(database) in said
    assert "let this user write" in said


def said_by(script: str, database: Path) -> str:
    """What a process of its own says that runs the script."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", script, str(database)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
