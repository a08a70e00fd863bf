"""The thread that says that this worker lives, listens to what others do, and tells them what was done here.

It has an event loop and a connection of its own, so that a blocked event loop of the app neither loses the lease nor misses a notification.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import math
import os
import socket
import threading
import uuid
from collections.abc import Coroutine, Iterable, Iterator
from concurrent.futures import Future
from typing import Any, TypeVar

from workflow_runtime.errors import WorldError
from workflow_runtime.worlds.base import RunInfo
from workflow_runtime.worlds.postgres.connect import Connection, connect_once
from workflow_runtime.worlds.postgres.faults import FAILURES, explain
from workflow_runtime.worlds.postgres.known import KnownRuns
from workflow_runtime.worlds.postgres.lane import Lane
from workflow_runtime.worlds.postgres.options import Options
from workflow_runtime.worlds.signals import Signals, Topic

T = TypeVar("T")
QUEUE = ""  # the topic of receivers
_HELLO, _QUEUE, _RUN, _STREAM = "h", "q", "r", "s"
_FAILURES = (*FAILURES, WorldError)
_LONGEST_PAUSE = 2.0  # seconds
_CONNECTIONS = 4  # of those who use the world from event loops that do not receive
logger = logging.getLogger("workflow_runtime.postgres")


class Service:
    """One worker's own thread. ``worker`` is its id as long as its lease holds; a worker that has lost it goes on under another."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.signals = Signals()
        self.worker = uuid.uuid4().hex
        self.others = True
        """Whether anybody else may be listening."""
        self.rung = object()
        """Another one with each ring of the queue's bell."""
        self.loop = asyncio.new_event_loop()
        self.lane = Lane(options, self.loop, _CONNECTIONS)
        self.known_runs = KnownRuns(lambda run_id: run_id in self.signals.topics())
        self._direct = options.direct
        self._channel = f"{options.quoted}.bell"
        self._connection: Connection | None = None
        self._using = asyncio.Lock()
        self._hurry = asyncio.Event()
        self._alarms: dict[object, float] = {}
        self._told: set[str] = set()
        self._to_tell: asyncio.Task[None] | None = None
        self._beating: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name="workflow-postgres", daemon=True)

    @property
    def listens(self) -> bool:
        """Whether others' doings are heard of."""
        return self.options.listen != "" and not (self.options.pooler and self.options.listen is None)

    def knows(self, run: RunInfo) -> None:
        """Take note of a run that begins here, if what is said of it later will be understood."""
        if self.listens and _payload(run.id) == f"{_RUN}{run.id}":
            self.known_runs.begin(run)

    async def start(self) -> None:
        """Start the thread and enter. Raises ``WorldError``."""
        self._thread.start()
        try:
            await asyncio.wrap_future(self.submit(self._enter()))
        except BaseException:
            self.crash()
            raise

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Have this thread's loop do it. Raises ``WorldError`` when the world has been closed."""
        try:
            return asyncio.run_coroutine_threadsafe(work, self.loop)
        except RuntimeError as error:
            work.close()
            raise WorldError(f"{self.options.where}: the world was closed meanwhile") from error

    def wake(self, topics: Iterable[Topic]) -> None:
        """Wake those who wait for the topics here. Any thread may call it."""
        topics = set(topics)
        if QUEUE in topics:
            self.rung = object()
        self.signals.ring(topics)

    def tell(self, topics: Iterable[Topic]) -> None:
        """Wake those who wait for the topics in other processes, soon. Any thread may call it."""
        if self.others:
            with contextlib.suppress(RuntimeError):  # a loop that is closed has nobody left to tell
                self.loop.call_soon_threadsafe(self._tell, {_payload(topic) for topic in topics})

    def tell_due(self, due: float) -> None:
        """Wake those who receive in other processes and would not look before that time. Any thread may call it."""
        if self.others:
            with contextlib.suppress(RuntimeError):  # see above
                self.loop.call_soon_threadsafe(self._tell, {f"{_QUEUE}{due}"})

    @contextlib.contextmanager
    def alarm(self, at: float) -> Iterator[None]:
        """While the block lasts, somebody here will look into the queue at that time."""
        key = object()
        self._alarms[key] = at
        try:
            yield
        finally:
            del self._alarms[key]

    def misses(self, due: float) -> bool:
        """Whether nobody here looks into the queue before a message is due that was just sent."""
        return due < min(list(self._alarms.values()), default=math.inf)

    async def reenter(self, lost: str) -> None:
        """Be a worker again, unless that has been done since ``lost`` was lost."""
        await asyncio.wrap_future(self.submit(self._reenter(lost)))

    async def end(self, *, gently: bool) -> None:
        """Stop. ``gently``: leave first, so that what is in hand is free."""
        with contextlib.suppress(*_FAILURES):
            await asyncio.wrap_future(self.submit(self._leave(gently=gently)))
        self.crash()
        self.wake([QUEUE, *self.signals.topics()])

    def crash(self) -> None:
        """Stop at once, as if the process had died."""
        self.loop.call_soon_threadsafe(self._drop)
        self._stop()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        self.loop.run_until_complete(_wind_up())
        self.loop.close()

    def _stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()

    async def _enter(self) -> None:
        self._connection = await self._connect()
        await self._become(self._connection)
        self._beating = self.loop.create_task(self._beat())

    async def _connect(self) -> Connection:
        connection = await connect_once(self._direct)
        connection.add_termination_listener(lambda _: self._hurry.set())
        if self.listens:
            await connection.add_listener(self._channel, self._heard)
        return connection

    async def _become(self, connection: Connection) -> None:
        name = f"{socket.gethostname()}:{os.getpid()}"
        schema = self.options.quoted
        try:
            entered = f"SELECT {schema}.enter_1($1, $2, $3, $4)"
            self.others = bool(await connection.fetchval(entered, self.worker, name, self.listens, self.options.lease))
            await connection.execute(f"SELECT {schema}.ring_1($1, $2)", self._channel, [_HELLO])
        except _FAILURES as error:
            raise explain(error, self.options.where) from error

    async def _reenter(self, lost: str) -> None:
        if self.worker != lost:
            return
        self.worker = uuid.uuid4().hex
        logger.warning(
            "%s: this worker's lease had run out, and others may have its messages; it goes on anew", self.options.where
        )
        async with self._using:
            await self._become(await self._usable())

    async def _usable(self) -> Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
            self.known_runs.forget_all()
            self.wake([QUEUE, *self.signals.topics()])  # nobody knows what went unheard
        return self._connection

    async def _beat(self) -> None:
        pause = self.options.lease / 4
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), pause)
            self._hurry.clear()
            worker = self.worker
            try:
                async with self._using:
                    connection = await self._usable()
                    [(lives, listeners)] = await connection.fetch(
                        f"SELECT * FROM {self.options.quoted}.beat_1($1, $2)", worker, self.options.lease
                    )
                self.others = listeners > 0
                pause = self.options.lease / 4
                if not lives:
                    await self._reenter(worker)
            except _FAILURES as error:
                logger.warning("%s: can not renew the lease: %s", self.options.where, error or type(error).__name__)
                pause = min(_LONGEST_PAUSE, self.options.lease / 8)
                self._hurry.clear()

    def _tell(self, payloads: set[str]) -> None:
        self._told |= payloads
        if self._to_tell is None or self._to_tell.done():
            self._to_tell = self.loop.create_task(self._tell_all())

    async def _tell_all(self) -> None:
        """One call for all that comes up while the one before is on its way."""
        while self._told:
            payloads, self._told = sorted(self._told), set()
            try:
                async with self._using:
                    connection = await self._usable()
                    await connection.execute(f"SELECT {self.options.quoted}.ring_1($1, $2)", self._channel, payloads)
            except _FAILURES as error:
                logger.warning(
                    "%s: could not notify the others, who look for themselves soon: %s", self.options.where, error
                )

    def _heard(self, connection: Any, pid: int, _channel: str, payload: object) -> None:
        if pid == connection.get_server_pid():
            return  # what was done here is known here
        if payload == _HELLO:
            self.others = True
        elif isinstance(payload, str) and payload.startswith(_QUEUE):
            if payload == _QUEUE or self.misses(float(payload[1:])):
                self.wake([QUEUE])
        else:
            if isinstance(payload, str) and payload.startswith(_RUN):
                self.known_runs.forget(payload.removeprefix(_RUN))
            self.signals.ring(topic for topic in self.signals.topics() if _payload(topic) == payload)

    async def _leave(self, *, gently: bool) -> None:
        if self._beating is not None:
            self._beating.cancel()
        await self.lane.close()
        if gently:
            async with self._using:
                connection, schema = await self._usable(), self.options.quoted
                await connection.execute(f"SELECT {schema}.leave_1($1)", self.worker)
                await connection.execute(f"SELECT {schema}.ring_1($1, $2)", self._channel, [_QUEUE])
                await connection.close(timeout=2.0)

    def _drop(self) -> None:
        self.lane.drop()
        for task in (self._beating, self._to_tell):
            if task is not None:
                task.cancel()
        if self._connection is not None:
            self._connection.terminate()


async def _wind_up() -> None:
    """Let all that goes on on this loop come to its end."""
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)  # for what connections that were dropped have left to say


def _payload(topic: Topic) -> str:
    """What is said of the topic; of what may be long or strange, a digest."""
    if topic == QUEUE:
        return _QUEUE
    said = f"{_RUN}{topic}" if isinstance(topic, str) else f"{_STREAM}{topic[0]}/{topic[1]}"
    if len(said) < 500 and said.isascii() and "\0" not in said:
        return said
    return f"{said[0]}{hashlib.sha256(said.encode('utf-8', 'surrogatepass')).hexdigest()}"
