"""Limits, priorities and pauses hold over worker processes on one database, and over their deaths."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests import serving
from tests.e2e.workshop import Workshop, completed
from workflow_runtime.worlds.base import Log, RunStatus, World

FLOWS = dedent(
    """
    import asyncio
    import json
    import os
    import time

    from workflow_runtime import get_step_metadata, start, step, workflow


    def note(what: str, name: str) -> None:
        line = json.dumps({"what": what, "name": name, "pid": os.getpid(), "time": time.time()})
        file = os.open(os.environ["LEDGER"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.write(file, f"{line}\\n".encode())
        os.close(file)


    @step(concurrency=2)
    async def two(name: str, seconds: float) -> None:
        note("begin", name)
        await asyncio.sleep(seconds if get_step_metadata().attempt == 1 else 0.02)
        note("end", name)


    @step(rate="20/second")
    def paced(name: str) -> None:
        note("begin", name)


    @step
    def told(name: str) -> None:
        note("begin", name)


    @workflow
    async def crowd(name: str, count: int, seconds: float) -> None:
        await asyncio.gather(*[two(f"{name}{number}", seconds) for number in range(count)])


    @workflow
    async def pacing(name: str, count: int) -> None:
        await asyncio.gather(*[paced(f"{name}{number}") for number in range(count)])


    @workflow(concurrency=1)
    async def alone(name: str) -> None:
        await told(name)


    @workflow(
        rate="10/second",
    )
    async def often(name: str) -> None:
        await told(name)


    @workflow
    async def plain(name: str, children: int = 0) -> None:
        await told(name)
        runs = [await start(alone, f"{name}{number}") for number in range(children)]
        runs += [await start.options(priority=7)(often, f"{name}p")] if children else []
        for run in runs:
            await run.result()
    """
)
START = """
import asyncio, json, sys
import shop._workflow
from shop import flows
from workflow_runtime import start

async def main():
    for priority, name, *arguments in json.loads(sys.argv[1]):
        print((await start.options(priority=priority)(getattr(flows, name), *arguments)).id)

asyncio.run(main())
"""
Call = tuple[Any, ...]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, compiled."""
    folder = tmp_path_factory.mktemp("flow") / "project"
    (folder / "shop").mkdir(parents=True)
    (folder / "shop" / "__init__.py").touch()
    (folder / "shop" / "flows.py").write_text(FLOWS, "utf-8")
    (folder / "pyproject.toml").write_text('[project]\nname = "shop"\nversion = "1"\n', "utf-8")
    done = serving.build(folder, "--target", "worker")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def shop(built: Path, tmp_path: Path) -> Iterator[Workshop]:
    """That project with a database of this test's own."""
    made = Workshop(built, tmp_path)
    yield made
    made.close()


def started(shop: Workshop, *calls: Call, priority: int | None = None) -> list[str]:
    """The ids of runs, each given as the workflow's name and its arguments."""
    done = shop.python("-c", START, json.dumps([(priority, *call) for call in calls]))
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def most_at_once(shop: Workshop) -> int:
    """How many bodies were at work at once at most, those of dead processes left out from their deaths on."""
    inside: set[tuple[int, str]] = set()
    most = 0
    for entry in sorted(shop.ledger, key=lambda entry: entry.time):
        inside = {one for one in inside if entry.time < shop.deaths.get(one[0], entry.time + 1)}
        (inside.add if entry.what == "begin" else inside.discard)((entry.pid, entry.name))
        most = max(most, len(inside))
    return most


def loaded(shop: Workshop, run_ids: Sequence[str]) -> list[Log]:
    """The logs of these runs, as they are."""

    async def load(world: World) -> list[Log]:
        return [await world.load(run_id) for run_id in run_ids]

    return shop.ask(load)


def times(log: Log) -> tuple[float, float]:
    """When the run began and when it ended."""
    assert log.run.started_at is not None
    assert log.run.ended_at is not None
    return log.run.started_at, log.run.ended_at


def test_a_limit_holds_over_processes_and_over_their_deaths(shop: Workshop) -> None:
    runs = started(shop, ("crowd", "dies", 2, 30.0), *(("crowd", f"r{number}x", 6, 0.02) for number in range(4)))
    dying = shop.worker()
    shop.until(lambda: len(shop.noted) == 2)
    others = [shop.worker() for _ in range(2)]
    time.sleep(1.0)  # for them to see what they may not take
    assert set(shop.noted) == {"begin dies0", "begin dies1"}
    shop.kill(dying)
    others.append(shop.worker())
    assert all(map(completed, shop.until_ended(*runs)))
    assert most_at_once(shop) == 2
    assert {entry.name for entry in shop.ledger} == {"dies0", "dies1"} | {
        f"r{r}x{n}" for r in range(4) for n in range(6)
    }


def test_a_rate_holds_over_processes(shop: Workshop) -> None:
    workers = [shop.worker() for _ in range(3)]
    before = time.time()
    runs = started(shop, ("pacing", "a", 10), ("pacing", "b", 10))
    assert all(map(completed, shop.until_ended(*runs)))
    begun = sorted(entry.time for entry in shop.ledger)
    assert len(begun) == 20
    assert all(at >= before + number * 0.05 for number, at in enumerate(begun))
    assert all(worker.poll() is None for worker in workers)


def test_runs_of_a_limited_workflow_take_turns_whoever_starts_them(shop: Workshop) -> None:
    runs = started(shop, *(("alone", f"r{number}") for number in range(5)), ("plain", "parent", 3))
    for _ in range(2):
        shop.worker()
    assert all(map(completed, shop.until_ended(*runs)))
    infos = shop.ask(lambda world: world.list_runs(workflow="workflow//shop.flows//alone"))
    spans = sorted(times(log) for log in loaded(shop, [info.id for info in infos]))
    assert len(spans) == 8
    assert all(ended <= began for (_, ended), (began, _) in pairwise(spans))


def test_children_have_their_parents_priority_unless_they_are_given_one(shop: Workshop) -> None:
    [run_id] = started(shop, ("plain", "parent", 1), priority=3)
    shop.worker()
    shop.until_ended(run_id)
    runs = shop.ask(lambda world: world.list_runs())
    assert {run.workflow.rpartition("//")[2]: run.priority for run in runs} == {"plain": 3, "alone": 3, "often": 7}


def test_a_run_with_a_high_priority_overtakes_a_backlog(shop: Workshop) -> None:
    backlog = started(shop, *(("plain", f"low{number}") for number in range(10)))
    urgent = started(shop, ("plain", "urgent"), priority=5)
    last = started(shop, ("plain", "last"), priority=-5)
    shop.worker("--concurrency", "1")
    shop.until_ended(*backlog, *urgent, *last)
    names = [entry.name for entry in shop.ledger]
    assert names == ["urgent", *(f"low{number}" for number in range(10)), "last"]


def test_a_paused_workflow_waits_in_all_processes(shop: Workshop) -> None:
    for _ in range(2):
        shop.worker()
    shop.ask(lambda world: world.pause("workflow//shop.flows//plain"))
    paused = started(shop, *(("plain", f"paused{number}") for number in range(3)))
    free = started(shop, *(("alone", f"free{number}") for number in range(3)))
    shop.until_ended(*free)
    assert {entry.name for entry in shop.ledger} == {"free0", "free1", "free2"}
    assert {log.run.status for log in loaded(shop, paused)} == {RunStatus.PENDING}
    shop.ask(lambda world: world.unpause("workflow//shop.flows//plain"))
    assert all(map(completed, shop.until_ended(*paused)))
    assert sorted(entry.name for entry in shop.ledger if "paused" in entry.name) == ["paused0", "paused1", "paused2"]
