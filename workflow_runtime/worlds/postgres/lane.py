"""The connections of one event loop, and what is asked over them: again after a failure, as long as that is safe and makes sense."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import asyncpg

from workflow_runtime.errors import WorldError
from workflow_runtime.worlds.postgres.connect import Connection, connect
from workflow_runtime.worlds.postgres.faults import FAILURES, connection_lost, explain, rolled_back
from workflow_runtime.worlds.postgres.options import Options

T = TypeVar("T")
Ask = Callable[[Connection, bool], Awaitable[T]]
"""What is asked over a connection. The second argument says that an earlier try may have been done all the same: its answer was lost."""
PATIENCE = 15.0
"""Seconds for which something is tried again while the server can not be reached or has no room."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.02, 1.0  # seconds
logger = logging.getLogger("workflow_runtime.postgres")


class Lane:
    """Connections that are used on ``loop`` only; at most ``limit`` of them."""

    def __init__(
        self, options: Options, loop: asyncio.AbstractEventLoop, limit: int, patience: float = PATIENCE
    ) -> None:
        self.loop = loop
        self.asked = 0
        """How many round trips were made."""
        self._options = options
        self._idle: list[Connection] = []
        self._room = asyncio.Semaphore(limit)
        self._patience = patience
        self._closed = False
        self._tasks: set[asyncio.Task[Any]] = set()

    async def ask(self, ask: Ask[T]) -> T:
        """Ask, on whatever connection is free; again after a failure. Goes on when the caller is cancelled. Raises ``WorldError``."""
        return await asyncio.shield(self.begin(self.patiently(ask)))

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Do it on this lane's loop, whoever waits for it."""
        task = self.loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def patiently(self, ask: Ask[T]) -> T:
        """Ask, again and again where that is safe, for as long as there is patience."""
        deadline, pause, again = time.monotonic() + self._patience, _FIRST_PAUSE, False
        while True:
            try:
                return await self._once(ask, again)
            except FAILURES as error:
                lost = connection_lost(error)
                again = again or lost
                if self._closed or not (lost or rolled_back(error)) or time.monotonic() > deadline:
                    raise explain(error, self._options.where) from error
                logger.warning("%s: %s; again in %.2f s", self._options.where, error or type(error).__name__, pause)
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(_LONGEST_PAUSE, pause * 2)

    async def close(self) -> None:
        """Let what was begun come to its end, and close all connections."""
        self._closed = True
        while self._tasks:
            await asyncio.wait(self._tasks)
        await asyncio.gather(*(_close(connection) for connection in self._idle))
        self._idle.clear()

    def drop(self) -> None:
        """Close all connections without a word."""
        self._closed = True
        for task in self._tasks:
            task.cancel()
        while self._idle:
            self._idle.pop().terminate()

    async def _once(self, ask: Ask[T], again: bool) -> T:
        async with self._room:
            connection = await self._connection()
            try:
                self.asked += 1
                answer = await ask(connection, again)
            except asyncpg.PostgresError as error:
                self._give_back(connection, well=not (connection_lost(error) or rolled_back(error)))
                raise
            except BaseException:
                connection.terminate()
                raise
            self._give_back(connection, well=True)
            return answer

    async def _connection(self) -> Connection:
        if self._closed:
            raise WorldError(f"{self._options.where}: the world was closed meanwhile")
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return await connect(self._options)

    def _give_back(self, connection: Connection, *, well: bool) -> None:
        if well and not connection.is_closed() and not (self._closed and not self._tasks):
            self._idle.append(connection)
        else:
            connection.terminate()

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever asked may be gone


async def _close(connection: Connection) -> None:
    with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        await connection.close(timeout=2.0)
