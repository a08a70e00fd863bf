"""What is long: values over the server's limit for a message, batches of thousands of events, and the stream itself, which snapshots keep short."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from uuid import uuid4

import pytest

from tests.nats_servers import NatsServer, one_server
from tests.worlds.nats_harness import bystander
from tests.worlds.test_nats_processes import start_process
from workflow_runtime.errors import RunNotFoundError, WorldError
from workflow_runtime.testing.harness import (
    SOON,
    append,
    created,
    far_from_now,
    fresh,
    new_run,
    new_step,
    run_completed,
    step_completed,
    step_created,
)
from workflow_runtime.worlds.base import Message, NewRun, StartStatus, World
from workflow_runtime.worlds.nats import NatsOptions, NatsWorld, snapshots
from workflow_runtime.worlds.nats.replica import Replica

BIG = "ü" * 1_500_000  # three megabytes; a message may have one


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with one_server(tmp_path_factory.mktemp("nats")) as server:
        yield server


@pytest.fixture
def options(server: NatsServer) -> NatsOptions:
    return NatsOptions((server.address,), namespace=uuid4().hex, lease=60.0)


@pytest.fixture
async def world(options: NatsOptions) -> AsyncIterator[NatsWorld]:
    world = NatsWorld(options)
    await world.open()
    yield world
    await world.close()


@pytest.fixture
async def other(options: NatsOptions) -> AsyncIterator[NatsWorld]:
    world = NatsWorld(options)
    await world.open()
    yield world
    await world.close()


async def test_values_over_the_limit_of_a_message_come_back_whole(world: World, other: World) -> None:
    run = await world.create_run(fresh("wrun"), created(BIG), Message(fresh("msg"), "wrun_1", due=far_from_now()))
    await append(world, run.id, step_created("step_1", BIG + "1"), step_created("step_2", [BIG, BIG]))
    assert (await world.start_step(run.id, "step_2", "m", 0.0)).input == [BIG, BIG]
    assert await other.write_chunks(run.id, "s", [BIG.encode(), b"small", BIG.encode()]) == 0
    for place in (other, world):
        log = await place.load(run.id)
        assert [logged.data.get("input") for logged in log.events[:3]] == [BIG, BIG + "1", [BIG, BIG]]
        assert (await place.read_chunks(run.id, "s", 1)).chunks == (b"small", BIG.encode())


async def test_a_child_with_a_big_input_outlives_its_parent(world: World, other: World) -> None:
    parent = await new_run(world)
    child = NewRun(fresh("wrun"), created(BIG), Message(fresh("msg"), "wrun_1", due=far_from_now()))
    small = NewRun(fresh("wrun"), created("small"), child.message)
    await world.commit(parent.id, 1, [run_completed(time=1.0)], runs=[child, small])
    assert await world.delete_ended(2.0) == 1
    await _snapshot(world)
    assert (await other.load(child.id)).events[0].data["input"] == BIG
    assert (await other.load(small.id)).events[0].data["input"] == "small"


async def test_a_batch_of_thousands_lands_whole(world: World, other: World) -> None:
    run = await new_run(world)
    batch = [step_created(f"step_{number:06d}", number) for number in range(8_000)]
    await append(world, run.id, *batch)
    log = await other.load(run.id)
    assert [logged.data["input"] for logged in log.events[1:]] == list(range(8_000))
    stored = await other.load(run.id, after=7_000, limit=10)
    assert [logged.slot for logged in stored.events] == list(range(7_001, 7_011))


async def test_a_bundle_over_the_limit_of_a_message_is_kept(world: World, other: World) -> None:
    data = BIG.encode()
    await world.put_bundle("big", data)
    await other.put_bundle("big", b"another")
    assert await other.bundle("big") == data
    await world.put_bundle("empty", b"")
    assert await other.bundle("empty") == b""


async def test_the_stream_is_kept_short_and_who_comes_later_knows_all_the_same(options: NatsOptions) -> None:
    world = NatsWorld(replace(options, keep=100))
    await world.open()
    run = await new_step(world, "step_1", input="kept")
    await world.write_chunks(run.id, "s", [b"0", b"1"])
    for number in range(150):
        await world.send(Message(f"msg_{number}", run.id, due=far_from_now()))
    await asyncio.wait_for(_shortened(world), SOON)
    async with bystander(options) as link:
        later, now = [*snapshots.dump(link.replica)], [*snapshots.dump(await _caught_up(world))]
    assert later == now
    late = NatsWorld(options)
    await late.open()
    assert len(await late.list_messages(run.id)) == 150
    assert (await late.start_step(run.id, "step_1", "m", 0.0)).input == "kept"
    assert (await late.start_step(run.id, "step_1", "m", 0.0)).status is StartStatus.STARTED
    assert (await late.read_chunks(run.id, "s", 0)).chunks == (b"0", b"1")
    await append(late, run.id, step_completed("step_1", attempt=2))
    assert (await world.load(run.id)).events == (await late.load(run.id)).events
    await late.close()
    await world.close()


async def test_a_deleted_run_leaves_nothing_in_the_stream(world: NatsWorld) -> None:
    gone, kept = await new_step(world), await new_step(world)
    await world.write_chunks(gone.id, "s", [b"0"])
    for run in (gone, kept):
        await append(world, run.id, run_completed(time=5.0 if run is gone else 50.0))
    assert await world.delete_ended(10.0) == 1
    again = await world.create_run(gone.id, created("again"), Message(fresh("msg"), gone.id, due=far_from_now()))
    await _snapshot(world)
    assert (await world.load(again.id)).events[0].data["input"] == "again"
    link = world._live()
    found = await link.run(link.client.ask(f"STREAM.INFO.{link.client.stream}", {"subjects_filter": ">"}))
    subjects = {subject.removeprefix(f"{link.client.subject}."): n for subject, n in found["state"]["subjects"].items()}
    assert subjects.pop("queue", 0) < 3
    assert {subject: count for subject, count in subjects.items() if gone.id in subject} == {f"run.{gone.id}": 1}
    assert subjects[f"run.{kept.id}"] == 3


async def test_a_process_that_has_missed_what_was_removed_goes_on_with_the_snapshot(
    options: NatsOptions, world: NatsWorld
) -> None:
    process = start_process("look", options)
    try:
        run = await new_step(world)
        assert await asyncio.to_thread(process.ask, run.id) == "2 2 None"
        process.process.send_signal(signal.SIGSTOP)
        for number in range(30):
            await world.send(Message(f"msg_{number}", run.id))
        await world.start_step(run.id, "step_000001", "m", 0.0)
        await append(world, run.id, step_completed("step_000001", output="new"))
        await _cut_off(world)
        await _snapshot(world)
        process.process.send_signal(signal.SIGCONT)
        assert await asyncio.to_thread(process.ask, run.id) == "4 4 new"
    finally:
        process.process.kill()
        process.process.communicate()


async def test_messages_removed_by_hand_are_an_error_that_says_which(options: NatsOptions, world: NatsWorld) -> None:
    run = await new_run(world)
    link = world._live()
    await link.run(link.client.purge(f"{link.client.subject}.run.{run.id}", 1000))
    broken = NatsWorld(options)
    with pytest.raises(WorldError, match=r"lacks the messages from . to ., and no snapshot has them"):
        await broken.open()
    with pytest.raises(RunNotFoundError):
        await world.load("wrun_nobody")


async def test_a_stream_that_was_removed_and_made_anew_is_not_taken_for_the_old_one(
    options: NatsOptions, world: NatsWorld
) -> None:
    run = await new_run(world)
    link = world._live()
    await link.run(link.client.ask(f"STREAM.DELETE.{link.client.stream}"))
    with pytest.raises(WorldError, match="is not there any more"):
        await world.load(run.id)
    later = NatsWorld(options)
    await later.open()
    with pytest.raises(RunNotFoundError):
        await later.load(run.id)
    with pytest.raises(WorldError, match="removed and made anew"):
        await world.load(run.id)
    await later.close()


async def _snapshot(world: World) -> None:
    assert isinstance(world, NatsWorld)
    await world._live().lives.join()
    await world._live().run(world._live().lives.save())


async def _cut_off(world: NatsWorld) -> None:
    """Have the server forget those who do not listen: what it had sent them already is lost."""
    link = world._live()
    consumers = (await link.run(link.client.ask(f"CONSUMER.NAMES.{link.client.stream}")))["consumers"]
    mine = len(consumers)
    assert mine >= 2
    for name in consumers:
        await link.run(link.client.ask(f"CONSUMER.DELETE.{link.client.stream}.{name}"))


async def _shortened(world: NatsWorld) -> None:
    while world._live().replica.snapshot_at == 0:
        await world.load((await world.list_runs())[0].id)
        await asyncio.sleep(0.02)


async def _caught_up(world: NatsWorld) -> Replica:
    link = world._live()
    await link.barrier()
    return link.replica
