"""The schema is brought up to date once, by whoever comes first, and not by who must not."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import postgres_servers
from tests.worlds.conftest import PostgresHarness
from workflow_runtime.errors import WorldError
from workflow_runtime.testing.harness import append, created, fresh, new_run, step_created
from workflow_runtime.worlds.base import Message
from workflow_runtime.worlds.postgres import PostgresWorld, options_of
from workflow_runtime.worlds.postgres.migrating import migrate, migrations

ROOT = Path(__file__).parents[2]


@pytest.fixture
def harness() -> PostgresHarness:
    return PostgresHarness(postgres_servers.fresh_url())


def command(url: str) -> subprocess.Popen[str]:
    """``migrate`` in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "workflow_runtime", "migrate"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "WORKFLOW_WORLD": url},
    )


async def test_of_many_processes_that_migrate_at_once_each_file_is_applied_by_one(harness: PostgresHarness) -> None:
    processes = [command(harness.url) for _ in range(8)]
    said = await asyncio.gather(*(asyncio.to_thread(process.communicate) for process in processes))
    assert [process.returncode for process in processes] == [0] * 8, said
    applied = [line for out, _ in said for line in out.splitlines() if line.startswith("applied")]
    assert sorted(applied) == [f"applied {migration.name}" for migration in migrations()]
    world = await harness.make()
    await append(world, (await new_run(world)).id, step_created("step_000001"))
    await world.close()


async def test_migrating_twice_changes_nothing(harness: PostgresHarness) -> None:
    assert await migrate(options_of(harness.url)) == [migration.name for migration in migrations()]
    assert await migrate(options_of(harness.url)) == []


async def test_worlds_in_two_schemas_of_one_database_know_nothing_of_each_other(harness: PostgresHarness) -> None:
    other = PostgresWorld(postgres_servers.fresh_url())
    world = await harness.make()
    await other.open()
    run_id = fresh("wrun")
    for place in (world, other):
        assert (await place.create_run(run_id, created(), Message(fresh("msg"), run_id, due=1e12))).slot == 1
    await append(world, run_id, step_created("step_000001"))
    assert [(await place.load(run_id)).run.slot for place in (world, other)] == [2, 1]
    await world.close()
    await other.close()


async def test_a_world_that_must_not_migrate_says_who_is_to_do_it(harness: PostgresHarness) -> None:
    careful = PostgresWorld(f"{harness.url}&migrate=no")
    with pytest.raises(WorldError, match="run `python -m workflow_runtime migrate`"):
        await careful.open()
    assert await harness.execute("SELECT 1 FROM pg_namespace WHERE nspname = $1", careful.options.schema) == []
    await migrate(options_of(harness.url))
    await careful.open()
    await careful.close()


async def test_a_worker_goes_on_beside_one_that_knows_more(harness: PostgresHarness) -> None:
    await migrate(options_of(harness.url))
    known = migrations()[-1].number
    await harness.execute("INSERT INTO {schema}.migrations VALUES ($1, 'of the future', $2)", known + 1, known)
    world = await harness.make()
    await append(world, (await new_run(world)).id, step_created("step_000001"))
    await world.close()


async def test_a_worker_that_is_too_old_for_the_schema_says_so(harness: PostgresHarness) -> None:
    await migrate(options_of(harness.url))
    known = migrations()[-1].number
    await harness.execute("INSERT INTO {schema}.migrations VALUES ($1, 'a break', $1)", known + 1)
    with pytest.raises(
        WorldError, match=f"needs a worker that knows version {known + 1}, and .* knows {known} at most"
    ):
        await harness.make()


async def test_other_worlds_are_not_migrated_by_hand(tmp_path: Path) -> None:
    process = command(f"sqlite:///{tmp_path}/world.db")
    out, error = await asyncio.to_thread(process.communicate)
    assert (process.returncode, out) == (1, "")
    assert "only a Postgres world is migrated by hand" in error


def test_files_are_numbered_without_gaps_and_name_no_schema_but_the_default() -> None:
    found = migrations()
    assert [migration.number for migration in found] == list(range(1, len(found) + 1))
    for migration in found:
        assert migration.needs <= migration.number
        # What is created or touched is named with its schema, since nobody sets a search path.
        for made in re.findall(r"CREATE (?:TABLE|FUNCTION|OR REPLACE FUNCTION) (\S+?)[ (]", migration.sql):
            assert made.startswith("workflow."), f"{migration.name}: {made}"
        for touched in re.findall(r"(?:INSERT INTO|DELETE FROM|UPDATE) (\w\S*)", migration.sql):
            assert touched.startswith(("workflow.", "SET", "SKIP")), f"{migration.name}: {touched}"
