"""This worker's life as the others see it, and its share in looking after theirs and after the stream's length."""

from __future__ import annotations

import asyncio
import logging
import random
import time
import uuid
from typing import TYPE_CHECKING
from zlib import crc32

from workflow_runtime.errors import WorldError
from workflow_runtime.worlds.nats import keeping

if TYPE_CHECKING:
    from workflow_runtime.worlds.nats.link import Link

_LOOK_AGAIN = 5.0  # seconds; clocks may have been set meanwhile
_POLITE = (0.002, 0.010)  # seconds that others are given to take a message
logger = logging.getLogger("workflow_runtime.nats")


class Lives:
    """A worker is one once it has taken messages. ``worker`` is new each time, and never used again by anybody."""

    def __init__(self, link: Link) -> None:
        self.worker = uuid.uuid4().hex
        self.joined = False
        self._link = link
        self._lease = link.options.lease
        self._joining = asyncio.Lock()
        self.ahead = 0.0
        """How far this machine's clock is ahead of the servers', in seconds, as far as is known."""
        self._heard_at = 0.0
        self._beaten_at = 0.0
        self._buried_at = 0.0
        self._polite_to = ""
        self._polite_until = 0.0
        self._saving: asyncio.Task[None] | None = None

    @property
    def lives(self) -> bool:
        """Whether all others take this worker for alive, as far as is known here."""
        return self.joined and self.worker in self._link.replica.state.queue.alive

    @property
    def hold(self) -> bool:
        """Whether nobody can have called this worker dead."""
        return time.monotonic() - self._heard_at < self._lease * 0.8

    def heard(self, begun: tuple[float, float], stamp: float) -> None:
        """An operation of this worker has been stored at ``stamp``. It was begun at those times of the monotonic and of the system's clock."""
        self._heard_at = max(self._heard_at, begun[0])
        least, most = begun[1] - stamp, time.time() - stamp
        self.ahead = min(max(self.ahead, least), most)

    async def join(self) -> None:
        """Return once this worker may take messages in hand."""
        if not self.lives:
            await self._link.run(self._join())

    def until_turn(self) -> float:
        """Seconds until this worker should ask for messages.

        A message comes due for all workers at once, and all but one of their operations would be for nothing: so it is one of them, another
        for each message, who asks at once, and the rest ask a little later, if it still waits.
        """
        now = time.time() - self.ahead
        due, first = self._link.replica.state.transact(lambda state: state.queue.outlook(now))
        if first is None:
            return _LOOK_AGAIN if due is None else min(_LOOK_AGAIN, due - now)
        alive = self._link.replica.state.queue.alive.copy()
        if self.worker == max(alive, key=lambda worker: crc32(f"{first}{worker}".encode()), default=self.worker):
            return 0.0
        if self._polite_to != first:
            self._polite_to = first
            self._polite_until = time.monotonic() + random.uniform(*_POLITE)
        return self._polite_until - time.monotonic()

    def look_after(self, now: float) -> None:
        """Give a sign of life when it is time, bury the dead, and have a snapshot taken when the stream has grown long."""
        if not self.lives:
            return
        if now - max(self._heard_at, self._beaten_at) > self._lease / 4:
            self._beaten_at = now
            self._link.tell(self._link.about_queue({"do": "beat"}))
        over = self._link.replica.leases.over(time.time() - self.ahead)
        if over and now - self._buried_at > self._lease / 4:
            self._buried_at = now
            for worker in over:
                self._link.tell(self._link.about_queue({"do": "bury", "dead": worker}))
        if self._saving is None and self._is_long():
            self._saving = asyncio.get_running_loop().create_task(self.save())

    async def save(self) -> None:
        """On the client's loop: take a snapshot, and shorten the stream."""
        at = self._link.replica.applied
        try:
            if await keeping.save(self._link.client, self._link.replica):
                await self._link.write(self._link.about_queue({"do": "snapshot", "at": at}))
        except WorldError as error:
            logger.warning("NATS world %r: no snapshot could be taken: %s", self._link.options.namespace, error)
        finally:
            self._saving = None

    async def _join(self) -> None:
        async with self._joining:
            if self.lives:
                return
            if self.joined:  # buried: what this worker had may be another's
                self.worker = uuid.uuid4().hex
            await self._link.write(self._link.about_queue({"do": "join", "lease": self._lease}))
            self.joined = True

    def _is_long(self) -> bool:
        """Whether it is time: for the first of the workers sooner, for all others when that one does nothing."""
        first = self.worker == min(self._link.replica.state.queue.alive)
        return self._link.replica.due_snapshot(self._link.options.keep * (1 if first else 2))
