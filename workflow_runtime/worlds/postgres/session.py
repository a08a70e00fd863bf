"""One opened world: the service's thread, and connections on the event loops of workers."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from workflow_runtime.errors import WorldError
from workflow_runtime.events import RUN_ENDS, Event, EventKind
from workflow_runtime.worlds.base import Message, RunInfo
from workflow_runtime.worlds.postgres.connect import connect_once
from workflow_runtime.worlds.postgres.faults import FAILURES, explain
from workflow_runtime.worlds.postgres.grouping import Commits
from workflow_runtime.worlds.postgres.hatch import Hatch
from workflow_runtime.worlds.postgres.lane import Ask, Lane
from workflow_runtime.worlds.postgres.migrating import check_schema, migrate
from workflow_runtime.worlds.postgres.options import Options
from workflow_runtime.worlds.postgres.service import QUEUE, Service
from workflow_runtime.worlds.postgres.statements import Statements, statements_for
from workflow_runtime.worlds.signals import Topic

T = TypeVar("T")
_LOOK_ANYWAY = 5.0
"""Seconds after which who waits looks for himself, should no notification have come."""
_POLL = 0.5
"""Seconds between looks where no notifications come at all."""


class Session:
    """``open_session`` makes one."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.service = Service(options)
        self.signals = self.service.signals
        self.known_runs = self.service.known_runs
        self.sql: Statements = statements_for(options.quoted)
        self._lanes: dict[asyncio.AbstractEventLoop, Lane] = {}
        self._commits: dict[asyncio.AbstractEventLoop, Commits] = {}
        self._hatches: dict[asyncio.AbstractEventLoop, Hatch] = {}
        self._keepers: dict[asyncio.AbstractEventLoop, AsyncGenerator[None, None]] = {}
        self._process = os.getpid()

    @property
    def asked(self) -> int:
        """How many round trips were made, but for those of the service itself."""
        return sum(lane.asked for lane in (*self._lanes.values(), self.service.lane))

    async def ask(self, ask: Ask[T]) -> T:
        """Ask over a connection of this event loop's if it is a worker's, else over one of the service's."""
        return await self.begin(lambda lane: lane.patiently(ask))

    async def begin(self, work: Callable[[Lane], Coroutine[Any, Any, T]]) -> T:
        """Have the lane of this event loop do what ``work`` makes for it; it is done even when the caller is cancelled."""
        self.check_process()
        lane = self._lanes.get(asyncio.get_running_loop())
        if lane is not None:
            return await asyncio.shield(lane.begin(work(lane)))
        there = self.service.lane
        return await asyncio.shield(asyncio.wrap_future(self.service.submit(_awaited(there, work))))

    def commits(self) -> Commits | None:
        """Where plain commits meet, on the event loop of a worker."""
        self.check_process()
        return self._commits.get(asyncio.get_running_loop())

    def hatch(self) -> Hatch | None:
        """Where messages go from hand to hand, on the event loop of a worker."""
        self.check_process()
        return self._hatches.get(asyncio.get_running_loop())

    def begin_apart(self, work: Callable[[Lane], Coroutine[Any, Any, object]]) -> None:
        """Have it done some time soon; nobody waits for it."""
        lane = self._lanes.get(asyncio.get_running_loop())
        if lane is not None:
            lane.begin(work(lane))
        else:
            self.service.submit(_awaited(self.service.lane, work))

    async def settle(self) -> Hatch:
        """From now on this event loop has connections of its own: it receives, and wants to be quick."""
        loop = asyncio.get_running_loop()
        if loop not in self._lanes:
            lane = self._lanes[loop] = Lane(self.options, loop, self.options.connections)
            self._commits[loop] = Commits(self.sql, lane)
            self._hatches[loop] = Hatch()
            # A loop that ends ends its generators first, by which the connections are closed on the loop that they belong to.
            keeper = self._keep(lane)
            self._keepers[loop] = keeper
            await anext(keeper)
        return self._hatches[loop]

    async def _keep(self, lane: Lane) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            self._lanes.pop(lane.loop, None)
            self._commits.pop(lane.loop, None)
            self._hatches.pop(lane.loop, None)
            self._keepers.pop(lane.loop, None)
            await lane.close()

    def ring(self, topics: Iterable[Topic]) -> None:
        """Wake those who wait for the topics, here and elsewhere."""
        topics = set(topics)
        if not topics:
            return
        waiting = set(self.signals.topics())
        self.service.wake(topics)
        # Who receives here takes what there is, and passes it on when there is more.
        self.service.tell(topics - (waiting & {QUEUE}))

    def sent(self, due: float) -> None:
        """Wake who receives, here or else elsewhere, unless he looks into the queue by himself before the message is due."""
        if not due:
            self.ring([QUEUE])
        elif self.service.misses(due):
            self.service.wake([QUEUE])
            self.service.tell_due(due)

    def landed(
        self, run_id: str, events: Sequence[Event], sends: Sequence[Message] = (), *, queued: bool = False
    ) -> None:
        """Wake those whom it concerns that the events landed and the messages were sent; ``queued``: there is more in the queue by it."""
        if queued or any(event.kind is EventKind.WATCH_CREATED for event in events):
            self.ring([QUEUE])
        elif sends:
            self.sent(min(message.due for message in sends))
        if events and events[-1].kind in RUN_ENDS:
            self.ring([run_id, *(topic for topic in self.signals.topics() if topic[:1] == (run_id,))])

    def known(self, run_id: str) -> tuple[RunInfo | None, float]:
        """The run, if it is known without asking; and for how many seconds it may be relied on that it goes on."""
        known = self.known_runs.find(run_id)
        if known is None:
            return None, math.inf
        left = known.written_at + _LOOK_ANYWAY - time.monotonic()
        return (known.run, left) if known.end is not None or left > 0 else (None, math.inf)

    def at_most(self, seconds: float | None) -> float:
        """How long to wait before a look, when ``seconds`` are left; None: for ever."""
        longest = _LOOK_ANYWAY if self.service.listens else _POLL
        return longest if seconds is None else min(seconds, longest)

    async def end(self, *, gently: bool) -> None:
        """Let go of everything."""
        for loop, keeper in list(self._keepers.items()):
            if loop is asyncio.get_running_loop():
                await keeper.aclose()
            elif loop.is_running():
                with contextlib.suppress(RuntimeError):  # it has ended meanwhile, and closed them itself
                    await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(keeper.aclose(), loop))
        await self.service.end(gently=gently)

    def crash(self) -> None:
        """Die without a word, leaving behind what a killed process leaves. For tests."""
        for lane in self._lanes.values():
            lane.drop()
        self.service.crash()

    def check_process(self) -> None:
        """Raise ``WorldError`` in a process that was forked from the one that opened the world."""
        if os.getpid() != self._process:
            raise WorldError(
                f"{self.options.where}: process {os.getpid()} was forked from process {self._process}, whose connections it can not use; "
                "fork first and open the world afterwards, in each process for itself"
            )


async def open_session(options: Options) -> Session:
    """Connect, bring the schema up to date, and enter. Raises ``WorldError``."""
    connection = await connect_once(options)
    try:
        ready = await check_schema(connection, options)
        await connection.close()
    except FAILURES as error:
        raise explain(error, options.where) from error
    finally:
        connection.terminate()
    if not ready:
        if not options.migrate:
            raise WorldError(
                f"{options.where}: the schema is not up to date, and ?migrate=no forbids to change it here; "
                "run `python -m workflow_runtime migrate` as its owner"
            )
        await migrate(options)
    session = Session(options)
    await session.service.start()
    return session


async def _awaited(lane: Lane, work: Callable[[Lane], Coroutine[Any, Any, T]]) -> T:
    return await lane.begin(work(lane))
