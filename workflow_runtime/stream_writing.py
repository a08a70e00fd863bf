"""The streams of an attempt of a step: what it writes is in the world before its outcome is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any, TypeVar

from workflow_runtime.context import CallOff
from workflow_runtime.errors import WorkflowError, WriterLostError
from workflow_runtime.ids import origin_of
from workflow_runtime.stream_writer import Writer
from workflow_runtime.worlds.base import StreamWriter, World

T = TypeVar("T")
logger = logging.getLogger("workflow_runtime.streams")


class AttemptStreams:
    """The streams that one attempt of a step writes to, its own run's and others'."""

    def __init__(self, world: World, by: StreamWriter, *, taken_over: bool) -> None:
        self.world = world
        self._by = by
        self._taken_over = taken_over
        self._loop = asyncio.get_running_loop()
        self._writers: dict[tuple[str, str], Writer] = {}
        self._over = False

    async def write(self, run_id: str, name: str, chunk: bytes) -> None:
        """``Writer.write`` for that stream. Raises ``WriterLostError`` when the attempt is over, as the next two do."""
        await self._writer(run_id, name).write(chunk)

    async def flush(self, run_id: str, name: str) -> None:
        """``Writer.flush`` for that stream."""
        await self._writer(run_id, name).flush()

    async def close(self, run_id: str, name: str) -> None:
        """``Writer.close`` for that stream."""
        await self._writer(run_id, name).close()

    async def on_loop(self, work: Coroutine[Any, Any, T]) -> T:
        """Do ``work`` on the attempt's loop, from whatever loop the step has made for itself."""
        if asyncio.get_running_loop() is self._loop:
            return await work
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def from_thread(self, work: Coroutine[Any, Any, T]) -> T:
        """Do ``work`` on the attempt's loop, from the thread of a sync step, and wait for it."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result()
        work.close()
        raise WorkflowError(
            "write_sync() and close_sync() are for sync steps; in async code, await write() and close()"
        )

    def stop(self) -> bool:
        """The body has ended: take nothing more. Whether there was anything."""
        self._over = True
        return bool(self._writers)

    async def finish(self) -> None:
        """The attempt succeeded: return once all its chunks are in the world. Raises what went wrong."""
        for writer in self._writers.values():
            await writer.finish()
        for (
            writer
        ) in self._writers.values():  # the last that may fail: another attempt would find those closed that came before
            await writer.finish_close()

    async def fail(self) -> None:
        """The attempt failed: what it wrote may still be read, but no stream is closed, and nothing is raised."""
        for (run_id, name), writer in self._writers.items():
            try:
                await writer.flush()
            except Exception as error:  # noqa: BLE001 - the attempt has an error of its own, which matters more
                logger.warning("the last chunks of stream %r of run %s are lost: %s", name, run_id, error)

    async def give_up(self) -> None:
        """The attempt was called off, or has done what could be done."""
        for writer in self._writers.values():
            await writer.give_up()

    def _writer(self, run_id: str, name: str) -> Writer:
        if self._over:
            raise WriterLostError(self._by.run_id, self._by.step_id)
        if run_id == origin_of(self._by.run_id):
            run_id = self._by.run_id  # workflow code that is run again hands on the stream as it did
        key = (run_id, name)
        if key not in self._writers:
            self._writers[key] = Writer(self.world, run_id, name, self._by, taken_over=self._taken_over)
        return self._writers[key]


_attempt: ContextVar[AttemptStreams | None] = ContextVar("workflow_runtime_streams", default=None)


def current_streams() -> AttemptStreams | None:
    """The streams of the attempt that is running, None outside of steps."""
    return _attempt.get()


class attempt_streams:  # a class, as contextlib's decorator sets an error's __traceback__, which errors that are frozen refuse
    """Around an attempt's body: it may write to streams, and all that it wrote is in the world when this is left.

    ``call_off`` says whether a cancellation of the running task means this attempt: one that the body has left behind does not.
    ``taken_over``: an earlier attempt's process died. What that one wrote and closed in full is not written again.
    Raises what kept chunks from the world, as ``StreamClosedError``, ``WriterLostError``, ``WorldError``, unless the body was told already
    or has raised itself.
    """

    def __init__(self, world: World, by: StreamWriter, call_off: CallOff, *, taken_over: bool = False) -> None:
        self._streams = AttemptStreams(world, by, taken_over=taken_over)
        self._call_off = call_off

    async def __aenter__(self) -> None:
        self._token = _attempt.set(self._streams)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            if self._streams.stop() and not isinstance(error, GeneratorExit):
                await _to_the_end(self._end(error), self._call_off)
        finally:
            _attempt.reset(self._token)

    async def _end(self, error: BaseException | None) -> None:
        try:
            if error is None:
                try:
                    await self._streams.finish()
                except Exception:
                    await self._streams.fail()
                    raise
            elif not isinstance(error, asyncio.CancelledError | KeyboardInterrupt):
                await self._streams.fail()
        finally:
            await self._streams.give_up()


async def _to_the_end(work: Coroutine[Any, Any, None], call_off: CallOff) -> None:
    """Do the work in a task of its own, which nobody knows: only an attempt that is called off leaves it."""
    task = asyncio.create_task(work)
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            if call_off.unwanted:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                raise
    task.result()
