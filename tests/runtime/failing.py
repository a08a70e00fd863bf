"""Runs that fail, and what runs them again: what the tests of retrying share."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Callable
from typing import Any

from tests.runtime.conftest import Host
from workflow_runtime import FatalError
from workflow_runtime.events import EventKind
from workflow_runtime.retrying.renewing import retry
from workflow_runtime.worlds.base import RunStatus

MACHINE = """
from workflow_runtime.machine.current import running_machine

def machine():
    return running_machine()
def hook(token):
    return machine().open_hook(token, None, None, "")
async def child(*args):
    run = machine().start_child("workflow//app//main", {"args": list(args)}, {}, "")
    return run
async def result(run):
    end = await machine().watch(run, "")
    if end["status"] != "completed":
        raise ValueError(end.get("error", {}).get("message"))
    return end["output"]
"""


class Steps:
    """The steps ``a`` and ``b``: what was asked of them; those of ``fails`` fail until they are mended."""

    def __init__(self, *fails: object) -> None:
        self.calls: list[Any] = []
        self.fails = set(fails)
        self.hold = asyncio.Event()
        self.hold.set()

    async def a(self, x: Any) -> Any:
        self.calls.append(x)
        if str(x) in map(str, self.fails):
            raise FatalError(f"{x} is broken")
        return f"a{x}"

    async def b(self, x: Any) -> Any:
        """Like ``a``, but it waits while it is told to."""
        self.calls.append(x)
        await self.hold.wait()
        return f"b{x}"

    def mend(self) -> None:
        self.fails.clear()
        self.calls.clear()
        self.hold.set()


def app(host: Callable[..., Host], source: str, steps: Steps) -> Host:
    return host(MACHINE + textwrap.dedent(source), a=steps.a, b=steps.b)


async def ended(process: Host, *arguments: object, status: RunStatus = RunStatus.FAILED) -> str:
    """A run that has come to that end."""
    run_id = await process.start(*arguments)
    async with process.working():
        info = await process.world.wait_for_end(run_id, 20)
    assert info.status is status, await process.log(run_id)
    return run_id


async def again(process: Host, run_id: str, **options: Any) -> Any:
    """The result of the run that runs that one again."""
    info = await retry(process.world, run_id, **options)
    async with process.working():
        await process.world.wait_for_end(info.id, 20)
    return await process.result(info.id)


async def has(process: Host, run_id: str, kind: EventKind, count: int = 1) -> None:
    """Return once the log has so many of these."""
    while (await process.kinds(run_id)).count(kind) < count:  # noqa: ASYNC110 - the world has no event for what is asked here
        await asyncio.sleep(0.01)
