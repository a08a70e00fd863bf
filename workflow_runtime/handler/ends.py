"""What a run's end means for others: those that watch it, and its children when it was cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from workflow_runtime import clock
from workflow_runtime.errors import CorruptedEventLogError, RunNotFoundError
from workflow_runtime.events import Event, EventKind, Json
from workflow_runtime.ids import new_message_id
from workflow_runtime.metrics import counting
from workflow_runtime.values import encode_error
from workflow_runtime.worlds.base import Delivery, Log, Message, RunInfo, RunStatus, World


def wake_up(run_id: str) -> Message:
    """A message that has the run driven on. However many are sent, one waits in the queue at most."""
    return Message(new_message_id(), run_id, key=f"{run_id}:wake")


async def last_event(world: World, run: RunInfo) -> Event:
    """The event that ended a run which has ended."""
    (end,) = (await world.load(run.id, after=run.slot - 1)).events
    return end


async def end_of(world: World, run_id: str) -> tuple[str, Event]:
    """The event that ended the run or, when it was continued, the last of those that went on in its place, with that run's id.

    Raises ``RunNotFoundError``, and ``CorruptedEventLogError`` when it has not ended.
    """
    while True:
        log = await world.load(run_id, after=2**62)
        if not log.run.status.ended:
            raise CorruptedEventLogError(f"run {run_id} has not ended")
        end = await last_event(world, log.run)
        if end.kind is not EventKind.RUN_CONTINUED:
            return run_id, end
        run_id = end.data["run"]


async def tell_end(world: World, delivery: Delivery) -> None:
    """Record what came of a watched run in the log of the run that watches it."""
    message = delivery.message
    data = await _outcome_of(world, message.watched or "")
    fact = Event(EventKind.WATCH_COMPLETED, clock.now(), message.watch_id or "", data)
    await world.record(message.run_id, fact, sends=[wake_up(message.run_id)], ack=delivery)


async def _outcome_of(world: World, run_id: str) -> Mapping[str, Json]:
    try:
        run_id, end = await end_of(world, run_id)
    except RunNotFoundError as error:
        return {"run": run_id, "status": RunStatus.FAILED.value, "error": encode_error(error)}
    status = {
        EventKind.RUN_COMPLETED: RunStatus.COMPLETED,
        EventKind.RUN_FAILED: RunStatus.FAILED,
        EventKind.RUN_CANCELLED: RunStatus.CANCELLED,
    }[end.kind]
    return {"run": run_id, "status": status.value, **end.data}


async def cancel_children(world: World, delivery: Delivery) -> None:
    """Cancel the runs that a cancelled run had started; each of them does the same for its own."""
    await cancel_started_by(world, await world.load(delivery.message.run_id))
    await delivery.ack()


async def cancel_started_by(world: World, log: Log) -> None:
    """Cancel what the run of that whole log has started."""
    for event in log.events:
        if event.kind is EventKind.CHILD_CREATED:
            with suppress(RunNotFoundError):  # it ended, and has been removed
                await cancel(world, event.data["run"], cancelled_with(log.run.id))


def cancelled_with(parent: str) -> str:
    """What is said of a run that was cancelled because its parent was."""
    return f"its parent {parent} was cancelled"


async def cancel(world: World, run_id: str, reason: str | None) -> bool:
    """Cancel the run, or that one which goes on in its place. False when it has ended. Raises ``RunNotFoundError``."""
    while True:
        recorded = await world.record(run_id, Event(EventKind.RUN_CANCELLED, clock.now(), "", {"reason": reason}))
        if recorded.landed:
            await counting.run_cancelled(world, run_id)
            return True
        log = await world.load(run_id, after=2**62)
        if log.run.status is not RunStatus.CONTINUED:
            return False
        run_id = (await last_event(world, log.run)).data["run"]
