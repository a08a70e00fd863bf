"""A whole world, checked: nothing is wrong after real work, and what is taken away from the queue is missed."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from workflow_runtime import histories
from workflow_runtime.events import Event, EventKind
from workflow_runtime.histories import Fault, check_world
from workflow_runtime.worlds.base import Message
from workflow_runtime.worlds.sqlite import SqliteWorld

K = EventKind
DATA = {"workflow": "workflow//shop//checkout", "bundle": "b", "input": {}}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[SqliteWorld]:
    made = SqliteWorld(tmp_path / "runs.db")
    await made.open()
    yield made
    await made.close()


async def begun(world: SqliteWorld, run_id: str, *events: Event, sends: tuple[Message, ...] = ()) -> None:
    """A run whose first message has been handled: it left these events and messages."""
    await world.create_run(run_id, Event(K.RUN_CREATED, 1.0, "", DATA), Message(f"wmsg_{run_id}", run_id))
    delivery = await world.take(f"wmsg_{run_id}")
    await world.commit(run_id, 1, [Event(K.RUN_STARTED, 1.0), *events], sends=sends, ack=delivery)


async def faults(world: SqliteWorld) -> list[Fault]:
    return [fault async for _, found in check_world(world) for fault in found]


async def test_runs_that_have_what_carries_them_on_are_right(world: SqliteWorld) -> None:
    step = Event(K.STEP_CREATED, 1.0, "step_000001", {"step": "s", "input": {}})
    wait = Event(K.WAIT_CREATED, 1.0, "wait_000001", {"until": 9e9})
    watch = Event(K.WATCH_CREATED, 1.0, "watch_000001", {"run": "wrun_new"})
    hook = Event(K.HOOK_CREATED, 1.0, "hook_000001", {"token": "t"})
    await begun(world, "wrun_step", step, sends=(Message("wmsg_a", "wrun_step", "step_000001", "s"),))
    await begun(world, "wrun_wait", wait, sends=(Message("wmsg_b", "wrun_wait", key="wrun_wait:wait_000001", due=9e9),))
    await begun(world, "wrun_hook", hook)
    await begun(world, "wrun_over", Event(K.RUN_COMPLETED, 2.0, "", {"output": 1}))
    await world.create_run("wrun_new", Event(K.RUN_CREATED, 1.0, "", DATA), Message("wmsg_c", "wrun_new", due=9e9))
    await begun(world, "wrun_watch", watch)

    assert await faults(world) == []


@pytest.mark.parametrize(
    ("events", "what"),
    [
        (
            (Event(K.STEP_CREATED, 1.0, "step_000001", {"step": "s", "input": {}}),),
            "no message will carry step_000001 on",
        ),
        ((Event(K.WAIT_CREATED, 1.0, "wait_000001", {"until": 9e9}),), "no message will end wait_000001"),
        ((), "nothing will carry it on"),
    ],
)
async def test_a_run_that_lacks_its_message_is_told(world: SqliteWorld, events: tuple[Event, ...], what: str) -> None:
    await begun(world, "wrun_1", *events)

    assert await faults(world) == [Fault("wrun_1", 0, what)]


async def test_a_watch_of_a_run_that_is_over_lacks_its_news(world: SqliteWorld, tmp_path: Path) -> None:
    await begun(world, "wrun_over", Event(K.RUN_COMPLETED, 2.0, "", {"output": 1}))
    await begun(world, "wrun_1", Event(K.WATCH_CREATED, 1.0, "watch_000001", {"run": "wrun_over"}))
    assert await faults(world) == []

    with sqlite3.connect(tmp_path / "runs.db") as other:
        other.execute("DELETE FROM messages")

    assert await faults(world) == [Fault("wrun_1", 0, "no message will tell watch_000001 that wrun_over has ended")]


async def test_messages_of_runs_that_are_over_or_gone_are_told(world: SqliteWorld) -> None:
    await begun(world, "wrun_1", Event(K.RUN_COMPLETED, 2.0, "", {"output": 1}))
    await world.send(Message("wmsg_late", "wrun_1"))
    await world.send(Message("wmsg_lost", "wrun_none"))

    assert [str(fault) for fault in await faults(world)] == [
        "wrun_1: message wmsg_late is left of a run that is over",
        "wrun_none: message wmsg_lost is about a run that is not there",
    ]


async def test_a_message_that_somebody_had_in_hand_when_its_run_was_cancelled_is_right(
    world: SqliteWorld, tmp_path: Path
) -> None:
    step = Event(K.STEP_CREATED, 1.0, "step_000001", {"step": "s", "input": {}})
    await begun(world, "wrun_1", step, sends=(Message("wmsg_a", "wrun_1", "step_000001", "s"),))
    assert await world.take("wmsg_a") is not None
    await world.record("wrun_1", Event(K.RUN_CANCELLED, 2.0, "", {"reason": None}))
    assert await faults(world) == []

    await world.close()  # which gives it back, as the death of its process would: it comes again, and is acked
    again = SqliteWorld(tmp_path / "runs.db")
    await again.open()
    assert len(await again.list_messages("wrun_1")) == 1
    assert await faults(again) == []
    await again.close()


async def test_runs_may_be_removed_while_the_world_is_looked_through(
    world: SqliteWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As retention does: the last run of a page, and one whose message was seen."""
    monkeypatch.setattr(histories, "PAGE", 2)
    for number in range(5):
        await begun(world, f"wrun_{number}", Event(K.RUN_COMPLETED, 2.0 + number, "", {"output": 1}))
    seen = []
    async for run, found in check_world(world):
        assert found == []
        seen.append(run.id)
        if run.id == "wrun_3":
            with sqlite3.connect(world.path) as other:
                other.execute("DELETE FROM runs WHERE id = 'wrun_3'")

    assert set(seen) == {f"wrun_{number}" for number in range(5)}


async def test_the_command_says_what_it_found_and_exits_accordingly(world: SqliteWorld, tmp_path: Path) -> None:
    def command(*options: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "workflow_runtime", "check", *options],
            env={**os.environ, "WORKFLOW_WORLD": f"sqlite:///{tmp_path / 'runs.db'}"},
            capture_output=True,
            text=True,
            check=False,
        )

    await begun(world, "wrun_1", Event(K.RUN_COMPLETED, 2.0, "", {"output": 1}))
    right = await asyncio.to_thread(command)
    await begun(world, "wrun_2")
    wrong = await asyncio.to_thread(command, "--json")

    assert (right.returncode, right.stdout) == (0, "1 runs, 3 events: all as they must be\n"), right.stderr
    assert (wrong.returncode, wrong.stdout) == (
        1,
        '{"run": "wrun_2", "slot": 0, "fault": "nothing will carry it on"}\n',
    ), wrong.stderr
