"""What a step costs on Postgres, beside what its server asks for in any case: asyncpg commits of a single row, by 1 and by 16 connections.

``--grown 1000000`` first fills the tables with as many finished runs, and measures again: growth must cost nothing. ``--timers 1000`` shows what
runs cost that only wait. Each round measures all rows once; medians are shown, so that a disk that is slow for a while slows all alike.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg

from benchmarks.measured.flows import register
from benchmarks.measured.stage import Stage
from benchmarks.peers.postgres import postgres_server
from benchmarks.world_commits import step
from workflow_runtime.events import Event, EventKind
from workflow_runtime.handler.handler import Handler
from workflow_runtime.handler.steps import Steps
from workflow_runtime.ids import new_message_id, new_run_id
from workflow_runtime.worker import Worker
from workflow_runtime.worlds.base import Committed, Message
from workflow_runtime.worlds.postgres import PostgresWorld

AT_ONCE, RUNS, STEPS_EACH = 16, 200, 10
STEPS, COMMITS = 100, 200
IDLE = 10.0  # seconds
NEVER = 1e12
ROW = "INSERT INTO floor (data) VALUES ($1)"
FILL = """
WITH made AS (
    INSERT INTO workflow.runs (id, workflow, bundle, status, created_at, started_at, ended_at, slot)
    SELECT 'wrun_old_' || n, 'workflow//bench//old', 'b', 'completed', n, n, n + 1, 9 FROM generate_series($1::bigint, $2::bigint) AS n
    RETURNING seq
)
INSERT INTO workflow.events (run, slot, kind, time, entity, data, attempt)
SELECT made.seq, slot, kinds[slot], slot, CASE WHEN slot BETWEEN 3 AND 8 THEN 'step_' || slot / 3 ELSE '' END,
    '{"attempt":1,"output":"what the step gave, some sixty characters of it"}', CASE WHEN kinds[slot] LIKE 'step_%ed' THEN 1 END
FROM made, generate_series(1, 9) AS slot, (SELECT ARRAY['run_created', 'run_started', 'step_created', 'step_started', 'step_completed',
    'step_created', 'step_started', 'step_completed', 'run_completed']) AS of (kinds)
"""
FLOOR = "the floor: one row, one connection"
Figures = defaultdict[str, list[float]]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--grown", type=int, default=0, metavar="RUNS")
    parser.add_argument("--timers", type=int, default=0, metavar="RUNS")
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)
    with _server() as url:
        asyncio.run(_measure(url, chosen.rounds, chosen.grown, chosen.timers))


def measured(rounds: int) -> Figures:
    """The figures of empty tables, by the rows' names."""
    with _server() as url:
        return asyncio.run(_rounds(url, register(), rounds))


@contextmanager
def _server() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="bench-postgres-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the server is another user
        with postgres_server(folder) as url:
            yield url


async def _measure(url: str, rounds: int, grown: int, timers: int) -> None:
    steps = register()
    empty = await _rounds(url, steps, rounds)
    _show("empty tables" if grown else "", empty)
    if grown:
        await _fill(url, grown)
        full = await _rounds(url, steps, rounds)
        _show(f"{grown:,} finished runs", full)
        for row in ("a commit of a step in a row", "a step in a row"):
            print(f"{row}, in floors: {_in_floors(full, row) / _in_floors(empty, row):.2f} of what it was")
        await _explain(url)
    if timers:
        await _idle(url, steps, timers)


async def _rounds(url: str, steps: Steps, rounds: int) -> Figures:
    figures: Figures = defaultdict(list)
    async with _staged(url, steps) as (stage, world, connection):
        for _ in range(rounds):
            floor, commit = await _floor_and_commit(world, connection)
            figures[FLOOR].append(1e6 * floor)
            figures["a commit of a step in a row"].append(1e6 * commit)
            await _steps_in_a_row(stage, world, connection, figures)
            began = time.perf_counter()
            runs = await asyncio.gather(*(stage.start("in_a_row", STEPS_EACH) for _ in range(RUNS)))
            await asyncio.gather(*map(stage.end, runs))
            figures[f"steps of {AT_ONCE} runs at once"].append(RUNS * STEPS_EACH / (time.perf_counter() - began))
            figures["the floor: rows by 16 connections"].append(await _floor_of_many(url))
    return figures


