"""What a durable commit costs: the SQLite world beside a bare sqlite3 loop that writes the same rows with the same pragmas.

A commit here is what a step of a sequential workflow is: its outcome, and the creation and start of the next. ``--runs`` concurrent runs share
the writer, so many commits wait for the disk once. Medians over rounds that take turns, so that a noisy disk disturbs all alike.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path

from workflow_runtime.events import Event, EventKind
from workflow_runtime.worlds.base import Committed, Message
from workflow_runtime.worlds.encoding import encode_event
from workflow_runtime.worlds.memory import MemoryWorld
from workflow_runtime.worlds.sqlite import SqliteWorld
from workflow_runtime.worlds.sqlite import statements as sql
from workflow_runtime.worlds.sqlite.connect import open_writer

VALUE = {"args": ["a card", 1299, {"items": ["book", "pen"], "note": "x" * 120}]}


def step(number: int) -> list[Event]:
    """The events of one commit: a step ends, the next is created and started."""
    before, now = f"step_{number - 1:06d}", f"step_{number:06d}"
    return [
        Event(EventKind.STEP_COMPLETED, 1.0, before, {"attempt": 1, "output": VALUE}),
        Event(EventKind.STEP_CREATED, 1.0, now, {"step": "step//shop//charge", "input": VALUE}),
        Event(EventKind.STEP_STARTED, 1.0, now, {"attempt": 1, "message": "msg_1"}),
    ]


def bare(connection: sqlite3.Connection, run_id: str, commits: int) -> list[float]:
    """Seconds of each commit of the bare loop, on the world's own schema."""
    connection.execute(sql.ADD_RUN, (run_id, "w", "b", "running", 1.0, 1.0, None, 1, None, None, 0))
    slot, taken = 1, []
    for number in range(1, commits + 1):
        began = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        for event in step(number):
            slot += 1
            data = encode_event(event).data
            connection.execute(sql.ADD_EVENT, (run_id, slot, event.kind.value, 1.0, event.entity, data))
        for entity, status in ((f"step_{number - 1:06d}", "completed"), (f"step_{number:06d}", "running")):
            connection.execute(sql.SAVE_STEP, (run_id, entity, status, 1, 0, 0, "msg_1", 0.0, slot))
        connection.execute(sql.SAVE_SLOT, (slot, run_id))
        connection.execute("COMMIT")
        taken.append(time.perf_counter() - began)
    return taken


async def one_run(world: SqliteWorld | MemoryWorld, run_id: str, commits: int) -> list[float]:
    """Seconds of each of one run's commits, one after the other."""
    created = Event(EventKind.RUN_CREATED, 1.0, "", {"workflow": "w", "bundle": "b", "input": None})
    slot, taken = (await world.create_run(run_id, created, Message(f"msg_{run_id}", run_id))).slot, []
    for number in range(1, commits + 1):
        began = time.perf_counter()
        answer = await world.commit(run_id, slot, step(number))
        taken.append(time.perf_counter() - began)
        if not isinstance(answer, Committed):
            raise SystemExit(f"a commit was refused: {answer}")
        slot += len(answer.events)
    return taken


async def many_runs(world: SqliteWorld | MemoryWorld, prefix: str, runs: int, commits: int) -> list[float]:
    """The mean seconds per commit of ``runs`` at once."""
    began = time.perf_counter()
    await asyncio.gather(*(one_run(world, f"{prefix}_{n}", commits) for n in range(runs)))
    return [(time.perf_counter() - began) / (runs * commits)]


async def main(rounds: int, commits: int, runs: int) -> None:
    """Measure and print."""
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="world-commits-") as name:
        folder = Path(name)
        durable, memory = SqliteWorld(folder / "world.db"), MemoryWorld()
        await durable.open()
        await memory.open()
        connection = open_writer(folder / "bare.db", 10.0)
        for number in range(rounds):
            run_id = f"wrun_round_{number}"
            found.setdefault("bare sqlite3 loop", []).extend(bare(connection, run_id, commits))
            found.setdefault("sqlite, 1 run", []).extend(await one_run(durable, run_id, commits))
            found.setdefault(f"sqlite, {runs} runs", []).extend(await many_runs(durable, run_id, runs, commits // 4))
            found.setdefault("memory, 1 run", []).extend(await one_run(memory, run_id, commits))
        connection.close()
        transactions = durable.transactions
        await durable.close()
    floor = statistics.median(found["bare sqlite3 loop"])
    print(f"{'':20}{'µs per commit':>16}{'commits/s':>12}{'of bare':>14}")
    for name, seconds in found.items():
        median = statistics.median(seconds)
        print(f"{name:20}{median * 1e6:16.0f}{1 / median:12.0f}{median / floor:14.2f}")
    print(f"{transactions} transactions for {rounds * (commits + runs * (commits // 4))} commits")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--commits", type=int, default=400)
    parser.add_argument("--runs", type=int, default=16)
    chosen = parser.parse_args()
    asyncio.run(main(chosen.rounds, chosen.commits, chosen.runs))
