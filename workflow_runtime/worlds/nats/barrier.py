"""Waiting until what others were told is known here too."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from workflow_runtime.errors import WorldError
from workflow_runtime.worlds.nats.client import Client


class Barrier:
    """On the client's loop. Who comes while the stream's leader is being asked shares the next question with all others who do."""

    def __init__(self, client: Client, applied: Callable[[], int]) -> None:
        self._client = client
        self._applied = applied
        self._asking = asyncio.Lock()
        self._question: asyncio.Task[int] | None = None
        self._error: WorldError | None = None
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    async def wait(self) -> None:
        """Return once all has been applied that stood in the stream before the call. Raises ``WorldError``."""
        if self._question is None:
            self._question = asyncio.get_running_loop().create_task(self._ask())
        last = await asyncio.shield(self._question)
        if self._error is not None:
            raise self._error
        if self._applied() >= last:
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((last, future))
        self._waiting.sort(key=lambda waiting: waiting[0])
        try:
            async with asyncio.timeout(self._client.options.patience):
                await future
        except TimeoutError:
            raise WorldError(
                f"NATS world {self._client.options.namespace!r}: this process is {last - self._applied()} messages behind the stream and does "
                "not catch up; see whether a majority of the servers is up"
            ) from None

    def wake(self) -> None:
        """More has been applied."""
        applied = self._applied()
        while self._waiting and self._waiting[0][0] <= applied:
            _, future = self._waiting.pop(0)
            if not future.done():
                future.set_result(None)

    def fail(self, error: WorldError) -> None:
        """There is nothing to wait for any more, now or later."""
        self._error = error
        for _, future in self._waiting:
            if not future.done():
                future.set_exception(error)
        self._waiting.clear()

    async def _ask(self) -> int:
        async with self._asking:
            self._question = None  # who comes from now on needs a newer answer
            return await self._client.last_sequence()
