"""Why a run does not end: what it waits for, told from its log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from workflow_build.testing.clock import shown
from workflow_runtime.events import Event, EventKind
from workflow_runtime.values import decode_error
from workflow_runtime.worlds.base import RunInfo, RunStatus

DEPTH = 5
"""How many runs that wait for one another are told of."""
SETTLED = {
    EventKind.STEP_CREATED: (EventKind.STEP_COMPLETED, EventKind.STEP_FAILED, EventKind.STEP_CANCELLED),
    EventKind.WAIT_CREATED: (EventKind.WAIT_COMPLETED, EventKind.WAIT_CANCELLED),
    EventKind.HOOK_CREATED: (EventKind.HOOK_DISPOSED,),
    EventKind.WATCH_CREATED: (EventKind.WATCH_COMPLETED,),
}
"""What begins something that a run may wait for, and what ends it."""


def pending(log: Sequence[Event]) -> list[Event]:
    """The events that began what a run may wait for, of all that has not ended, in the order of the log."""
    ended = {event.kind: set[str]() for event in log}
    for event in log:
        ended[event.kind].add(event.entity)
    return [
        event
        for event in log
        if event.kind in SETTLED and not any(event.entity in ended.get(kind, ()) for kind in SETTLED[event.kind])
    ]


def why_not_ended(run: RunInfo, log: Callable[[str], Sequence[Event]], depth: int = DEPTH) -> str:
    """Which run it is, where it stands, and what it waits for."""
    name = f"run {run.id} of {run.workflow.removeprefix('workflow//').replace('//', '.')}"
    if run.status is RunStatus.FAILED:
        error = decode_error(log(run.id)[-1].data["error"])
        return f"{name} has ended: failed with {type(error).__name__}: {error}"
    if run.status.ended:
        return f"{name} has ended: {run.status}"
    waits = list(_reasons(log(run.id), log, depth))
    return f"{name} is {run.status} and waits for {'; and for '.join(waits) or 'nothing that its log tells of'}"


def _reasons(events: Sequence[Event], log: Callable[[str], Sequence[Event]], depth: int) -> Iterator[str]:
    for event in pending(events):
        match event.kind:
            case EventKind.HOOK_CREATED:
                yield f"a payload for its hook {event.data['token']!r} (`resume` sends one)"
            case EventKind.WAIT_CREATED:
                yield f"{shown(event.data['until'])} ({event.entity})"
            case EventKind.WATCH_CREATED:
                yield from _watched(event.data["run"], log, depth)
            case _:
                yield _step(event, events)


def _step(created: Event, log: Sequence[Event]) -> str:
    name = created.data["step"].removeprefix("step//").replace("//", ".")
    of_it = [event for event in log if event.entity == created.entity]
    last = of_it[-1]
    if last.kind is EventKind.STEP_RETRYING:
        error, again = decode_error(last.data["error"]), shown(last.data["retry_at"])
        return (
            f"step {name} ({created.entity}), which raised {type(error).__name__}: {error}, and is run again at {again}"
        )
    if last.kind is EventKind.STEP_STARTED:
        return f"step {name} ({created.entity}), whose body is running: attempt {last.data['attempt']}"
    return f"step {name} ({created.entity}), which has not begun"


def _watched(run_id: str, log: Callable[[str], Sequence[Event]], depth: int) -> Iterator[str]:
    if depth == 0:
        yield f"run {run_id}"
        return
    for reason in list(_reasons(log(run_id), log, depth - 1)) or ["nothing that its log tells of"]:
        yield f"run {run_id}, which waits for {reason}"
