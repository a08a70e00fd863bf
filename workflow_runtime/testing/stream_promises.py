"""Promises about streams and bundles."""

from __future__ import annotations

import asyncio

import pytest

from workflow_runtime.errors import RunNotFoundError, StreamClosedError, WorldError, WriterLostError
from workflow_runtime.events import Event, EventKind
from workflow_runtime.testing.harness import (
    A_WHILE,
    SOON,
    Harness,
    append,
    event,
    fresh,
    new_run,
    new_step,
    run_cancelled,
    run_completed,
    run_continued,
    step_completed,
    step_retrying,
)
from workflow_runtime.worlds.base import Chunks, RunInfo, StreamInfo, StreamWriter, World

_STEP = "step_000001"
_LONG = 1000.0  # seconds that a reader would wait; that it comes back long before shows that it was woken
_STRANGE_NAMES = ["", "NUL \0 inside", "ü 😀 \u2028", "%_*?'\"`;--", "x" * 5000, "A", "a", "a\0"]
_STRANGE_CHUNKS = [b"", b"\0", b"\xff\xfe", "ü".encode(), b"x" * 300_000, b""]


async def _writing_step(world: World) -> tuple[RunInfo, StreamWriter]:
    run = await new_step(world)
    start = await world.start_step(run.id, _STEP, fresh("msg"), 0.0)
    return run, StreamWriter(run.id, _STEP, start.attempt)


