"""Cancellations that come while an attempt's last chunks leave: whose they are decides."""

from __future__ import annotations

import asyncio

import pytest

from tests.runtime.test_stream_writing import BY, STREAM, Gate, attempt
from workflow_runtime.context import CallOff
from workflow_runtime.stream_writing import attempt_streams


async def test_a_cancellation_that_the_body_has_left_behind_takes_no_chunk_with_it() -> None:
    gate = Gate()

    async def body() -> str:
        async with attempt(gate):
            await STREAM.write("kept")
            gate.close_gate()
            await STREAM.write("and this")
        return "done"

    task = asyncio.create_task(body())
    for _ in range(3):
        await asyncio.sleep(0.01)
        task.cancel()
    assert not task.done()
    gate.open_gate()
    assert await task == "done"
    assert gate.values == ["kept", "and this"]


async def test_an_attempt_that_is_called_off_while_its_chunks_leave_waits_for_none() -> None:
    gate = Gate()
    call_off = CallOff()

    async def body() -> None:
        async with attempt_streams(gate, BY, call_off):  # type: ignore[arg-type]  # see attempt()
            await STREAM.write("never stored")

    gate.close_gate()
    task = asyncio.create_task(body())
    await asyncio.sleep(0.02)
    call_off.called = call_off.unwanted = True
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 10)
    gate.open_gate()
    await asyncio.sleep(0.02)
    assert gate.values == []
