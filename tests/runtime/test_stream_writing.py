"""One attempt's chunks on their way into the world: grouped, bounded, in order, and never lost in silence."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from workflow_runtime.chunks import chunk_of, json_text, value_of
from workflow_runtime.context import CallOff
from workflow_runtime.errors import SerializationError, StreamClosedError, WorkflowError, WorldError, WriterLostError
from workflow_runtime.stream_writer import UNFLUSHED_BYTES
from workflow_runtime.stream_writing import attempt_streams, current_streams
from workflow_runtime.streams import Stream
from workflow_runtime.worlds.base import StreamWriter

BY = StreamWriter("wrun_1", "step_000001", 1)
STREAM = Stream("wrun_1", "log")


@dataclass
class Gate:
    """The part of a world that writers see; its writes wait while it is shut, take ``lag`` seconds, and fail with ``error``, or
    because the stream has ``ended``.
    """

    groups: list[list[Any]] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    ended: bool = False
    error: Exception | None = None
    lag: float = 0.0

    def __post_init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()

    def close_gate(self) -> None:
        self._open.clear()

    def open_gate(self) -> None:
        self._open.set()

    @property
    def values(self) -> list[Any]:
        return [value for group in self.groups for value in group]

    async def write_chunks(
        self, run_id: str, name: str, chunks: Sequence[bytes], *, writer: StreamWriter | None = None
    ) -> int:
        assert writer == BY
        await self._open.wait()
        await asyncio.sleep(self.lag)
        if self.error is not None:
            raise self.error
        if self.ended:
            raise StreamClosedError(run_id, name)
        self.groups.append([value_of(chunk, "chunk") for chunk in chunks])
        return 0

    async def close_stream(self, run_id: str, name: str, *, writer: StreamWriter | None = None) -> None:
        assert writer == BY
        self.closed.append(name)


@pytest.fixture
async def gate() -> Gate:
    return Gate()


def attempt(gate: Gate, *, taken_over: bool = False) -> Any:
    return attempt_streams(gate, BY, CallOff(), taken_over=taken_over)  # type: ignore[arg-type]  # writers see no more of a world than this


async def failing(gate: Gate, *, closes: bool = False) -> None:
    async with attempt(gate):
        await STREAM.write("half")
        if closes:
            await STREAM.close()
        raise ZeroDivisionError


async def test_the_first_chunk_goes_at_once_and_those_that_follow_go_together(gate: Gate) -> None:
    async with attempt(gate):
        for number in range(100):
            await STREAM.write(number)
    assert gate.values == [*range(100)]
    assert gate.groups[0] == [0]
    assert len(gate.groups) <= 3


async def test_a_chunk_after_a_pause_does_not_wait_for_company(gate: Gate) -> None:
    async with attempt(gate):
        await STREAM.write("a")
        await asyncio.sleep(0.05)
        assert gate.values == ["a"]
        await STREAM.write("b")
        await asyncio.sleep(0)
        assert gate.values == ["a", "b"]


async def test_a_megabyte_in_small_chunks_takes_few_writes(gate: Gate) -> None:
    async with attempt(gate):
        for _ in range(16_384):
            await STREAM.write(b"x" * 64)
    assert len(gate.values) == 16_384
    assert len(gate.groups) < 40


async def test_a_write_waits_while_too_much_is_on_its_way(gate: Gate) -> None:
    gate.close_gate()
    async with attempt(gate):
        await STREAM.write(b"x" * (UNFLUSHED_BYTES // 2))
        late = asyncio.create_task(STREAM.write(b"y" * UNFLUSHED_BYTES))
        later = asyncio.create_task(STREAM.write(b"z"))
        await asyncio.sleep(0.05)
        assert not late.done()
        assert not later.done()
        gate.open_gate()
        await asyncio.wait_for(asyncio.gather(late, later), 10)
    assert [value[:1] for value in gate.values] == [b"x", b"y", b"z"]


async def test_flush_returns_when_what_was_written_before_it_is_stored(gate: Gate) -> None:
    async with attempt(gate):
        await STREAM.write(1)
        await STREAM.write(2)
        await STREAM.flush()
        assert gate.values == [1, 2]


async def test_flush_does_not_wait_for_what_others_write_after_it(gate: Gate) -> None:
    async def babble() -> None:
        while True:
            await STREAM.write("more")
            await asyncio.sleep(0)

    async with attempt(gate):
        other = asyncio.create_task(babble())
        await asyncio.sleep(0.02)
        await asyncio.wait_for(STREAM.flush(), 10)
        other.cancel()
        await asyncio.gather(other, return_exceptions=True)


async def test_the_attempt_is_over_only_when_its_chunks_are_stored(gate: Gate) -> None:
    over = False

    async def body() -> None:
        nonlocal over
        async with attempt(gate):
            await STREAM.write("last")
        over = True

    gate.close_gate()
    task = asyncio.create_task(body())
    await asyncio.sleep(0.05)
    assert not over
    gate.open_gate()
    await asyncio.wait_for(task, 10)
    assert gate.values == ["last"]


async def test_a_flush_that_fails_is_told_at_the_next_write_and_only_there(gate: Gate) -> None:
    gate.error, gate.lag = WorldError("disk full"), 0.005
    async with attempt(gate):
        await STREAM.write(1)
        await asyncio.sleep(0.05)
        with pytest.raises(WorldError, match="disk full"):
            await STREAM.write(2)
        gate.error = None
        with pytest.raises(WorldError, match="disk full"):  # a chunk is missing: none may follow it
            await STREAM.write(3)
    assert gate.values == []


async def test_a_flush_that_fails_after_the_last_write_fails_the_attempt(gate: Gate) -> None:
    gate.error, gate.lag = WorldError("disk full"), 0.005
    with pytest.raises(WorldError, match="disk full"):
        async with attempt(gate):
            await STREAM.write(1)


async def test_a_failing_flush_wakes_writers_that_wait(gate: Gate) -> None:
    gate.close_gate()
    gate.error = WorldError("disk full")
    async with attempt(gate):
        task = asyncio.create_task(STREAM.write(b"x" * (UNFLUSHED_BYTES + 1)))
        await asyncio.sleep(0.01)
        gate.open_gate()
        with pytest.raises(WorldError):
            await asyncio.wait_for(task, 10)


async def test_an_attempt_that_fails_leaves_what_it_wrote_and_closes_nothing(gate: Gate) -> None:
    with pytest.raises(ZeroDivisionError):
        await failing(gate, closes=True)
    assert gate.values == ["half"]
    assert gate.closed == []


async def test_the_error_of_the_body_outlives_that_of_its_chunks(gate: Gate, caplog: pytest.LogCaptureFixture) -> None:
    gate.error, gate.lag = WorldError("disk full"), 0.005
    with pytest.raises(ZeroDivisionError):
        await failing(gate)
    assert "disk full" in caplog.text


async def test_an_attempt_that_is_called_off_waits_for_no_chunk(gate: Gate) -> None:
    async def body() -> None:
        async with attempt(gate):
            await STREAM.write("never stored")
            await asyncio.Event().wait()

    gate.close_gate()
    task = asyncio.create_task(body())
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 10)
    gate.open_gate()
    await asyncio.sleep(0.02)
    assert gate.values == []


async def test_what_still_waits_when_an_attempt_is_called_off_is_told(gate: Gate) -> None:
    waiting: list[asyncio.Task[None]] = []

    async def body() -> None:
        async with attempt(gate):
            waiting.append(asyncio.create_task(STREAM.write(b"x" * (UNFLUSHED_BYTES + 1))))
            await asyncio.Event().wait()

    gate.close_gate()
    task = asyncio.create_task(body())
    await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    with pytest.raises(WriterLostError):
        await asyncio.wait_for(waiting[0], 10)


async def test_streams_are_closed_with_success_and_closing_twice_is_closing_once(gate: Gate) -> None:
    async with attempt(gate):
        await STREAM.write(1)
        await STREAM.close()
        await STREAM.close()
        assert gate.values == [1]
        assert gate.closed == []
        with pytest.raises(StreamClosedError):
            await STREAM.write(2)
    assert gate.closed == ["log"]
    assert gate.values == [1]


async def test_an_attempt_whose_predecessor_died_after_it_closed_the_stream_writes_nothing_twice(gate: Gate) -> None:
    gate.ended = True
    async with attempt(gate, taken_over=True):
        for number in range(3):
            await STREAM.write(number)
        await STREAM.flush()
        await STREAM.write(3)
        await STREAM.close()
    assert gate.values == []


async def test_a_stream_that_is_closed_under_an_attempt_that_took_over_is_an_error(gate: Gate) -> None:
    async with attempt(gate, taken_over=True):
        await STREAM.write(1)
        await STREAM.flush()
        gate.ended = True
        with pytest.raises(StreamClosedError):
            await write_and_flush(2)


async def write_and_flush(value: object) -> None:
    await STREAM.write(value)
    await STREAM.flush()


async def test_a_task_that_outlives_its_step_can_not_write(gate: Gate) -> None:
    async with attempt(gate):
        stray = asyncio.create_task(write_later())
    with pytest.raises(WriterLostError):
        await stray


async def write_later() -> None:
    await asyncio.sleep(0.02)
    await STREAM.write("too late")


async def test_a_thread_writes_through_the_loop_of_its_attempt(gate: Gate) -> None:
    def body() -> None:
        STREAM.write_sync(1)
        STREAM.write_sync(b"2")
        asyncio.run(on_a_loop_of_its_own())
        STREAM.close_sync()

    async def on_a_loop_of_its_own() -> None:
        await STREAM.write(3)
        await STREAM.flush()

    async with attempt(gate):
        await asyncio.to_thread(body)
    assert gate.values == [1, b"2", 3]
    assert gate.closed == ["log"]


async def test_writing_synchronously_on_an_event_loop_says_to_await(gate: Gate) -> None:
    async with attempt(gate):
        with pytest.raises(WorkflowError, match="await write"):
            STREAM.write_sync(1)


async def test_only_steps_write() -> None:
    assert current_streams() is None
    with pytest.raises(WorkflowError, match="outside of a step"):
        await STREAM.write(1)


async def test_what_can_not_be_stored_is_refused_where_it_is_written(gate: Gate) -> None:
    async with attempt(gate):
        with pytest.raises(SerializationError, match=r"chunk of stream 'log'\[0\]"):
            await STREAM.write([object()])
    assert gate.values == []


@pytest.mark.parametrize("value", [b"", b"\x00\x01", "", "ü\ud800", None, 1.5, {"a": [1]}, bytearray(b"x"), (1, 2)])
def test_a_chunk_gives_back_what_was_written(value: object) -> None:
    chunk = chunk_of(value, "chunk")
    found = value_of(chunk, "chunk")
    assert found == value
    assert type(found) is type(value)


def test_a_chunk_is_one_line_of_json() -> None:
    assert json_text(chunk_of({"a": "b\nc"}, "chunk"), "chunk") == b'{"a":"b\\nc"}'
    assert json_text(chunk_of(b"hi", "chunk"), "chunk") == b'{"$type":"bytes","value":"aGk="}'


def test_a_chunk_of_another_version_is_refused() -> None:
    with pytest.raises(SerializationError, match="upgrade"):
        value_of(b"\x7fabc", "chunk")


async def test_no_stream_is_closed_before_all_of_the_attempt_are_in_the_world(gate: Gate) -> None:
    """Another attempt would find it closed, and fail for good."""

    async def write_two() -> None:
        other = Stream("wrun_1", "other")
        async with attempt(gate):
            await STREAM.write("whole")
            await STREAM.close()
            await other.write("here")
            await other.flush()
            gate.close_gate()
            await other.write("on its way")
            gate.error = WorldError("away")
            gate.open_gate()

    with pytest.raises(WorldError, match="away"):
        await write_two()
    assert gate.closed == []


async def test_a_close_that_the_world_did_not_take_at_once_is_tried_again(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [WorldError("away")]

    async def close_stream(run_id: str, name: str, *, writer: StreamWriter | None = None) -> None:
        if failures:
            raise failures.pop()
        gate.closed.append(name)

    monkeypatch.setattr(gate, "close_stream", close_stream)
    async with attempt(gate):
        await STREAM.write("whole")
        await STREAM.close()
    assert gate.closed == ["log"]