class StreamPromises:
    """``write_chunks``, ``close_stream``, ``read_chunks``, ``list_streams``, ``put_bundle``, ``bundle``."""

    async def test_chunks_come_back_in_order_from_any_index(self, world: World, other: World) -> None:
        run = await new_run(world)
        assert await world.write_chunks(run.id, "s", [b"0", b"1"]) == 0
        assert await other.write_chunks(run.id, "s", [b"2"]) == 2
        assert await world.write_chunks(run.id, "s", []) == 3
        for place in (world, other):
            assert await place.read_chunks(run.id, "s", 0) == Chunks(0, (b"0", b"1", b"2"), closed=False)
            assert await place.read_chunks(run.id, "s", 2) == Chunks(2, (b"2",), closed=False)
            assert await place.read_chunks(run.id, "s", 0, limit=2) == Chunks(0, (b"0", b"1"), closed=False)
            assert await place.read_chunks(run.id, "s", 1, limit=1) == Chunks(1, (b"1",), closed=False)
            assert await place.read_chunks(run.id, "s", 3) == Chunks(3, (), closed=False)

    async def test_a_negative_index_is_from_the_end(self, world: World) -> None:
        run = await new_run(world)
        await world.write_chunks(run.id, "s", [b"0", b"1", b"2"])
        assert await world.read_chunks(run.id, "s", -1) == Chunks(2, (b"2",), closed=False)
        assert await world.read_chunks(run.id, "s", -2, limit=1) == Chunks(1, (b"1",), closed=False)
        assert await world.read_chunks(run.id, "s", -9) == Chunks(0, (b"0", b"1", b"2"), closed=False)
        assert await world.read_chunks(run.id, "nobody's", -1) == Chunks(0, (), closed=False)

    async def test_a_reader_wants_at_least_one_chunk(self, world: World) -> None:
        run = await new_run(world)
        for limit in (0, -1):
            with pytest.raises(ValueError, match="at least one"):
                await world.read_chunks(run.id, "s", 0, limit=limit)

    async def test_chunks_come_back_as_they_were(self, world: World) -> None:
        run = await new_run(world)
        await world.write_chunks(run.id, "s", _STRANGE_CHUNKS)
        assert (await world.read_chunks(run.id, "s", 0)).chunks == tuple(_STRANGE_CHUNKS)

    async def test_names_are_what_they_are(self, world: World) -> None:
        run, other = await new_run(world), await new_run(world)
        for number, name in enumerate(_STRANGE_NAMES):
            await world.write_chunks(run.id, name, [str(number).encode()])
        await world.write_chunks(other.id, "a", [b"other"])
        for number, name in enumerate(_STRANGE_NAMES):
            assert (await world.read_chunks(run.id, name, 0)).chunks == (str(number).encode(),)
        listed = await world.list_streams(run.id)
        assert listed == [StreamInfo(name, 1, closed=False) for name in sorted(_STRANGE_NAMES)]

    async def test_what_can_not_be_stored_is_refused(self, world: World) -> None:
        run = await new_run(world)
        with pytest.raises(WorldError):
            await world.write_chunks(run.id, "\ud800", [b"0"])
        with pytest.raises(WorldError):
            await world.close_stream(run.id, "\ud800")
        for chunk in ("text", 7, None, [b"0"]):
            with pytest.raises(WorldError):
                await world.write_chunks(run.id, "s", [b"0", chunk])  # type: ignore[list-item]  # that is the test
        assert await world.list_streams(run.id) == []
        assert await world.read_chunks(run.id, "\ud800", 0) == Chunks(0, (), closed=False)

    async def test_streams_of_a_run_that_is_not_there_raise(self, world: World) -> None:
        for run_id in ("wrun_nobody", "wrun_\ud800"):
            with pytest.raises(RunNotFoundError):
                await world.write_chunks(run_id, "s", [b"0"])
            with pytest.raises(RunNotFoundError):
                await world.close_stream(run_id, "s")
            with pytest.raises(RunNotFoundError):
                await world.read_chunks(run_id, "s", 0, wait=_LONG)
            with pytest.raises(RunNotFoundError):
                await world.list_streams(run_id)

    async def test_nothing_follows_in_a_closed_stream(self, world: World, other: World) -> None:
        run = await new_run(world)
        await world.write_chunks(run.id, "s", [b"0", b"1"])
        await world.close_stream(run.id, "s")
        await other.close_stream(run.id, "s")
        await world.close_stream(run.id, "empty")
        for place in (world, other):
            for name in ("s", "empty"):
                with pytest.raises(StreamClosedError):
                    await place.write_chunks(run.id, name, [b"2"])
        assert await world.read_chunks(run.id, "s", 0) == Chunks(0, (b"0", b"1"), closed=True)
        assert await world.read_chunks(run.id, "s", 0, limit=1) == Chunks(0, (b"0",), closed=False)
        assert await world.read_chunks(run.id, "s", 2) == Chunks(2, (), closed=True)
        assert await world.read_chunks(run.id, "s", 9, wait=_LONG) == Chunks(9, (), closed=True)
        assert await world.list_streams(run.id) == [StreamInfo("empty", 0, True), StreamInfo("s", 2, True)]

    @pytest.mark.parametrize(
        "end", [run_completed(), run_continued("wrun_next"), run_cancelled()], ids=lambda e: e.kind
    )
    async def test_the_end_of_a_run_closes_its_streams(self, world: World, end: Event) -> None:
        run = await new_run(world)
        await world.write_chunks(run.id, "s", [b"0"])
        if end.kind is EventKind.RUN_CANCELLED:
            await world.record(run.id, end)
        else:
            await append(world, run.id, end)
        for name in ("s", "never written to"):
            with pytest.raises(StreamClosedError):
                await world.write_chunks(run.id, name, [b"1"])
            await world.close_stream(run.id, name)
        assert await world.read_chunks(run.id, "s", 0) == Chunks(0, (b"0",), closed=True)
        assert await world.read_chunks(run.id, "never written to", 0, wait=_LONG) == Chunks(0, (), closed=True)
        assert await world.list_streams(run.id) == [StreamInfo("s", 1, closed=True)]

    async def test_writers_at_once_lose_nothing_and_keep_their_chunks_together(
        self, world: World, other: World
    ) -> None:
        run = await new_run(world)
        batches = [[f"{n}.{m}".encode() for m in range(5)] for n in range(10)]
        firsts = await asyncio.gather(
            *((world, other)[n % 2].write_chunks(run.id, "s", batch) for n, batch in enumerate(batches))
        )
        chunks = (await world.read_chunks(run.id, "s", 0)).chunks
        assert len(chunks) == 50
        assert [list(chunks[first : first + 5]) for first in firsts] == batches

    @pytest.mark.parametrize("what", ["chunk", "close", "end of the run"])
    async def test_a_reader_waits_for_what_comes_here_or_elsewhere(self, world: World, other: World, what: str) -> None:
        run = await new_run(world)
        await world.write_chunks(run.id, "s", [b"0"])
        places = [(world, "s", 1), (other, "s", 1), (world, "new", 0)]
        waiting = [asyncio.create_task(p.read_chunks(run.id, n, start, wait=_LONG)) for p, n, start in places]
        await asyncio.sleep(A_WHILE)
        await world.write_chunks(run.id, "another stream", [b"0"])
        assert not any(task.done() for task in waiting)
        for name in ("s", "new"):
            if what == "chunk":
                await other.write_chunks(run.id, name, [b"1", b"2"])
            elif what == "close":
                await other.close_stream(run.id, name)
        if what == "end of the run":
            await append(other, run.id, run_completed())
        got = await asyncio.wait_for(asyncio.gather(*waiting), SOON)
        if what == "chunk":
            assert got == [
                Chunks(1, (b"1", b"2"), False),
                Chunks(1, (b"1", b"2"), False),
                Chunks(0, (b"1", b"2"), False),
            ]
        else:
            assert got == [Chunks(1, (), True), Chunks(1, (), True), Chunks(0, (), True)]

    async def test_a_reader_that_waits_past_the_end_waits_for_its_own_index(self, world: World) -> None:
        run = await new_run(world)
        waiting = asyncio.create_task(world.read_chunks(run.id, "s", 2, wait=_LONG))
        for number in range(3):
            await asyncio.sleep(A_WHILE / 3)
            assert not waiting.done()
            await world.write_chunks(run.id, "s", [str(number).encode()])
        assert await asyncio.wait_for(waiting, SOON) == Chunks(2, (b"2",), closed=False)

    async def test_a_reader_gives_up_when_its_time_is_up(self, world: World) -> None:
        run = await new_run(world)
        await world.write_chunks(run.id, "s", [b"0"])
        for wait in (0.0, 0.05):
            assert await asyncio.wait_for(world.read_chunks(run.id, "s", 1, wait=wait), SOON) == Chunks(1, (), False)

    async def test_many_readers_follow_one_writer(self, world: World, other: World) -> None:
        run = await new_run(world)

        async def follow(place: World) -> list[bytes]:
            read: list[bytes] = []
            while True:
                got = await place.read_chunks(run.id, "s", len(read), limit=3, wait=_LONG)
                assert got.start == len(read)
                read += got.chunks
                if got.closed:
                    return read

        readers = [asyncio.create_task(follow((world, other)[n % 2])) for n in range(6)]
        sent = [str(n).encode() for n in range(40)]
        for chunk in sent:
            await world.write_chunks(run.id, "s", [chunk])
        await world.close_stream(run.id, "s")
        assert await asyncio.wait_for(asyncio.gather(*readers), SOON) == [sent] * 6

    async def test_an_attempt_that_runs_can_write_and_close_in_any_run(self, world: World) -> None:
        run, writer = await _writing_step(world)
        other = await new_run(world)
        for run_id in (run.id, other.id):
            assert await world.write_chunks(run_id, "s", [b"0"], writer=writer) == 0
            await world.close_stream(run_id, "s", writer=writer)
            assert (await world.read_chunks(run_id, "s", 0)).closed

    @pytest.mark.parametrize(
        "lost", ["taken over", "retrying", "completed", "cancelled", "run ended", "never started", "unknown", "no run"]
    )
    async def test_an_attempt_that_does_not_run_any_more_can_neither_write_nor_close(
        self, world: World, lost: str
    ) -> None:
        run, writer = await _writing_step(world)
        stream = await new_run(world)
        await world.write_chunks(stream.id, "s", [b"0"], writer=writer)
        if lost == "taken over":
            await world.start_step(run.id, _STEP, fresh("msg"), 0.0)
        elif lost == "retrying":
            await world.record(run.id, step_retrying(_STEP))
        elif lost == "completed":
            await world.record(run.id, step_completed(_STEP))
        elif lost == "cancelled":
            await append(world, run.id, event(EventKind.STEP_CANCELLED, _STEP))
        elif lost == "run ended":
            await append(world, run.id, run_completed())
        elif lost == "never started":
            writer = StreamWriter((await new_step(world)).id, _STEP, 0)
        elif lost == "unknown":
            writer = StreamWriter(run.id, "unknown", 1)
        else:
            writer = StreamWriter("wrun_nobody", _STEP, 1)
        for name in ("s", "new"):
            with pytest.raises(WriterLostError):
                await world.write_chunks(stream.id, name, [b"1"], writer=writer)
            with pytest.raises(WriterLostError):
                await world.close_stream(stream.id, name, writer=writer)
        assert await world.list_streams(stream.id) == [StreamInfo("s", 1, closed=False)]

    async def test_the_attempt_that_took_over_goes_on_where_the_last_one_stopped(self, world: World) -> None:
        run, writer = await _writing_step(world)
        await world.write_chunks(run.id, "s", [b"0"], writer=writer)
        start = await world.start_step(run.id, _STEP, fresh("msg"), 0.0)
        assert await world.write_chunks(run.id, "s", [b"1"], writer=StreamWriter(run.id, _STEP, start.attempt)) == 1

    async def test_streams_outlive_the_world_that_wrote_them(self, world: World, harness: Harness) -> None:
        dying, run = await harness.make(), await new_run(world)
        await dying.write_chunks(run.id, "s", [b"0"])
        await dying.put_bundle("h", b"bundle")
        await harness.crash(dying)
        assert (await world.read_chunks(run.id, "s", 0)).chunks == (b"0",)
        assert await world.bundle("h") == b"bundle"

    async def test_a_bundle_is_kept_as_it_was_put_first_until_it_is_replaced(self, world: World, other: World) -> None:
        assert await world.bundle("hash") is None
        await world.put_bundle("hash", b"\0first\xff")
        await other.put_bundle("hash", b"second")
        await other.put_bundle("empty", b"")
        for place in (world, other):
            assert await place.bundle("hash") == b"\0first\xff"
            assert await place.bundle("empty") == b""
        await other.put_bundle("hash", b"third", replace=True)
        await other.put_bundle("new", b"fresh", replace=True)
        for place in (world, other):
            assert (await place.bundle("hash"), await place.bundle("new")) == (b"third", b"fresh")
        assert await world.bundle("\ud800") is None
        with pytest.raises(WorldError):
            await world.put_bundle("\ud800", b"")
