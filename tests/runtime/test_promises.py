"""The promises with numbers (design §11), on the real world."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import pytest

from workflow_runtime.events import Event
from workflow_runtime.handler.options import HandlerOptions
from workflow_runtime.machine.machine import Machine
from workflow_runtime.worlds.sqlite import SqliteWorld

SEQUENTIAL = "async def main(n):\n    for _ in range(n):\n        await a(n)\n    return n"
N = 50


async def one(n: Any) -> Any:
    return n


@pytest.fixture
async def sqlite_world(tmp_path: Any) -> Any:
    world = SqliteWorld(tmp_path / "runs.db")
    await world.open()
    yield world
    await world.close()


@pytest.fixture
def world(sqlite_world: Any) -> Any:
    return sqlite_world


async def test_n_sequential_steps_cost_one_invocation_one_message_and_at_most_n_plus_2_commits(
    host: Any, world: Any, tmp_path: Any
) -> None:
    app = host(SEQUENTIAL, a=one)
    run_id = await app.start(N)
    created = world.transactions
    sent = []
    connection = sqlite3.connect(tmp_path / "runs.db")
    connection.execute("CREATE TABLE sent (id TEXT)")
    connection.execute(
        "CREATE TRIGGER count_sends AFTER INSERT ON messages BEGIN INSERT INTO sent VALUES (new.id); END"
    )
    connection.commit()
    async with app.working():
        await world.wait_for_end(run_id, 60)
    sent = connection.execute("SELECT id FROM sent").fetchall()
    left = connection.execute("SELECT count(*) FROM messages").fetchone()
    connection.close()
    assert app.handler.invocations == 1
    assert sent == []  # the one message is the one that start() sent
    assert left == (0,)
    assert world.transactions - created <= N + 2
    events = (await app.log(run_id)).events
    assert [event.slot for event in events] == list(range(1, len(events) + 1))
    assert [event.kind.value for event in events].count("step_completed") == N


async def test_the_log_is_readable_json(host: Any, world: Any, tmp_path: Any) -> None:
    app = host("async def main(n):\n    return await a({'n': n})", a=one)
    await app.run(7)
    with sqlite3.connect(tmp_path / "runs.db") as connection:
        rows = connection.execute("SELECT kind, data FROM events ORDER BY slot").fetchall()
    connection.close()
    created = json.loads(dict(rows)["step_created"])
    assert created == {"step": "step//app//a", "input": {"args": [{"n": 7}]}}


@pytest.mark.parametrize("n", [0, 1, 100])
async def test_replay_of_a_log_feeds_each_event_once(host: Any, world: Any, monkeypatch: Any, n: Any) -> None:
    fed: list[Event] = []
    original = Machine.feed

    def counted(machine: Machine, event: Event, *, replaying: bool = False) -> None:
        fed.append(event)
        original(machine, event, replaying=replaying)

    monkeypatch.setattr(Machine, "feed", counted)
    app = host(SEQUENTIAL, a=one, options=HandlerOptions())
    run_id = await app.start(n)
    async with app.working():
        await world.wait_for_end(run_id, 60)
    assert len(fed) <= len((await app.log(run_id)).events)
