"""What the queue keeps back costs nobody else anything: counted in SQLite's own instructions, which are the same on every machine."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from workflow_runtime.testing.harness import WORKFLOW, created
from workflow_runtime.worlds.base import Limit, Message
from workflow_runtime.worlds.entities import new_run
from workflow_runtime.worlds.sqlite.connect import open_writer
from workflow_runtime.worlds.sqlite.lines import next_ready
from workflow_runtime.worlds.sqlite.records import SqliteRecords

NOW, LATER = 1e9, 2e9
FEW, MANY = 10, 3000
FULL = Limit("step//full", 1)
OF_RUNS = Limit("workflow//full", 1, of_run=True)
PACED = Limit("step//paced", None, 3600.0)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_writer(tmp_path / "world.db", 1.0)) as connection:
        yield connection


def instructions(connection: sqlite3.Connection, work: Callable[[], object]) -> int:
    """How many SQLite needs for the work."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    connection.set_progress_handler(step, 1)
    try:
        work()
    finally:
        connection.set_progress_handler(None, 1)
    return count


def look(records: SqliteRecords) -> None:
    """All that a receiver does when nothing is there for it."""
    assert next_ready(records.connection, NOW) in (None, NOW + PACED.every, LATER)
    assert records.take("me", 10, NOW) == []


def held_back(records: SqliteRecords, kind: str, count: int, start: int) -> None:
    """Put so many messages in the queue that can not be delivered now."""
    limit = {"full": FULL, "of runs": OF_RUNS, "paced": PACED}.get(kind)
    for number in range(start, start + count):
        due = LATER if kind == "delayed" else 1.0
        records.put(Message(f"m{number}", "run_paused" if kind == "paused" else f"run{number}", limit=limit), due)


@pytest.mark.parametrize("kind", ["full", "of runs", "paced", "paused", "delayed"])
def test_a_look_at_the_queue_costs_the_same_however_much_is_kept_back(
    connection: sqlite3.Connection, kind: str
) -> None:
    records = SqliteRecords(connection, lambda worker: worker == "me")
    for run_id in ("run_first", "run_paused"):
        records.add_run(new_run(run_id, created(workflow=WORKFLOW if run_id == "run_paused" else "workflow//other")))
    records.pause(WORKFLOW)
    for limit in (FULL, OF_RUNS, PACED):  # somebody has the only place, or was just now
        records.put(Message(f"first {limit.name}", "run_first", limit=limit), 1.0)
        [(_, _, claim)] = records.take("me", 10, NOW)
        if limit is not FULL:
            records.remove(claim)
    held_back(records, kind, FEW, 0)
    few = instructions(connection, lambda: look(records))
    held_back(records, kind, MANY, FEW)
    assert instructions(connection, lambda: look(records)) <= few * 2


def test_messages_that_no_limit_holds_come_at_the_same_cost_beside_many_that_one_does(
    connection: sqlite3.Connection,
) -> None:
    records = SqliteRecords(connection, lambda worker: worker == "me")
    records.put(Message("first", "run_first", limit=FULL), 1.0)
    assert len(records.take("me", 1, NOW)) == 1

    def one(name: str) -> int:
        records.put(Message(name, "run_free"), 2.0)
        return instructions(connection, lambda: taken.extend(records.take("me", 1, NOW)))

    taken: list[object] = []
    held_back(records, "full", FEW, 0)
    few = one("one")
    held_back(records, "full", MANY, FEW)
    assert one("two") <= few * 2
    assert len(taken) == 2
