"""From hand to hand: a run that is started on the event loop where a receiver waits begins with its message in that one's hands.

It is created and taken in one transaction, and so waits for the disk once, and has no way through the queue. Who waits has looked through the
queue before and found nothing that was due, so nothing is overtaken.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from workflow_runtime.errors import WorldError
from workflow_runtime.worlds import rules
from workflow_runtime.worlds.base import Message, RunInfo
from workflow_runtime.worlds.delivery import Claim, ClaimKeeper, HeldMessage, log_of_new, may_be_handed_over
from workflow_runtime.worlds.encoding import EncodedRun
from workflow_runtime.worlds.signals import Ticket
from workflow_runtime.worlds.sqlite.jobs import Job
from workflow_runtime.worlds.sqlite.records import QUEUE, SqliteRecords, Taken
from workflow_runtime.worlds.sqlite.session import Session

_Begun = tuple[RunInfo, list[Taken]]


@dataclass(slots=True, eq=False)
class Receiver:
    """A call of ``receive`` that waits, on the loop of its ticket."""

    room: int
    ticket: Ticket
    loop: asyncio.AbstractEventLoop
    promised: int = 0
    """How many runs are being created whose messages it is to have."""
    got: list[HeldMessage] = field(default_factory=list)
    waits: bool = True
    _kept: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait(self, timeout: float) -> None:
        """Wait until its ticket is rung, for so many seconds at most; and then for what it was promised, which would have to go back."""
        await self.ticket.wait(timeout)
        while self.promised:
            self._kept.clear()
            await self._kept.wait()

    def keep_promise(self) -> None:
        """One of the runs has been created, or has not."""
        self.promised -= 1
        self._kept.set()


class Receivers:
    """Those who wait. Each is touched on its own loop alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Receiver] = []

    @contextlib.contextmanager
    def waiting(self, session: Session, limit: int, ticket: Ticket) -> Iterator[Receiver]:
        """One more while the block lasts. What it got goes back to the queue when the block is left by an error."""
        receiver = Receiver(limit, ticket, asyncio.get_running_loop())
        with self._lock:
            self._waiting.append(receiver)
        try:
            yield receiver
        except BaseException:
            hand_back(session, [held.claim for held in receiver.got])
            raise
        finally:
            receiver.waits = False
            with self._lock:
                self._waiting.remove(receiver)

    def who_takes(self, run_id: str, message: Message) -> Receiver | None:
        """A receiver on the running loop with room for the run's first message."""
        if not may_be_handed_over(run_id, message):
            return None
        loop = asyncio.get_running_loop()
        with self._lock:
            here = [one for one in self._waiting if one.loop is loop]
        return next((one for one in here if len(one.got) + one.promised < one.room), None)


async def begin_run(session: Session, receiver: Receiver, new: EncodedRun, keeper: ClaimKeeper) -> RunInfo:
    """Create the run, as ``World.create_run`` does; its message is handed to the receiver, if that one still waits then."""

    def begin(records: SqliteRecords) -> _Begun:
        now = time.time()
        run = rules.create_run(records, new, now)
        taken = records.take_one(new.message.id, session.worker.id, now)
        if taken:
            records.rung.discard(QUEUE)
        return run, taken

    receiver.promised += 1
    try:
        run, taken = await session.writer.lane.run(
            begin, lambda begun: hand_back(session, [one[2] for one in begun[1]])
        )
    finally:
        receiver.keep_promise()
    for message, count, claim in taken:
        is_new = run.slot == 1 and not run.status.ended
        held = HeldMessage(message, count, claim, keeper, log_of_new(run, new) if is_new else None)
        if receiver.waits:
            receiver.got.append(held)
            receiver.ticket.ring()
        else:
            hand_back(session, [claim])
    return run


def hand_back(session: Session, claims: Sequence[Claim]) -> None:
    """Have messages put back in the queue that nobody takes, some time soon."""
    if claims:
        # When the world has been closed meanwhile, the messages are free without it.
        with contextlib.suppress(WorldError):
            session.writer.lane.put(Job(lambda records: [records.hand_back(claim) for claim in claims]))
