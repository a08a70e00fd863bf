"""Promises about pausing what is delivered."""

from __future__ import annotations

import asyncio

import pytest

from workflow_runtime.errors import WorldError
from workflow_runtime.testing.harness import (
    A_WHILE,
    WORKFLOW,
    Harness,
    created,
    fresh,
    held,
    new_run,
    nothing_comes,
    take,
)
from workflow_runtime.worlds.base import Message, QueueDepth, World

OTHER = "workflow//shop.orders//refund"


async def _sent(world: World, run_id: str) -> Message:
    await world.send(message := Message(fresh("msg"), run_id))
    return message


class PausePromises:
    """``pause``, ``unpause``, ``paused``."""

    async def test_messages_of_a_paused_workflow_do_not_come(self, world: World, other: World) -> None:
        run, of_other = await new_run(world), await new_run(world, workflow=OTHER)
        before = await _sent(world, run.id)
        await world.pause(WORKFLOW)
        after = await _sent(world, run.id)
        kept = [await _sent(world, of_other.id), await _sent(world, "wrun_nobody")]
        assert [(await take(other)).message for _ in kept] == kept
        await nothing_comes(other)
        assert await other.take(before.id) is None
        assert await world.queue_depth() == QueueDepth(due=2, in_hand=2, delayed=0)
        waiting = asyncio.create_task(take(world))
        await asyncio.sleep(A_WHILE / 3)
        await other.unpause(WORKFLOW)
        assert [(await waiting).message, (await take(other)).message] == [before, after]

    async def test_runs_that_are_created_while_paused_wait(self, world: World) -> None:
        await world.pause(WORKFLOW)
        message = Message(fresh("msg"), run_id := fresh("wrun"))
        await world.create_run(run_id, created(), message)
        await nothing_comes(world)
        await world.unpause(WORKFLOW)
        assert (await take(world)).message == message

    async def test_what_is_in_hand_goes_on_and_does_not_come_again(self, world: World) -> None:
        run = await new_run(world)
        delivery, second = await held(world, run.id), await held(world, run.id)
        await world.pause(WORKFLOW)
        assert await delivery.extend()
        await delivery.ack()
        await second.again()
        await nothing_comes(world)
        await world.unpause(WORKFLOW)
        assert (await take(world)).message == second.message

    async def test_all_can_be_paused_at_once(self, world: World, other: World) -> None:
        run = await new_run(world)
        await world.pause()
        sent = [await _sent(world, run.id), await _sent(world, "wrun_nobody")]
        await nothing_comes(other)
        assert await other.take(sent[0].id) is None
        await other.unpause()
        assert [(await take(world)).message for _ in sent] == sent

    async def test_each_pause_is_taken_back_for_itself(self, world: World) -> None:
        run = await new_run(world)
        message = await _sent(world, run.id)
        await world.pause()
        await world.pause(WORKFLOW)
        await world.unpause()
        await nothing_comes(world)
        await world.pause()
        await world.unpause(WORKFLOW)
        await nothing_comes(world)
        await world.unpause()
        assert (await take(world)).message == message

    async def test_pausing_twice_is_pausing_once(self, world: World) -> None:
        run = await new_run(world)
        for workflow in ("", "", WORKFLOW, WORKFLOW):
            await world.pause(workflow)
        await _sent(world, run.id)
        await world.unpause()
        await world.unpause(WORKFLOW)
        await take(world)

    async def test_what_is_paused_is_known_to_all(self, world: World, harness: Harness) -> None:
        assert await world.paused() == []
        for workflow in (OTHER, "", "workflow//ü"):
            await world.pause(workflow)
        later = await harness.make()
        assert await later.paused() == sorted(["", OTHER, "workflow//ü"])
        await later.unpause(OTHER)
        await later.unpause("workflow//nobody")
        await later.unpause("\ud800")
        assert await world.paused() == ["", "workflow//ü"]
        await later.close()

    async def test_what_can_not_be_a_workflow_can_not_be_paused(self, world: World) -> None:
        with pytest.raises(WorldError):
            await world.pause("\ud800")
        assert await world.paused() == []
