"""One attempt's end of one stream: chunks go into the world grouped, in order, and no more of them are on their way than memory allows."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from workflow_runtime.errors import StreamClosedError, WriterLostError
from workflow_runtime.handler.patience import patiently
from workflow_runtime.worlds.base import StreamWriter, World

GROUP_SECONDS = 0.008
"""After chunks went to the world, further ones are gathered for that long. A chunk after a pause goes at once."""
GROUP_BYTES = 256 * 1024
"""As much goes without waiting for more."""
UNFLUSHED_BYTES = 1024 * 1024
"""A write waits while more than that is not in the world yet."""
CHUNK_COST = 64
"""Bytes that a chunk counts for beside its own: many small ones are a burden too."""


class Writer:
    """One attempt's end of one stream. All of it runs on the event loop of the attempt."""

    def __init__(self, world: World, run_id: str, name: str, by: StreamWriter, *, taken_over: bool) -> None:
        self._world = world
        self._run_id = run_id
        self._name = name
        self._by = by
        self._taken_over = taken_over
        self._pending: list[bytes] = []
        self._written = self._taken = self._flushed = self._wanted = 0  # running totals of what chunks cost
        self._flushing: asyncio.Task[None] | None = None
        self._last_flush = float("-inf")
        self._hurry = asyncio.Event()
        self._moved = asyncio.Event()
        self._error: Exception | None = None
        self._told = False
        self._closed = False
        self._complete = False

    async def write(self, chunk: bytes) -> None:
        """Take the chunk, and wait while too much is unflushed. Raises the error that an earlier flush met."""
        self._check_open()
        self._pending.append(chunk)
        self._written += len(chunk) + CHUNK_COST
        if self._written - self._taken >= GROUP_BYTES:
            self._hurry.set()
        if self._flushing is None:
            flushing = asyncio.create_task(self._flush_all(), name=f"workflow stream {self._name}")
            self._flushing = None if flushing.done() else flushing  # with an eager task factory, it may be
            await asyncio.sleep(0)  # so that the first chunk leaves now, however long the step keeps the loop
        await self._until(self._written - UNFLUSHED_BYTES)
        self._check()

    async def flush(self) -> None:
        """Wait until all that was written so far is in the world. Raises what went wrong."""
        self._wanted = self._written
        self._hurry.set()
        await self._until(self._wanted)
        self._check()

    async def close(self) -> None:
        """Flush, and take no more. The world hears of it when the attempt succeeds."""
        self._closed = True
        await self.flush()

    async def finish(self) -> None:
        """The attempt succeeded: flush. Raises what went wrong, unless the step was told."""
        told = self._told
        try:
            await self.flush()
        except Exception:
            if not told:
                raise

    async def finish_close(self) -> None:
        """All the attempt's streams are flushed: close this one, if that was asked and nothing went wrong with it."""
        if self._closed and self._error is None:
            await patiently(lambda: self._world.close_stream(self._run_id, self._name, writer=self._by))

    async def give_up(self) -> None:
        """Leave what is not in the world yet."""
        if self._error is None:
            self._error = WriterLostError(self._by.run_id, self._by.step_id)  # for tasks of the step that still wait
        if self._flushing is not None:
            self._flushing.cancel()
            await asyncio.gather(self._flushing, return_exceptions=True)

    async def _until(self, mark: int) -> None:
        while self._flushed < mark and self._error is None:
            self._moved.clear()
            await self._moved.wait()

    def _check_open(self) -> None:
        if self._closed:
            raise StreamClosedError(self._run_id, self._name)
        self._check()

    def _check(self) -> None:
        if self._error is not None:
            self._told = True
            raise self._error

    async def _flush_all(self) -> None:
        """Bring what is pending into the world, group by group, until nothing is."""
        try:
            while self._pending:
                await self._gather()
                batch, self._pending = self._pending, []
                self._taken = self._written
                self._hurry.clear()
                await self._store(batch)
                self._last_flush = asyncio.get_running_loop().time()
                self._flushed = self._taken
                self._moved.set()
        except Exception as error:  # noqa: BLE001 - it is the step's to hear of: at its next write, or when it ends
            self._error = error
            self._pending.clear()
        finally:
            self._flushing = None
            self._moved.set()

    async def _store(self, chunks: Sequence[bytes]) -> None:
        """Write to the world. A stream that is closed before anything came from here may have been closed by this very step: its process died
        after that, before its success was recorded. Then all that this attempt could write is there already.
        """
        if self._complete:
            return
        try:
            await self._world.write_chunks(self._run_id, self._name, chunks, writer=self._by)
        except StreamClosedError:
            if self._flushed or not self._taken_over:
                raise
            self._complete = True

    async def _gather(self) -> None:
        """Wait for company, if the last group left just now and nobody waits for this one."""
        pause = self._last_flush + GROUP_SECONDS - asyncio.get_running_loop().time()
        if pause > 0 and self._wanted <= self._flushed:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._hurry.wait()
