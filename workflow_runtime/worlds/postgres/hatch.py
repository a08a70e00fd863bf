"""Where receivers wait, so that what is started beside them can be given to them without a way through the queue.

Who waits has looked through the queue before and found nothing that was due, so nothing is overtaken.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from workflow_runtime.worlds.base import Delivery, Message
from workflow_runtime.worlds.delivery import may_be_handed_over
from workflow_runtime.worlds.signals import Ticket


@dataclass(slots=True, eq=False)
class Receiver:
    """One call of ``receive``."""

    room: int
    """How many messages it takes from hands here."""
    waits: bool = False
    ticket: Ticket | None = None
    got: list[Delivery] = field(default_factory=list)

    async def wait(self, timeout: float) -> None:
        """Wait until its ticket is rung, for so many seconds at most."""
        assert self.ticket is not None, "it waits only where it has one"
        self.waits = True
        try:
            await self.ticket.wait(timeout)
        finally:
            self.waits = False


@dataclass(frozen=True, slots=True)
class Outlook:
    """That there was nothing to take when the queue was looked through."""

    rung: object
    """The last ring of the queue's bell before that."""
    until: float
    """When to look again, by ``time.monotonic``."""
    at: float
    """The same by the server's clock."""

    def holds(self, rung: object) -> bool:
        """Whether there is still nothing, as far as is known here."""
        return rung is self.rung and time.monotonic() < self.until


class Hatch:
    """The receivers on one event loop, and what they were promised."""

    def __init__(self) -> None:
        self.outlook: Outlook | None = None
        self.promised = 0
        """How many runs are being created whose messages go to a receiver here."""
        self._receivers: list[Receiver] = []

    @contextlib.contextmanager
    def receiver(self, limit: int) -> Iterator[Receiver]:
        """A receiver while the block lasts."""
        receiver = Receiver(limit)
        self._receivers.append(receiver)
        try:
            yield receiver
        finally:
            self._receivers.remove(receiver)

    def waited_for(self, run_id: str, message: Message) -> bool:
        """Whether somebody waits who takes the first message of the run."""
        return may_be_handed_over(run_id, message) and self.promised < sum(
            one.room - len(one.got) for one in self._receivers if one.waits
        )

    def hand(self, delivery: Delivery) -> bool:
        """Give it to a receiver; False when there is none left that has room."""
        found = next((one for one in self._receivers if len(one.got) < one.room), None)
        if found is not None:
            found.got.append(delivery)
        for one in self._receivers:  # the others have room for what they had kept free for this
            if one.ticket is not None:
                one.ticket.ring()
        return found is not None
