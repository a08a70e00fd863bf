"""Taking messages in hand, so that none is lost when the answer is, or when whoever asked is gone."""

from __future__ import annotations

import asyncio
import itertools
import time
from functools import partial
from typing import Any

from workflow_runtime.worlds.base import Delivery
from workflow_runtime.worlds.delivery import Claim, ClaimKeeper, HeldMessage, claim_by
from workflow_runtime.worlds.encoding import storable
from workflow_runtime.worlds.postgres.connect import Connection
from workflow_runtime.worlds.postgres.hatch import Hatch, Outlook, Receiver
from workflow_runtime.worlds.postgres.lane import Lane
from workflow_runtime.worlds.postgres.rows import message_of
from workflow_runtime.worlds.postgres.service import QUEUE
from workflow_runtime.worlds.postgres.session import Session
from workflow_runtime.worlds.postgres.texts import stored

claim_numbers = itertools.count(1)
"""Numbers of claims, for the whole process: never the same twice under one worker."""


class Taking:
    """One try to take messages in hand. ``number`` is the claim's."""

    def __init__(self, session: Session, worker: str, statement: str, *rest: object) -> None:
        self.number = next(claim_numbers)
        self._session, self._worker, self._statement, self._rest = session, worker, statement, rest
        self._done = False
        self._abandoned = False

    async def rows(self) -> list[Any]:
        """What the statement gives. When the call is cancelled, what was taken is handed back."""
        try:
            return await self._session.begin(self._take)
        except asyncio.CancelledError:
            # Each side first says its own and then looks at the other's, so at least one of them sees both.
            self._abandoned = True
            if self._done:
                self._session.begin_apart(self._give_back)
            raise

    async def _take(self, lane: Lane) -> list[Any]:
        rows = await lane.patiently(self._ask)
        self._done = True
        if self._abandoned:
            await self._give_back(lane)
        return rows

    async def _ask(self, connection: Connection, again: bool) -> list[Any]:
        if again:
            await connection.fetchval(self._session.sql.release, self._worker, self.number)
        return await connection.fetch(self._statement, self._worker, self.number, *self._rest)

    async def _give_back(self, lane: Lane) -> None:
        sql = self._session.sql
        if await lane.patiently(lambda c, _: c.fetchval(sql.release, self._worker, self.number)):
            self._session.ring([QUEUE])


async def receive(session: Session, limit: int, keeper: ClaimKeeper) -> list[Delivery]:
    """See ``World.receive``."""
    hatch = await session.settle()
    with hatch.receiver(limit) as receiver:
        try:
            while True:
                with session.signals.ticket(QUEUE) as receiver.ticket:
                    found = await _look(session, hatch, receiver, limit, keeper)
                    if not (found or receiver.got):
                        await _wait(session, hatch, receiver)
                    if found or receiver.got:
                        return [*found, *receiver.got]
        except BaseException:
            for delivery in receiver.got:
                session.begin_apart(partial(_again, delivery))
            raise


async def _look(session: Session, hatch: Hatch, receiver: Receiver, limit: int, keeper: ClaimKeeper) -> list[Delivery]:
    """What there is in the queue. It is not asked when there was nothing the last time, and nobody has rung since."""
    rung, free = session.service.rung, limit - hatch.promised
    if free < 1 or (hatch.outlook is not None and hatch.outlook.holds(rung)):
        return []
    receiver.room = limit - free
    rows: list[Any] = []
    while not rows:
        worker = session.service.worker
        taking = Taking(session, worker, session.sql.receive, free)
        if not (rows := await taking.rows()):
            await session.service.reenter(worker)
    receiver.room = limit
    if rows[0]["id"] is None:
        upcoming, now = rows[0]["next"], rows[0]["now"]
        left = session.at_most(None if upcoming is None else max(0.0, upcoming - now))
        hatch.outlook = Outlook(rung, time.monotonic() + left, now + left)
        return []
    if rows[0]["more"]:
        session.service.tell([QUEUE])
        session.service.wake([QUEUE])
    return [_held(row, worker, taking.number, keeper) for row in rows]


async def _wait(session: Session, hatch: Hatch, receiver: Receiver) -> None:
    """Wait until somebody rings, or it is time to look again."""
    outlook = hatch.outlook
    if outlook is None or not outlook.holds(session.service.rung):  # all that it may take is promised
        await receiver.wait(session.at_most(None))
    else:
        with session.service.alarm(outlook.at):
            await receiver.wait(outlook.until - time.monotonic())


async def take(session: Session, message_id: str, receipt: str | None, keeper: ClaimKeeper) -> Delivery | None:
    """See ``World.take``."""
    if not storable(message_id):
        return None
    worker = session.service.worker
    if held := claim_by(message_id, receipt):
        over = Taking(session, worker, session.sql.take_over, stored(message_id), held.owner, held.number)
        if rows := await over.rows():
            return _held(rows[0], worker, over.number, keeper)
    taking = Taking(session, worker, session.sql.take, stored(message_id))
    rows = await taking.rows()
    return _held(rows[0], worker, taking.number, keeper) if rows else None


async def _again(delivery: Delivery, _lane: Lane) -> None:
    await delivery.again()


def _held(row: Any, worker: str, number: int, keeper: ClaimKeeper) -> Delivery:
    message = message_of(row)
    claim = Claim(message.id, worker, number, message.limit is not None)
    return HeldMessage(message, row["deliveries"], claim, keeper)
