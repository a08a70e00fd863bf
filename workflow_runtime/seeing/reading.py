"""Asking a world for what is to be shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from workflow_runtime.errors import RunNotFoundError
from workflow_runtime.events import Event
from workflow_runtime.seeing.held import NOT_HELD, OFTEN, Held, pauses
from workflow_runtime.seeing.rows import RunView, State
from workflow_runtime.seeing.timeline import timeline, with_children
from workflow_runtime.worlds.base import World
from workflow_runtime.worlds.types import Log, RunInfo, RunStatus

PAGE = 5000
"""How many events are read at once."""
_CHILDREN = 100
TAIL = 300
"""How many events at its end are read of a log that is too long to be read for a line in a list."""


async def read_run(world: World, run_id: str) -> RunView:
    """The run with all that its log says. Raises ``RunNotFoundError``."""
    log = await world.load(run_id, limit=PAGE)
    events: list[Event] = list(log.events)
    while events and events[-1].slot < log.run.slot:
        log = await world.load(run_id, events[-1].slot, limit=PAGE)
        if not log.events:
            break
        events += log.events
    return timeline(Log(log.run, tuple(events)))


async def read_children(world: World, view: RunView) -> RunView:
    """The run with what the first hundred of those children say whose end it does not await."""
    unknown = [row.run for row in view.rows if row.state is State.STARTED and row.run is not None][:_CHILDREN]
    found = []
    for child in unknown:
        try:
            found.append((await world.load(child, after=2**62)).run)
        except RunNotFoundError:
            continue  # it was removed, as old runs are
    return with_children(view, found)


async def read_briefly(world: World, info: RunInfo) -> RunView:
    """The run as the end of its log tells of it: enough for ``standing``. Of a run that has ended, only its last event is read."""
    if info.status is RunStatus.COMPLETED or info.status is RunStatus.PENDING:
        return timeline(Log(info, ()))
    size = 1 if info.status.ended else TAIL
    return timeline(await world.load(info.id, after=max(0, info.slot - size)))


async def read_list(world: World, runs: Sequence[RunInfo]) -> list[RunView]:
    """Each of the runs, as ``read_briefly`` has it."""
    return [await read_briefly(world, info) for info in runs]


async def read_held(world: World, run: RunInfo, paused: Iterable[str]) -> Held:
    """What holds the run up now. ``paused`` is what ``world.paused()`` gives."""
    return NOT_HELD if run.status.ended else Held(pauses(run, paused), await read_handed_back(world, run.id))


async def read_handed_back(world: World, run_id: str) -> dict[str, int]:
    """``Held.handed_back``, as the queue has it now."""
    times: dict[str, int] = {}
    for queued in await world.list_messages(run_id):
        message, count = queued.message, queued.deliveries - queued.in_hand
        is_about_others = message.watch_id is not None or message.cancels_children
        if count >= OFTEN and not is_about_others:
            times[message.step_id or ""] = max(count, times.get(message.step_id or "", 0))
    return times
