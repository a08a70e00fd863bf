"""A hook as its machine sees it: the payloads that have come, and who waits for the next."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from workflow_runtime.errors import HookConflictError, HookDisposedError
from workflow_runtime.events import Json


class HookState:
    """One hook of one run. Payloads are taken in the order in which they stand in the log."""

    def __init__(
        self, entity: str, token: str, loop: asyncio.AbstractEventLoop, dispose: Callable[[str], None]
    ) -> None:
        self.entity = entity
        self.token = token
        self._loop = loop
        self._dispose = dispose
        self._payloads: deque[Json] = deque()
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._created: asyncio.Future[None] = loop.create_future()
        self._owner: str | None = None
        self._disposed = self._withdrawn = False

    async def receive(self) -> Json:
        """The next payload, encoded. Raises ``HookConflictError``, ``HookDisposedError``."""
        while not self._payloads:
            if self._owner is not None:
                raise HookConflictError(self.token, self._owner)
            if self._disposed:
                raise HookDisposedError(self.token)
            waiter = self._loop.create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            except BaseException:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
                elif self._payloads:
                    self._wake()  # told of a payload that it does not take: the next one shall
                raise
        return self._payloads.popleft()

    async def conflict(self) -> str | None:
        """The run that has the token, once it is known whether another one has; None when it is ours.

        Raises ``HookDisposedError`` when nobody will ever know, since it was disposed of before.
        """
        await asyncio.shield(self._created)
        if self._withdrawn:
            raise HookDisposedError(self.token)
        return self._owner

    def dispose(self) -> None:
        """Want no more payloads, and free the token."""
        if not self._disposed:
            self._disposed = True
            self._wake_all()
            if not self._created.done():
                self._withdrawn = True
                self._created.set_result(None)
            if self._owner is None:
                self._dispose(self.entity)

    def confirm(self, owner: str | None) -> None:
        """The log has it: the token is ours, or ``owner``'s."""
        self._owner = owner
        if not self._created.done():
            self._created.set_result(None)
        if owner is not None:
            self._wake_all()

    def deliver(self, payload: Json) -> None:
        """A payload has come."""
        if not self._disposed:
            self._payloads.append(payload)
            self._wake()

    def _wake(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _wake_all(self) -> None:
        while self._waiters:
            self._wake()
