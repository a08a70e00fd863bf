"""A file that an earlier version has written is brought up to date, and nothing in it is lost."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from workflow_runtime.events import EventKind
from workflow_runtime.testing.harness import (
    STEP,
    append,
    child_created,
    created,
    event,
    hook_created,
    kinds,
    run_cancelled,
    take,
)
from workflow_runtime.worlds.base import Message, RunInfo, RunStatus
from workflow_runtime.worlds.listing import wanted
from workflow_runtime.worlds.sqlite import SqliteWorld
from workflow_runtime.worlds.sqlite import statements as sql
from workflow_runtime.worlds.sqlite.connect import APPLICATION_ID, migrations
from workflow_runtime.worlds.sqlite.listing import read_runs

_ROWS = (
    "INSERT INTO runs VALUES (1, 'run_1', 'workflow//w', 'b', 'running', 100.0, 101.0, NULL, 3)",
    """INSERT INTO events VALUES ('run_1', 1, 'run_created', 100.0, '', '{"workflow":"workflow//w","bundle":"b","input":[1]}')""",
    "INSERT INTO events VALUES ('run_1', 2, 'run_started', 101.0, '', '{}')",
    f"""INSERT INTO events VALUES ('run_1', 3, 'step_created', 101.0, 'step_1', '{{"step":"{STEP}","input":[2]}}')""",
    "INSERT INTO steps VALUES ('run_1', 'step_1', 'pending', 0, 0, 0, NULL, 0.0, 3)",
    "INSERT INTO messages VALUES (1, 'msg_1', 'run_1', 'step_1', 'step//a//b', 'k', 5.0, 5.0, 'somebody dead', 7, 2)",
)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A database of the first version, with a run in it."""
    path = tmp_path / "world.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(migrations()[0][1])
        for row in _ROWS:
            connection.execute(row)
        connection.execute("PRAGMA user_version = 1")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA journal_mode = WAL")
    return path


async def test_a_database_of_the_first_version_keeps_all_that_it_has(old: Path) -> None:
    world = SqliteWorld(old)
    await world.open()
    log = await world.load("run_1")
    assert log.run == RunInfo("run_1", "workflow//w", "b", RunStatus.RUNNING, 100.0, 101.0, None, 3)
    assert [(e.slot, e.kind, e.data.get("input")) for e in log.events] == [
        (1, EventKind.RUN_CREATED, [1]),
        (2, EventKind.RUN_STARTED, None),
        (3, EventKind.STEP_CREATED, [2]),
    ]
    delivery = await take(world)
    assert (delivery.message, delivery.count) == (Message("msg_1", "run_1", "step_1", "step//a//b", "k", 5.0), 3)
    assert (await world.start_step("run_1", "step_1", "msg_1", 200.0)).input == [2]
    await world.close()


async def test_a_run_of_the_first_version_can_do_all_that_a_new_one_can(old: Path) -> None:
    world = SqliteWorld(old)
    await world.open()
    await append(
        world, "run_1", hook_created("h", "t"), child_created("c", "run_2"), event(EventKind.ATTRIBUTES_SET, attributes={"a": "b"})
    )  # fmt: skip
    await world.write_chunks("run_1", "s", [b"0"])
    await world.create_run("run_2", created(parent="run_1"), Message("msg_2", "run_2", due=1e12))
    [found] = await world.list_runs(attributes={"a": "b"})
    assert [child.id for child in await world.list_runs(parent=found.id)] == ["run_2"]
    await world.record("run_1", run_cancelled())
    assert (await take(world)).message.cancels_children
    await world.close()


async def test_messages_of_the_first_version_wait_in_line_with_new_ones(old: Path) -> None:
    world = SqliteWorld(old)
    await world.open()
    await world.pause("workflow//w")
    await world.create_run("run_2", created(priority=-1), low := Message("msg_2", "run_2"))
    await world.create_run("run_3", created(priority=1), high := Message("msg_3", "run_3"))
    assert (await take(world)).message == high
    await world.unpause("workflow//w")
    assert [(await take(world)).message.id for _ in range(2)] == ["msg_1", low.id]
    assert [run.priority for run in await world.list_runs()] == [1, -1, 0]
    await world.close()


async def test_processes_that_find_an_old_file_bring_it_up_to_date_once(old: Path) -> None:
    worlds = [SqliteWorld(old) for _ in range(4)]
    await asyncio.gather(*(world.open() for world in worlds))
    for world in worlds:
        assert await kinds(world, "run_1") == [EventKind.RUN_CREATED, EventKind.RUN_STARTED, EventKind.STEP_CREATED]
        await world.close()
    with closing(sqlite3.connect(old)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (migrations()[-1][0],)


async def test_an_old_database_and_a_new_one_have_the_same_schema(old: Path, tmp_path: Path) -> None:
    schemas = []
    for path in (old, tmp_path / "new.db"):
        world = SqliteWorld(path)
        await world.open()
        await world.close()
        with closing(sqlite3.connect(path)) as connection:
            schemas.append(connection.execute("SELECT type, name, sql FROM sqlite_master ORDER BY name").fetchall())
    assert schemas[0] == schemas[1]


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (sql.HOOK_BY_TOKEN, "sqlite_autoindex_hooks"),
        (sql.WATCHES_OF, "watches_of_target"),
        (sql.STREAM, "sqlite_autoindex_streams"),
        (sql.MESSAGE_BY_ID, "sqlite_autoindex_messages"),
        (sql.DUE, "messages_idle"),
        (sql.DUE_WITH_PLACE, "messages_of_run"),
        (sql.OWNERS_UNDER, "messages_that_hold"),
        (sql.FREE_PLACES, "places_of_run"),
        (sql.ENDED, "runs_ended"),
    ],
)
async def test_each_look_up_has_its_index(old: Path, statement: str, index: str) -> None:
    await (world := SqliteWorld(old)).open()
    await world.close()
    with closing(sqlite3.connect(old)) as connection:
        plan = plan_of(connection, statement, ("x",) * statement.count("?"))
    assert index in plan
    assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize(
    ("asked", "index"),
    [
        ({}, "runs_newest"),
        ({"before": "run_1"}, "runs_newest"),
        ({"parent": "run_1"}, "runs_of_parent"),
        ({"workflow": "w"}, "runs_of_workflow"),
        ({"status": RunStatus.FAILED}, "runs_with_status"),
        ({"status": RunStatus.FAILED, "workflow": "w"}, "runs_of_workflow_with_status"),
        ({"since": 1.0, "until": 2.0}, "runs_newest"),
        ({"attributes": {"a": "b"}}, "attributes_newest"),
    ],
    ids=str,
)
async def test_each_way_to_list_runs_has_its_index(old: Path, asked: dict[str, Any], index: str) -> None:
    await (world := SqliteWorld(old)).open()
    await world.close()
    said: list[str] = []
    with closing(sqlite3.connect(old)) as connection:
        connection.set_trace_callback(said.append)
        nothing: dict[str, Any] = dict.fromkeys(("status", "workflow", "parent", "attributes", "before"))
        read_runs(connection, wanted(**{**nothing, **asked}, limit=10))
        connection.set_trace_callback(None)
        plan = plan_of(connection, said[-1], ())
    assert index in plan
    assert "TEMP B-TREE" not in plan


def plan_of(connection: sqlite3.Connection, statement: str, values: tuple[str, ...]) -> str:
    """How SQLite goes about a statement."""
    return " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values))
