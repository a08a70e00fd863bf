"""How fast to push: at full speed while somebody takes the messages, one at a time and ever less often when nobody does."""

from __future__ import annotations

import asyncio
import time

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 30.0
"""Seconds between two attempts when all fail, unless whoever answers asks for more."""
LONGEST_ASKED = 300.0
"""Seconds that whoever answers may ask for."""


class Pace:
    """Counts failures in a row. What fails together, as when a server goes away, counts once."""

    def __init__(self) -> None:
        self.failures = 0
        self._generation = 0
        self._until = 0.0
        self._open = 0
        self._changed = asyncio.Event()

    async def room(self, limit: int) -> int:
        """How many of ``limit`` messages may be pushed now, once there may be one."""
        while self.failures:
            pause = self._until - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause)
            elif self._open:
                self._changed.clear()
                await self._changed.wait()
            else:
                return 1
        return limit

    def begin(self) -> Attempt:
        """A message is to be pushed now."""
        self._open += 1
        return Attempt(self, self._generation)

    def settle(self, generation: int, *, taken: bool, retry_after: float) -> None:
        """What became of an attempt that began in that generation."""
        self._open -= 1
        if taken:
            self.failures, self._until = 0, 0.0
        elif generation == self._generation:
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self.failures, 16))
            self.failures += 1
            self._until = time.monotonic() + max(pause, min(LONGEST_ASKED, retry_after))
            self._generation += 1
        self._changed.set()

    @property
    def pause(self) -> float:
        """Seconds until the next attempt, when the last one failed."""
        return max(0.0, self._until - time.monotonic())


class Attempt:
    """One push, until it is known whether the message was taken."""

    def __init__(self, pace: Pace, generation: int) -> None:
        self._pace = pace
        self._generation = generation
        self.is_settled = False

    def settle(self, *, taken: bool, retry_after: float = 0.0) -> None:
        """It is known. Only the first time counts."""
        if not self.is_settled:
            self.is_settled = True
            self._pace.settle(self._generation, taken=taken, retry_after=retry_after)
