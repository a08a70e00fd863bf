"""The memory world as a test sees it: somebody works on it as soon as it is used, and time is skipped for those who wait.

Only the methods in which something happens stand here; the world itself answers the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, Protocol, cast

from workflow_runtime.context import current_step
from workflow_runtime.events import Event
from workflow_runtime.worlds.base import Delivery, Message, RunInfo, World
from workflow_runtime.worlds.memory import MemoryWorld


class Keeper(Protocol):
    """Who sees to it that a test's runs go on."""

    def ensure_worker(self) -> None:
        """Have a worker, on the running event loop unless another has one."""

    def created(self, run_id: str) -> None:
        """A run is about to be created."""

    def landed(self, run_id: str) -> None:
        """Events of the run may have landed."""

    def skipping(self, run_id: str, timeout: float | None) -> asyncio.Task[None]:
        """What skips time for somebody who waits for the run's end; to be cancelled when that one has ceased to wait."""


def face(world: MemoryWorld, keeper: Keeper) -> World:
    """The world of the test's own process: what ``start``, ``resume_hook`` and apps under test work with."""
    return cast(World, _Face(world, keeper))  # what it does not define, it passes on


def mortal(world: MemoryWorld, keeper: Keeper, is_dead: Callable[[], bool]) -> World:
    """The world of a worker that may die: then nobody hears what came of its last commit."""
    return cast(World, _Mortal(world, keeper, is_dead))  # as above


class _Face:
    def __init__(self, world: MemoryWorld, keeper: Keeper) -> None:
        self._world = world
        self._keeper = keeper

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world, name)

    async def open(self) -> None:
        await self._world.open()
        self._keeper.ensure_worker()

    async def close(self) -> None:
        """The fixture closes it, and no app that is tested."""

    async def receive(self, limit: int) -> list[Delivery]:
        """Nothing, ever: the test's own worker does the work, and the one in an app's lifespan only waits."""
        return await _for_ever()

    async def create_run(
        self, run_id: str, created: Event, message: Message, *, log: Sequence[Event] = (), sends: Sequence[Message] = ()
    ) -> RunInfo:
        self._keeper.created(run_id)
        run = await self._world.create_run(run_id, created, message, log=log, sends=sends)
        self._keeper.landed(run_id)
        return run

    async def commit(self, run_id: str, *args: Any, **kwargs: Any) -> Any:
        answer = await self._world.commit(run_id, *args, **kwargs)
        self._keeper.landed(run_id)
        return answer

    async def record(self, run_id: str, *args: Any, **kwargs: Any) -> Any:
        answer = await self._world.record(run_id, *args, **kwargs)
        self._keeper.landed(run_id)
        return answer

    async def wait_for_end(self, run_id: str, timeout: float | None = None) -> RunInfo:
        if current_step.get() is not None:  # a step waits as long as it must, and time goes on when the test waits
            return await self._world.wait_for_end(run_id, timeout)
        skipping = self._keeper.skipping(run_id, timeout)
        try:
            return await self._world.wait_for_end(run_id, timeout)
        finally:
            skipping.cancel()


class _Mortal:
    def __init__(self, world: MemoryWorld, keeper: Keeper, is_dead: Callable[[], bool]) -> None:
        self._world = world
        self._keeper = keeper
        self._is_dead = is_dead

    def __getattr__(self, name: str) -> Any:
        return getattr(self._world, name)

    async def commit(self, run_id: str, *args: Any, **kwargs: Any) -> Any:
        return await self._heard(run_id, await self._world.commit(run_id, *args, **kwargs))

    async def record(self, run_id: str, *args: Any, **kwargs: Any) -> Any:
        return await self._heard(run_id, await self._world.record(run_id, *args, **kwargs))

    async def start_step(self, run_id: str, *args: Any, **kwargs: Any) -> Any:
        return await self._heard(run_id, await self._world.start_step(run_id, *args, **kwargs))

    async def _heard(self, run_id: str, answer: Any) -> Any:
        self._keeper.landed(run_id)
        return await _for_ever() if self._is_dead() else answer


async def _for_ever() -> NoReturn:
    while True:
        await asyncio.get_running_loop().create_future()