async def _floor_and_commit(world: PostgresWorld, connection: asyncpg.Connection) -> tuple[float, float]:
    """Seconds of a row and of a commit of a run that no worker touches, in turns: a disk's moods hit both alike."""
    run_id, slot = new_run_id(), 1
    rows, commits = [], []
    created = Event(EventKind.RUN_CREATED, 1.0, "", {"workflow": "w", "bundle": "b", "input": None})
    await world.create_run(run_id, created, Message(new_message_id(), run_id, due=NEVER))
    for number in range(1, COMMITS + 1):
        began = time.perf_counter()
        await connection.execute(ROW, "x" * 200)
        rows.append(time.perf_counter() - began)
        began = time.perf_counter()
        answer = await world.commit(run_id, slot, step(number))
        commits.append(time.perf_counter() - began)
        slot += len(answer.events) if isinstance(answer, Committed) else 0
    return statistics.median(rows), statistics.median(commits)


async def _steps_in_a_row(stage: Stage, world: PostgresWorld, connection: asyncpg.Connection, figures: Figures) -> None:
    none = await stage.seconds("in_a_row", 0)
    before, asked = await _wal(connection), world.asked
    took = await stage.seconds("in_a_row", STEPS)
    figures["a step in a row"].append(1e6 * (took - none) / STEPS)
    figures["its round trips"].append((world.asked - asked) / STEPS)
    figures["its WAL"].append((await _wal(connection) - before) / STEPS)


@asynccontextmanager
async def _staged(url: str, steps: Steps) -> AsyncIterator[tuple[Stage, PostgresWorld, asyncpg.Connection]]:
    world = PostgresWorld(url)
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE IF NOT EXISTS floor (id bigserial PRIMARY KEY, data text)")
    await world.open()
    with ThreadPoolExecutor(1) as threads:
        async with Worker(world, Handler(world, steps, threads), concurrency=AT_ONCE).running():
            stage = Stage(world)  # type: ignore[arg-type]  # it asks for no more than a world has
            await stage.seconds("in_a_row", 10)
            yield stage, world, connection
    await world.close()
    await connection.close()


async def _rows(connection: asyncpg.Connection) -> None:
    for _ in range(COMMITS):
        await connection.execute(ROW, "x" * 200)


async def _floor_of_many(url: str) -> float:
    connections = [await asyncpg.connect(url) for _ in range(AT_ONCE)]
    began = time.perf_counter()
    await asyncio.gather(*map(_rows, connections))
    took = time.perf_counter() - began
    for connection in connections:
        await connection.close()
    return AT_ONCE * COMMITS / took


async def _wal(connection: asyncpg.Connection) -> int:
    return int(await connection.fetchval("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')"))


async def _fill(url: str, runs: int) -> None:
    connection = await asyncpg.connect(url)
    for first in range(1, runs + 1, 50_000):
        await connection.execute(FILL, first, min(first + 49_999, runs))
    await connection.execute("VACUUM (ANALYZE)")
    await connection.close()


async def _explain(url: str) -> None:
    """How the queue is looked through, and runs are listed, in full tables."""
    connection = await asyncpg.connect(url)
    queue = (
        "SELECT id FROM workflow.messages WHERE owner IS NULL AND limit_name IS NULL AND priority = 0 AND ready_at <= 1e12 "
        "ORDER BY ready_at, seq LIMIT 16 FOR UPDATE SKIP LOCKED"
    )
    listed = "SELECT * FROM workflow.runs WHERE status = 'failed' ORDER BY created_at DESC, seq DESC LIMIT 100"
    for query in (queue, listed):
        print(*(row[0] for row in await connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS) {query}")), sep="\n")
    await connection.close()


async def _idle(url: str, steps: Steps, timers: int) -> None:
    """What the server has to do while runs wait for a time that does not come."""
    async with _staged(url, steps) as (stage, world, connection):
        runs = await asyncio.gather(*(stage.start("nap", 3600.0) for _ in range(timers)))
        for _ in runs:  # until the last of them has fallen asleep
            depth = await world.queue_depth()
            if not depth.due + depth.in_hand:
                break
            await asyncio.sleep(0.2)
        before = world.asked
        await asyncio.sleep(IDLE)
        print(f"{timers:,} runs that wait: {(world.asked - before) / IDLE:.1f} questions a second")
        await connection.execute("SELECT 1")


def _in_floors(figures: Figures, row: str) -> float:
    """The median over the rounds of how many floors of the same round it is."""
    return statistics.median(one / floor for one, floor in zip(figures[row], figures[FLOOR], strict=True))


def unit_of(row: str) -> str:
    """The unit of a row's figures; none for numbers of things."""
    if "round" in row:
        return ""
    if "WAL" in row:
        return "bytes"
    return "a second" if "at once" in row or "16" in row else "µs"


def _show(title: str, figures: Figures) -> None:
    print(f"\n{title}".rstrip())
    for name, samples in figures.items():
        median = statistics.median(samples)
        unit = unit_of(name)
        beside = f"{_in_floors(figures, name):.2f} floors" if unit == "µs" else ""
        print(f"{name:40}{median:12,.1f} {unit:10}{beside}")


if __name__ == "__main__":
    main()
