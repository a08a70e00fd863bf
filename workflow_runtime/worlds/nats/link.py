"""A process's part in the world: the connection and the replica, on a thread with an event loop of its own.

On that thread the stream is followed, operations are written, and signs of life are given, whatever the app's own loops are busy with.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Coroutine, Sequence
from itertools import count
from typing import Any, TypeVar

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from workflow_runtime.errors import WorldError
from workflow_runtime.events import Json
from workflow_runtime.worlds.encoding import EncodedRun
from workflow_runtime.worlds.nats import keeping
from workflow_runtime.worlds.nats.barrier import Barrier
from workflow_runtime.worlds.nats.blobs import Blobs
from workflow_runtime.worlds.nats.client import Client, split
from workflow_runtime.worlds.nats.follower import Follower
from workflow_runtime.worlds.nats.lives import Lives
from workflow_runtime.worlds.nats.options import NatsOptions
from workflow_runtime.worlds.nats.outbox import Outbox
from workflow_runtime.worlds.nats.pending import Pending, Request
from workflow_runtime.worlds.nats.reader import Reader
from workflow_runtime.worlds.nats.replica import VERSION, Replica
from workflow_runtime.worlds.nats.wire import (
    OPERATION,
    PIECES,
    Operation,
    blob_of,
    fits_inline,
    header_text,
    pack_blobs,
    pack_run,
    token,
)
from workflow_runtime.worlds.types import WorldClosedError

T = TypeVar("T")
logger = logging.getLogger("workflow_runtime.nats")
_TICK = 0.1  # seconds between two looks at what is overdue
_END_WITHIN = 5.0  # seconds; servers that are away need not be told


class Link:
    """Opened on a thread of its own by ``open``; ``write``, ``barrier`` and ``run`` may be awaited on any loop."""

    def __init__(self, options: NatsOptions) -> None:
        self.options = options
        self.replica = Replica()
        self.client = Client(options)
        self.blobs = Blobs(self.client)
        self.reader = Reader(self.blobs, self.client.subject, self.run)
        self.lives = Lives(self)
        self._name = uuid.uuid4().hex
        self._numbers = count(1)
        self._outbox = Outbox(self.client, self._spawn, lambda: self.replica.applied)
        self._barrier = Barrier(self.client, lambda: self.replica.applied)
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._main, name="workflow-nats", daemon=True)
        self._process = os.getpid()
        self._open = True
        self._broken: WorldError | None = None

    def open(self) -> None:
        """Connect and catch up. Blocks. Raises ``WorldError``."""
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result()
        except BaseException:
            self.stop(gently=False)
            raise

    def stop(self, *, gently: bool) -> None:
        """Let go of everything. Blocks. ``gently`` says so to the others."""
        if self._open:
            self._open = False
            with contextlib.suppress(WorldError, NatsError, OSError, TimeoutError):
                asyncio.run_coroutine_threadsafe(self._end(gently=gently), self._loop).result(_END_WITHIN)
            asyncio.run_coroutine_threadsafe(self._drop(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
        self.replica.state.signals.ring(self.replica.state.signals.topics())

    async def write(self, request: Request, undo: Callable[[Any], None] | None = None) -> Any:
        """Write an operation and give what it comes to, once it has been applied here. Raises what it raises."""
        self._check()
        name = f"{self._name}.{next(self._numbers)}"
        pending = Pending(request, self.options.patience, undo)
        operation = {"v": VERSION, "id": name, "w": self.lives.worker, **request.operation}
        pending.headers = {OPERATION: header_text(operation), "Nats-Msg-Id": name}
        self._post(self._outbox.send, name, pending)
        try:
            return await pending.future
        except asyncio.CancelledError:
            pending.abandon()
            raise

    def tell(self, request: Request) -> None:
        """Write an operation that nobody awaits."""

        def begin() -> None:
            self._spawn(self._quietly(self.write(request)))

        with contextlib.suppress(WorldError):
            self._post(begin)

    async def barrier(self) -> None:
        """Return once all that was acknowledged to anybody before the call has been applied here."""
        await self.run(self._barrier.wait())

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Have ``work`` done on the client's loop."""
        try:
            self._check()
        except WorldError:
            work.close()
            raise
        if asyncio.get_running_loop() is self._loop:
            return await work
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def pack_runs(self, runs: Sequence[EncodedRun]) -> list[list[Json]]:
        """Runs that another creates. What one holds must outlive the other, and so stands on its own subject when it is long."""
        packed = []
        for run in runs:
            place = None
            if not fits_inline(run):
                subject = f"{self.client.subject}.run.{token(run.id)}"
                place = (await self.run(self.store_body(subject, pack_blobs([blob_of(run.created)]))), 0)
            packed.append(pack_run(run, place))
        return packed

    async def store_body(self, subject: str, body: bytes) -> int:
        """On the client's loop: write a body that is no operation and give its place."""
        if len(body) <= self.client.room:
            return await self.client.store(subject, body)
        pieces = split(body, self.client.room)
        places = [await self.client.store(f"{subject}.pieces", piece) for piece in pieces]
        return await self.client.store(subject, b"", {PIECES: ",".join(map(str, places))})

    def _post(self, work: Callable[..., None], *args: Any) -> None:
        self._check()
        try:
            self._loop.call_soon_threadsafe(work, *args)
        except RuntimeError as error:
            raise WorldClosedError("this NATS world has been closed; open() it again before you use it") from error

    def _check(self) -> None:
        if self._broken is not None:
            raise self._broken
        if os.getpid() != self._process:
            raise WorldError(
                f"this NATS world was opened in process {self._process} and is used in its fork {os.getpid()}; open one in each process"
            )
        if not self._open:
            raise WorldClosedError("this NATS world has been closed; open() it again before you use it")

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _begin(self) -> None:
        await self.client.open()
        self.replica = await keeping.load(self.client) or self.replica
        await self._outbox.open()
        self._spawn(self._follower().run())
        self._spawn(self._watch())
        await self._barrier.wait()

    def _follower(self) -> Follower:
        def prompt() -> None:
            self.tell(self.about_queue({"do": "beat"}))

        return Follower(self.client, lambda: self.replica.applied, self._hear, prompt, lambda: self._broken is not None)

    async def _end(self, *, gently: bool) -> None:
        if gently and self.lives.joined and self.client.connection.is_connected:
            name = f"{self._name}.leaving"
            operation = {"v": VERSION, "id": name, "w": self.lives.worker, "do": "leave"}
            async with asyncio.timeout(2):
                headers = {OPERATION: header_text(operation), "Nats-Msg-Id": name}
                await self.client.store(f"{self.client.subject}.queue", b"", headers)
        self._give_up(WorldError("this NATS world was closed while an operation was on its way"))
        await self.client.close()

    async def _drop(self) -> None:
        """Leave no task behind, of the client's library neither."""
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _hear(self, message: Msg, place: int, stamp: float) -> None:
        """Apply the next message of the stream."""
        if place > self.replica.applied + 1:
            await self._jump(place)
        if place <= self.replica.applied:
            return
        headers = message.headers or {}
        text = headers.get(OPERATION)
        if text is None:
            self.replica.pass_over(place)
        else:
            operation: Operation = json.loads(text or await self._far(place, headers))
            self._apply(operation, place, stamp)
        self._barrier.wake()

    async def _far(self, place: int, headers: dict[str, str]) -> bytes:
        blobs = await self.blobs.in_pieces(headers)
        self.blobs.keep(place, blobs)
        return blobs[-1]

    async def _jump(self, place: int) -> None:
        """What comes before ``place`` has been removed: begin again with the snapshot that has it. Raises ``WorldError``."""
        replica = await keeping.load(self.client)
        if replica is None or replica.applied < place - 1:
            self._broken = WorldError(
                f"NATS world {self.options.namespace!r}: the stream {self.client.stream} lacks the messages from {self.replica.applied + 1} to "
                f"{place - 1}, and no snapshot has them; somebody has removed them by hand, or a limit of the server or account has. Restore "
                "the streams from a backup"
            )
            self._give_up(self._broken)
            raise self._broken
        replica.state.signals = self.replica.state.signals
        self.replica = replica
        self._outbox.jumped(replica, replica.applied)
        replica.state.signals.ring(replica.state.signals.topics())
        self._barrier.wake()

    def _give_up(self, error: WorldError) -> None:
        self._outbox.fail(error)
        self._barrier.fail(error)

    def _apply(self, operation: Operation, place: int, stamp: float) -> None:
        try:
            outcome = self.replica.apply(place, stamp, operation)
        except Exception as error:  # nothing that follows can be applied without it
            self._broken = WorldError(
                f"NATS world {self.options.namespace!r}: the operation at {place} of the stream can not be applied: {error!r}; run the same "
                "version of this package in all processes of the namespace"
            )
            self._give_up(self._broken)
            raise self._broken from error
        pending = self._outbox.take(operation["id"]) if outcome is not None else None
        if outcome is None or pending is None:
            return
        if operation["w"] == self.lives.worker:
            self.lives.heard(pending.begun, stamp)
        if pending.blobs:
            self.blobs.keep(place, pending.blobs)
        pending.settle(outcome)

    def about_queue(self, operation: Operation) -> Request:
        """An operation that is about no run's log."""
        return Request(f"{self.client.subject}.queue", operation)

    async def _watch(self) -> None:
        """Look after what is overdue: operations without an answer, this worker's sign of life, and workers without one."""
        while True:
            await asyncio.sleep(_TICK)
            now = time.monotonic()
            self._outbox.retry(now)
            self.lives.look_after(now)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @staticmethod
    async def _quietly(work: Coroutine[Any, Any, Any]) -> None:
        try:
            await work
        except WorldError as error:
            logger.debug("an operation that nobody awaits failed: %s", error)
