"""The one world of a process: whoever asks while it comes and goes gets one that works."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from workflow_runtime import process


@pytest.fixture(autouse=True)
def _own_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WORKFLOW_WORLD", f"sqlite:///{tmp_path / 'runs.db'}")
    monkeypatch.setattr(process, "_world", None)
    monkeypatch.setattr(process, "_holders", 0)


async def test_a_world_that_is_closed_while_somebody_opens_it_is_opened_anew() -> None:
    async with process.held_world() as held:
        real, opening, closed = held.open, asyncio.Event(), asyncio.Event()

        async def slow_open() -> None:
            opening.set()
            await closed.wait()
            await real()

        held.open = slow_open  # type: ignore[method-assign]  # the moment between asking and having
        asking = asyncio.create_task(process.process_world())
        await opening.wait()
    closed.set()
    world = await asking
    assert world is not held
    assert await world.list_runs() == []
    await world.close()


async def test_the_last_holder_closes_the_world_and_no_other_does() -> None:
    async with process.held_world() as first:
        async with process.held_world() as second:
            assert second is first
        assert await first.list_runs() == []
    async with process.held_world() as third:
        assert third is not first
