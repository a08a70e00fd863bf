"""Streams: what a run shows of itself while it goes on. Steps write, anybody reads, at any time and from any index."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from workflow_runtime.chunks import chunk_of, value_of
from workflow_runtime.context import current_step
from workflow_runtime.errors import NondeterminismError, WorkflowError
from workflow_runtime.ids import origin_of
from workflow_runtime.machine.current import running_machine
from workflow_runtime.process import process_world
from workflow_runtime.stream_writing import AttemptStreams, current_streams
from workflow_runtime.texts import checked_key
from workflow_runtime.values.handles import HandleKind, register_handle
from workflow_runtime.worlds.base import Chunks, World

PAGE = 256
"""How many chunks are read at once."""
LOOK_AGAIN = 15.0
"""Seconds that a reader waits for news before it asks the world again."""


@dataclass(frozen=True, slots=True)
class StreamReader:
    """A stream from one index on, to its end: ``async for value in reader``. Each loop over it begins at ``start``.

    It waits for what is not written yet, and ends when the stream is closed, which it is at the latest when its run ends.
    """

    run_id: str
    name: str
    start: int = 0
    """Index of the first chunk; from the end when it is negative: -1 is the last one."""
    world: World | None = None
    """Where the stream is; None for the process's world."""

    def __aiter__(self) -> AsyncIterator[Any]:
        """The values. Raises ``RunNotFoundError``, ``SerializationError`` when this process lacks a class, ``WorldError``."""
        return self._values()

    async def indexed(self) -> AsyncIterator[tuple[int, Any]]:
        """The values with their indexes: a reader that starts at the last index plus one goes on where this one stopped."""
        async for page in self.pages():
            for index, chunk in enumerate(page.chunks, page.start):
                yield index, value_of(chunk, f"chunk {index} of stream {self.name!r}")

    async def pages(self) -> AsyncIterator[Chunks]:
        """The chunks as they are stored, some at a time; a page without any when nothing came for 15 seconds."""
        world = self.world or await process_world()
        start = self.start
        while True:
            page = await world.read_chunks(self.run_id, self.name, start, limit=PAGE, wait=LOOK_AGAIN)
            yield page
            if page.closed:
                return
            if page.chunks or start < 0:
                start = page.start + len(page.chunks)

    async def _values(self) -> AsyncIterator[Any]:
        async for _, value in self.indexed():
            yield value


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream of a run. It may be handed on: to steps, to child runs, to whoever gets the workflow's result."""

    run_id: str
    name: str = "default"

    async def write(self, value: object) -> None:
        """Append a chunk, in a step: bytes as they are, or any value that a step may return.

        It is on its way when this returns, and in the world at the latest when the step ends. Waits while more than 1 MiB is on its way.
        Raises ``StreamClosedError``, ``SerializationError``, and what kept earlier chunks from the world.
        """
        streams = _writing(self)
        await streams.on_loop(streams.write(self.run_id, self.name, self._chunk(value)))

    def write_sync(self, value: object) -> None:
        """``write`` for sync steps, which run in a thread."""
        streams = _writing(self)
        streams.from_thread(streams.write(self.run_id, self.name, self._chunk(value)))

    async def flush(self) -> None:
        """Return once all that this step wrote is in the world. Raises what kept it from there."""
        streams = _writing(self)
        await streams.on_loop(streams.flush(self.run_id, self.name))

    async def close(self) -> None:
        """Flush, and let nothing follow. Readers see the end when the step has succeeded: one that fails may write again when it is retried.

        Closing twice is closing once. Raises what ``flush`` does.
        """
        streams = _writing(self)
        await streams.on_loop(streams.close(self.run_id, self.name))

    def close_sync(self) -> None:
        """``close`` for sync steps."""
        streams = _writing(self)
        streams.from_thread(streams.close(self.run_id, self.name))

    def read(self, start: int = 0) -> StreamReader:
        """The stream's values from index ``start`` on, in a step or outside of runs; negative from the end."""
        if running_machine() is not None:
            raise NondeterminismError(f"workflow code read stream {self.name!r}; read it in a step")
        streams, step = current_streams(), current_step.get()
        again = step is not None and origin_of(step.run_id) == self.run_id
        run_id = step.run_id if step is not None and again else self.run_id
        return StreamReader(run_id, self.name, start, None if streams is None else streams.world)

    def _chunk(self, value: object) -> bytes:
        return chunk_of(value, f"chunk of stream {self.name!r}")


def get_writable(name: str = "default") -> Stream:
    """The stream of that name of the run that is running, in a step or in workflow code, which can only hand it on.

    Raises ``WorkflowError`` elsewhere, and ``ValueError`` or ``TypeError`` for what can be no name: it is text of at most 1 KiB.
    """
    checked_key("the name of a stream", name)
    machine, step = running_machine(), current_step.get()
    if machine is not None:
        return Stream(machine.origin, name)
    if step is None:
        raise WorkflowError("get_writable() was called outside of a run; elsewhere, read with get_run(id).stream(name)")
    return Stream(step.run_id, name)


def read_stream(world: World | None, run_id: str, name: str = "default", start: int = 0) -> StreamReader:
    """A reader of that stream. Nothing is looked up before the first value is asked for."""
    return StreamReader(run_id, name, start, world)


def _writing(stream: Stream) -> AttemptStreams:
    if running_machine() is not None:
        raise NondeterminismError(
            f"workflow code wrote to stream {stream.name!r}; write in a step: pass it the stream, or call get_writable() there"
        )
    streams = current_streams()
    if streams is None:
        raise WorkflowError(
            f"stream {stream.name!r} was written to outside of a step that a run executes; only steps write"
        )
    return streams


register_handle(
    HandleKind(
        Stream,
        "Stream",
        write=lambda stream: {"run_id": stream.run_id, "name": stream.name},
        read=lambda data, _: Stream(str(data["run_id"]), str(data["name"])),
    )
)
