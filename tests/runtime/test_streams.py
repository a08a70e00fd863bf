"""Streams of real runs: written by steps, read live and afterwards, from any index, by any number of readers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from workflow_runtime import FatalError, NondeterminismError, get_step_metadata
from workflow_runtime.context import CallOff
from workflow_runtime.errors import StreamClosedError, WriterLostError
from workflow_runtime.marking import step
from workflow_runtime.stream_writing import attempt_streams
from workflow_runtime.streams import Stream, StreamReader, get_writable, read_stream
from workflow_runtime.worlds.base import StreamWriter, World

ONE_STEP = """
async def main(x=None):
    return await a(x)
"""


async def values(reader: StreamReader, timeout: float = 10) -> list[Any]:
    async with asyncio.timeout(timeout):
        return [value async for value in reader]


async def test_values_and_bytes_come_back_in_order_after_the_end(host: Callable[..., Any], world: World) -> None:
    async def a(_: object) -> None:
        stream = get_writable()
        for item in ("text", b"\x00raw", {"n": 1}, None):
            await stream.write(item)

    made = host(ONE_STEP, a=a)
    run = await made.start()
    async with made.working():
        await world.wait_for_end(run, 10)

    assert await values(read_stream(world, run)) == ["text", b"\x00raw", {"n": 1}, None]
    assert [pair async for pair in read_stream(world, run, start=2).indexed()] == [(2, {"n": 1}), (3, None)]


async def test_the_first_chunk_is_read_while_the_step_runs(host: Callable[..., Any], world: World) -> None:
    heard = asyncio.Event()

    async def a(_: object) -> None:
        await get_writable().write("first")
        await heard.wait()  # the step ends only when its reader has the chunk
        await get_writable().write("second")

    made = host(ONE_STEP, a=a)
    run = await made.start()
    found = []
    async with made.working(), asyncio.timeout(10):
        async for value in read_stream(world, run):
            found.append(value)
            heard.set()

    assert found == ["first", "second"]


async def test_a_stream_that_nobody_closes_ends_with_its_run(host: Callable[..., Any], world: World) -> None:
    async def a(_: object) -> None:
        await get_writable("log").write(1)

    made = host("async def main():\n    await a(1)\n    await sleep(0.1)\n    await a(2)\n", a=a)
    run = await made.start()
    reading = asyncio.create_task(values(read_stream(world, run, "log")))
    silent = asyncio.create_task(values(read_stream(world, run, "never written")))
    async with made.working():
        assert await reading == [1, 1]
        assert await silent == []


async def test_a_handle_goes_through_workflows_to_steps_and_out_as_a_result(
    host: Callable[..., Any], world: World
) -> None:
    async def a(stream: Stream) -> None:
        await stream.write(f"from {get_step_metadata().step_id}")

    async def b(stream: Stream) -> Stream:
        assert stream == get_writable("log")
        await stream.write("from b")
        await stream.close()
        return stream

    source = """
    from workflow_runtime.streams import get_writable

    async def main():
        log = get_writable("log")
        await a(log)
        await a(log)
        return await b(log)
    """
    made = host(source, a=a, b=b)
    run = await made.start()
    async with made.working():
        await world.wait_for_end(run, 10)

    stream = await made.result(run)
    assert stream == Stream(run, "log")
    assert await values(read_stream(world, stream.run_id, stream.name)) == [
        "from step_000001",
        "from step_000002",
        "from b",
    ]


async def test_two_steps_at_once_write_to_one_stream_each_in_its_order(host: Callable[..., Any], world: World) -> None:
    async def a(mark: str) -> None:
        for number in range(200):
            await get_writable().write([mark, number])
            if number % 50 == 0:
                await asyncio.sleep(0.005)

    made = host("async def main():\n    await asyncio.gather(*[a(mark) for mark in 'xyz'])\n", a=a)
    run = await made.start()
    async with made.working():
        await world.wait_for_end(run, 10)

    found = await values(read_stream(world, run))
    assert {mark: [n for other, n in found if other == mark] for mark in "xyz"} == {
        mark: [*range(200)] for mark in "xyz"
    }


@pytest.mark.parametrize(
    "act", ["await stream.write(1)", "await stream.close()", "stream.write_sync(1)", "stream.read()"]
)
async def test_workflow_code_may_only_hand_a_stream_on(host: Callable[..., Any], act: str) -> None:
    made = host(
        f"from workflow_runtime.streams import get_writable\n\nasync def main():\n    stream = get_writable()\n    {act}\n"
    )
    with pytest.raises(NondeterminismError, match="in a step"):
        await made.run()


async def test_sync_steps_write_from_their_thread(host: Callable[..., Any], world: World) -> None:
    def a(_: object) -> None:
        stream = get_writable()
        for number in range(3):
            stream.write_sync(number)
        stream.close_sync()

    made = host(ONE_STEP, a=a)
    run = await made.start()
    async with made.working():
        await world.wait_for_end(run, 10)

    assert await values(read_stream(world, run)) == [0, 1, 2]


async def test_a_closed_stream_fails_the_step_that_writes_to_it_and_retries_nothing(
    host: Callable[..., Any], world: World
) -> None:
    calls = []

    async def a(close: bool) -> None:
        calls.append(close)
        await get_writable().write("x")
        if close:
            await get_writable().close()

    made = host("async def main():\n    await a(True)\n    await a(False)\n", a=a)
    with pytest.raises(StreamClosedError, match="takes no more chunks"):
        await made.run()
    assert calls == [True, False]


async def test_a_step_that_closes_and_fails_may_write_again_when_it_is_retried(
    host: Callable[..., Any], world: World
) -> None:
    @step(max_retries=1)
    async def a(_: object) -> None:
        stream = get_writable()
        try:
            await stream.write(get_step_metadata().attempt)
            if get_step_metadata().attempt == 1:
                raise ConnectionError
        finally:
            await stream.close()

    made = host(ONE_STEP, a=a)
    run = await made.start()
    reading = asyncio.create_task(values(read_stream(world, run)))
    async with made.working():
        assert await reading == [1, 2]


async def test_readers_begin_anywhere(host: Callable[..., Any], world: World) -> None:
    async def a(_: object) -> None:
        for number in range(600):
            await get_writable().write(number)

    made = host(ONE_STEP, a=a)
    run = await made.start()
    async with made.working():
        await world.wait_for_end(run, 10)

    assert await values(read_stream(world, run, start=-2)) == [598, 599]
    assert await values(read_stream(world, run, start=-1000)) == [*range(600)]
    assert await values(read_stream(world, run, start=595)) == [595, 596, 597, 598, 599]
    assert await values(read_stream(world, run, start=1000)) == []


async def test_a_reader_that_is_cut_off_again_and_again_misses_and_repeats_nothing(
    host: Callable[..., Any], world: World
) -> None:
    async def a(_: object) -> None:
        for number in range(300):
            await get_writable().write(number)
            if number % 7 == 0:
                await asyncio.sleep(0.001)

    made = host(ONE_STEP, a=a)
    run = await made.start()
    whole = asyncio.create_task(values(read_stream(world, run)))
    found: list[Any] = []
    async with made.working(), asyncio.timeout(20):
        while len(found) < 300:
            cut = len(found) + 11
            async for index, value in read_stream(world, run, start=len(found)).indexed():
                assert index == len(found)
                found.append(value)
                if len(found) == cut:
                    break
    assert found == await whole == [*range(300)]


async def test_a_slow_reader_holds_up_nobody(host: Callable[..., Any], world: World) -> None:
    async def a(_: object) -> None:
        for number in range(2000):
            await get_writable().write(number)

    made = host(ONE_STEP, a=a)
    run = await made.start()
    reader = aiter(read_stream(world, run))
    async with made.working():
        first = await anext(reader)
        await world.wait_for_end(run, 10)  # while the reader looks at its first value

    assert [first] + [value async for value in reader] == [*range(2000)]


async def test_a_megabyte_in_small_chunks_arrives_whole(host: Callable[..., Any], world: World) -> None:
    chunks = [bytes([number % 256]) * 100 for number in range(10_000)]

    async def a(_: object) -> None:
        for chunk in chunks:
            await get_writable().write(chunk)

    made = host(ONE_STEP, a=a)
    run = await made.start()
    reading = asyncio.create_task(values(read_stream(world, run), timeout=60))
    async with made.working():
        assert await reading == chunks


async def test_an_attempt_that_runs_no_more_writes_nothing(host: Callable[..., Any], world: World) -> None:
    caught: list[BaseException] = []

    async def a(_: object) -> None:
        meta = get_step_metadata()
        stale = StreamWriter(meta.run_id, meta.step_id, meta.attempt + 1)
        try:
            async with attempt_streams(world, stale, CallOff()):
                await get_writable().write("from the dead")
        except WriterLostError as error:
            caught.append(error)
        await get_writable().write("from the living")

    made = host(ONE_STEP, a=a)
    run = await made.start()
    async with made.working():
        await world.wait_for_end(run, 10)

    assert len(caught) == 1
    assert await values(read_stream(world, run)) == ["from the living"]


async def test_a_step_reads_what_another_wrote(host: Callable[..., Any], world: World) -> None:
    async def a(stream: Stream) -> None:
        for number in range(5):
            await stream.write(number)
        await stream.close()

    async def b(stream: Stream) -> int:
        return sum([value async for value in stream.read(start=1)])

    source = """
    from workflow_runtime.streams import get_writable

    async def main():
        stream = get_writable("numbers")
        _, total = await asyncio.gather(a(stream), b(stream))
        return total
    """
    assert await host(source, a=a, b=b).run() == 10


async def test_a_step_that_fails_leaves_what_it_wrote_readable(host: Callable[..., Any], world: World) -> None:
    async def a(_: object) -> None:
        await get_writable().write("so far so good")
        raise FatalError("no further")

    made = host(ONE_STEP, a=a)
    run = await made.start()
    async with made.working():
        await world.wait_for_end(run, 10)

    assert await values(read_stream(world, run)) == ["so far so good"]


@pytest.mark.parametrize("name", ["", "\0", "x" * 1025])
def test_a_stream_has_a_name_that_can_be_stored(name: str) -> None:
    with pytest.raises(ValueError, match="the name of a stream"):
        get_writable(name)
