"""What the conformance suite needs to know of a world, and the words that its tests are written in."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Protocol

from workflow_runtime.events import Event, EventKind, Json
from workflow_runtime.worlds.base import Committed, Delivery, Message, NewRun, RunInfo, World

WORKFLOW = "workflow//shop.orders//checkout"
STEP = "step//shop.payments//charge"
SOON = 20.0  # seconds; what must happen happens long before, on a slow machine too
A_WHILE = 0.3  # seconds; for what must not happen: long enough to catch it, and never a failure when all is well

_ids = itertools.count(1)


class Harness(Protocol):
    """The storage under test, and what can be done to it from outside of the ``World`` methods."""

    async def make(self) -> World:
        """Another worker's world on the storage, opened. All of them share the runs and the queue."""

    async def crash(self, world: World) -> None:
        """Make a world that ``make`` made die as in a power cut: nothing is handed back, nothing is closed."""

    async def stored_messages(self, run_id: str) -> list[str]:
        """The ids of all the run's messages in the storage, in hand or not, read without the ``World`` methods."""


def event(kind: EventKind, entity: str = "", time: float = 100.0, **data: Json) -> Event:
    """An event as its maker makes it."""
    return Event(kind, time, entity, data)


def created(input: Json = None, workflow: str = WORKFLOW, time: float = 100.0, **more: Json) -> Event:
    """The first event of a run."""
    return event(EventKind.RUN_CREATED, time=time, workflow=workflow, bundle="0123456789abcdef", input=input, **more)


def fresh_run(**of_created: Json) -> NewRun:
    """A run that another creates, with a first message that comes when no test lives any more."""
    run_id = fresh("wrun")
    return NewRun(run_id, created(**of_created), Message(fresh("msg"), run_id, due=far_from_now()))


def step_created(step_id: str, input: Json = None) -> Event:
    """A step that is to be run."""
    return event(EventKind.STEP_CREATED, step_id, step=STEP, input=input)


def step_completed(step_id: str, attempt: int = 1, output: Json = None) -> Event:
    """A step's good outcome."""
    return event(EventKind.STEP_COMPLETED, step_id, attempt=attempt, output=output)


def step_retrying(step_id: str, attempt: int = 1, retry_at: float = 0.0, *, counted: bool = True) -> Event:
    """A step's failure that is not its last."""
    return event(EventKind.STEP_RETRYING, step_id, attempt=attempt, error=None, retry_at=retry_at, counted=counted)


def hook_created(hook_id: str, token: str, metadata: Json = None, time: float = 100.0) -> Event:
    """A hook that wants the token."""
    return event(EventKind.HOOK_CREATED, hook_id, time=time, token=token, metadata=metadata, webhook=None)


def hook_received(hook_id: str, key: str | None = None, payload: Json = None) -> Event:
    """A payload for a hook."""
    return event(EventKind.HOOK_RECEIVED, hook_id, payload=payload, key=key)


def watch_created(watch_id: str, run_id: str) -> Event:
    """A watch of another run."""
    return event(EventKind.WATCH_CREATED, watch_id, run=run_id)


def child_created(child_id: str, run_id: str) -> Event:
    """A run that the workflow has started."""
    return event(EventKind.CHILD_CREATED, child_id, run=run_id, workflow=WORKFLOW, input=None, attributes={})


def run_continued(run_id: str) -> Event:
    """The end of a run that another goes on in place of."""
    return event(EventKind.RUN_CONTINUED, run=run_id, input=None)


def run_cancelled() -> Event:
    """The end of a run by somebody outside."""
    return event(EventKind.RUN_CANCELLED, reason=None)


def run_completed(time: float = 100.0) -> Event:
    """The good end of a run."""
    return event(EventKind.RUN_COMPLETED, time=time, output=None)


def fresh(prefix: str) -> str:
    """An id that nothing else has."""
    return f"{prefix}_{next(_ids):06d}"


async def new_run(world: World, **of_created: Json) -> RunInfo:
    """A new run whose first message is gone, so that the queue is as it was."""
    run = await world.create_run(run_id := fresh("wrun"), created(**of_created), Message(fresh("msg"), run_id))
    await (await take(world)).ack()
    return run


async def new_step(world: World, step_id: str = "step_000001", input: Json = None) -> RunInfo:
    """A new run with a step that nobody has started."""
    run = await new_run(world)
    await append(world, run.id, step_created(step_id, input))
    return run


async def append(world: World, run_id: str, *events: Event) -> Committed:
    """Commit at the log's end."""
    answer = await world.commit(run_id, (await world.load(run_id)).run.slot, events)
    assert isinstance(answer, Committed), f"commit at the end of the log was refused: {answer}"
    return answer


async def take(world: World) -> Delivery:
    """The next delivery, which must come soon."""
    [delivery] = await asyncio.wait_for(world.receive(1), SOON)
    return delivery


async def held(world: World, run_id: str, message_id: str | None = None) -> Delivery:
    """A message of the run, in hand."""
    await world.send(Message(message_id or fresh("msg"), run_id))
    return await take(world)


async def nothing_comes(world: World) -> None:
    """Fail when the queue has something for this world."""
    try:
        got = await asyncio.wait_for(world.receive(10), A_WHILE)
    except TimeoutError:
        return
    raise AssertionError(f"nothing was due, but {[delivery.message for delivery in got]} came")


async def kinds(world: World, run_id: str) -> list[EventKind]:
    """The kinds of the events in the run's log. Fails when its slots are not 1, 2, 3 and on."""
    log = await world.load(run_id)
    slots = [logged.slot for logged in log.events]
    assert slots == list(range(1, log.run.slot + 1)), (
        f"the log of {run_id} up to slot {log.run.slot} has the slots {slots}"
    )
    return [logged.kind for logged in log.events]


def far_from_now() -> float:
    """A time that no test lives to see."""
    return time.time() + 3600.0
