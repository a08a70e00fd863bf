"""Waking up who waits, from any thread and on any event loop.

A ticket is taken before the state is read: what happens after the read rings it, so that nothing is missed in between.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator

Topic = str | tuple[str, str]
"""What is waited for: "" is the queue, other text a run's id, and a pair a run's id and the name of its stream."""


class Ticket:
    """One wait, on the event loop that it was taken on."""

    __slots__ = ("_loop", "_rung")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._rung: asyncio.Future[None] = self._loop.create_future()

    def ring(self) -> None:
        """Wake the waiter. Any thread may call it."""
        # A closed loop has nobody left to wake.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._settle)

    async def wait(self, timeout: float | None) -> None:
        """Return when rung, or after ``timeout`` seconds."""
        await asyncio.wait((self._rung,), timeout=timeout)

    def _settle(self) -> None:
        if not self._rung.done():
            self._rung.set_result(None)


class Signals:
    """Topics and the tickets taken for them. ``on_first`` is called when somebody waits and nobody did before."""

    def __init__(self, on_first: Callable[[], None] = lambda: None) -> None:
        self._lock = threading.Lock()
        self._tickets: defaultdict[Topic, set[Ticket]] = defaultdict(set)
        self._on_first = on_first

    @contextlib.contextmanager
    def ticket(self, *topics: Topic) -> Iterator[Ticket]:
        """A ticket that ``ring`` of any of the topics wakes while the block lasts."""
        ticket = Ticket()
        with self._lock:
            first = not self._tickets
            for topic in topics:
                self._tickets[topic].add(ticket)
        if first:
            self._on_first()
        try:
            yield ticket
        finally:
            with self._lock:
                for topic in topics:
                    self._tickets[topic].discard(ticket)
                    if not self._tickets[topic]:
                        del self._tickets[topic]

    @property
    def waiting(self) -> bool:
        """Whether anybody waits for anything."""
        return bool(self._tickets)

    def topics(self) -> list[Topic]:
        """What is waited for."""
        with self._lock:
            return list(self._tickets)

    def ring(self, topics: Iterable[Topic]) -> None:
        """Wake all who wait for one of ``topics``. Any thread may call it."""
        if not self._tickets:
            return
        with self._lock:
            rung = {ticket for topic in topics for ticket in self._tickets.get(topic, ())}
        for ticket in rung:
            ticket.ring()
