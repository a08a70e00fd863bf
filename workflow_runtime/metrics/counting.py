"""Where the runtime says what happens, so that it is counted by those who asked; when nobody did, nothing is done.

Prometheus asks through ``collect``. OpenTelemetry asks when the app has imported ``opentelemetry.metrics``, as nobody else would have.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress

from workflow_runtime.errors import RunNotFoundError, WorldError
from workflow_runtime.ids import made_at
from workflow_runtime.metrics import measures
from workflow_runtime.metrics.measures import Sink
from workflow_runtime.worlds.base import Delivery, Message, World

OTEL = "opentelemetry.metrics"
_sinks: tuple[Sink, ...] = ()
_has_otel = False
_in_work = 0
_lock = threading.Lock()
_queues: list[tuple[World, asyncio.AbstractEventLoop]] = []
"""The worlds whose queues this process works on, each with the loop that it does so on."""


def sinks() -> tuple[Sink, ...]:
    """Who asked for numbers."""
    global _has_otel
    if not _has_otel and OTEL in sys.modules:
        _has_otel = True
        from workflow_runtime.metrics.otel import OtelSink  # an app without OpenTelemetry has not installed it

        add_sink(OtelSink())
    return _sinks


def add_sink(sink: Sink) -> None:
    """Have it told of all that happens from now on."""
    global _sinks
    with _lock:
        _sinks = (*_sinks, sink)


@contextmanager
def message_in_work(delivery: Delivery) -> Iterator[None]:
    """Around the handling of one message."""
    _change(1)
    try:
        asked = sinks()
        if asked and delivery.count == 1:
            late = _lateness(delivery.message)
            for sink in asked:
                sink.observe(measures.LATENESS, (), late)
        yield
    finally:
        _change(-1)
        for sink in sinks():
            sink.add(measures.MESSAGES, (_about(delivery.message),))


def step_ended(step: str, outcome: str, seconds: float) -> None:
    """An attempt of a step, by the id of its function, has ended: completed, failed, retrying or called_off."""
    for sink in sinks():
        sink.add(measures.STEPS, (step, outcome))
        sink.observe(measures.DURATION, (step,), seconds)


def run_ended(workflow: str, status: str) -> None:
    """This process has ended a run of that workflow."""
    for sink in sinks():
        sink.add(measures.RUNS, (workflow, status))


async def run_cancelled(world: World, run_id: str) -> None:
    """This process has cancelled that run."""
    if sinks():
        with suppress(WorldError, RunNotFoundError):  # it is cancelled, whether that is counted or not
            run_ended((await world.load(run_id, after=2**62)).run.workflow, "cancelled")


def pushed(answer: str) -> None:
    """A request to a function had that status, or no answer."""
    for sink in sinks():
        sink.add(measures.PUSHES, (answer,))


def in_work() -> int:
    """How many messages this process has in work."""
    return _in_work


@contextmanager
def working_on(world: World) -> Iterator[None]:
    """Within the block, this process works on the queue of that world, on the running event loop."""
    entry = (world, asyncio.get_running_loop())
    _queues.append(entry)
    sinks()
    try:
        yield
    finally:
        _queues.remove(entry)


async def queue_depth() -> Mapping[str, int]:
    """The messages by state in the queue that this process works on; empty when it works on none, or the world can not be reached."""
    if not _queues:
        return {}
    try:
        found = await _queues[-1][0].queue_depth()
    except WorldError:
        return {}
    return {"due": found.due, "in_hand": found.in_hand, "delayed": found.delayed}


def queue_depth_for_threads(timeout: float) -> Mapping[str, int]:
    """The same for a thread that runs no event loop; empty in one that does, and when it does not come in time."""
    with suppress(RuntimeError):
        asyncio.get_running_loop()
        return {}
    if not _queues:
        return {}
    asked = asyncio.run_coroutine_threadsafe(queue_depth(), _queues[-1][1])
    try:
        return asked.result(timeout)
    except (TimeoutError, CancelledError):
        asked.cancel()
        return {}


def _change(by: int) -> None:
    global _in_work
    with _lock:
        _in_work += by


def _about(message: Message) -> str:
    if message.step_id is not None:
        return "step"
    return "watch" if message.watch_id is not None else "run"


def _lateness(message: Message) -> float:
    sent = made_at(message.id) or 0.0
    due = max(message.due, sent)
    return max(0.0, time.time() - due) if due else 0.0
