"""Whether histories are as they must be: from a world alone, after whatever has happened to those who wrote to it.

``faults_of`` judges one log by what every log must satisfy; ``check_world`` also asks the queue whether each run that is not over has
something that will carry it on, and whether anything is left of runs that are.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from workflow_runtime.errors import RunNotFoundError
from workflow_runtime.events import Event, EventKind
from workflow_runtime.ids import wait_key
from workflow_runtime.worlds.base import Log, Queued, RunInfo, RunStatus, World
from workflow_runtime.worlds.entities import RUN_STATUS_AFTER

PAGE = 500
_ALL = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a run. ``slot`` is where in its log, 0 when it is not in the log."""

    run_id: str
    slot: int
    what: str

    def __str__(self) -> str:
        return f"{self.run_id}{f' slot {self.slot}' if self.slot else ''}: {self.what}"


@dataclass(slots=True)
class _Step:
    attempt: int = 0
    message: str | None = None
    """The message under which it runs; None while nobody runs it."""
    retry_at: float = 0.0


@dataclass(slots=True)
class _History:
    """What the events so far have opened, and the ids that were ever used."""

    used: set[str] = field(default_factory=set)
    steps: dict[str, _Step] = field(default_factory=dict)
    waits: dict[str, float] = field(default_factory=dict)
    hooks: set[str] = field(default_factory=set)
    keys: set[tuple[str, str | None]] = field(default_factory=set)
    watches: dict[str, str] = field(default_factory=dict)
    status: RunStatus = RunStatus.PENDING

    def apply(self, event: Event) -> str | None:
        """Take the event in; what is wrong with it, if anything is."""
        if self.status.ended:
            return f"{event.kind} follows the run's end"
        if event.kind in RUN_STATUS_AFTER:
            if event.kind is EventKind.RUN_STARTED and self.status is not RunStatus.PENDING:
                return "the run is started twice"
            self.status = RUN_STATUS_AFTER[event.kind]
            return None
        judge = _JUDGES.get(event.kind)
        return judge(self, event) if judge else None

    def opened(self, event: Event) -> str | None:
        """What has to be new is new."""
        if event.entity in self.used:
            return f"{event.entity} is created twice"
        self.used.add(event.entity)
        return None


def _step_created(history: _History, event: Event) -> str | None:
    history.steps[event.entity] = _Step()
    return history.opened(event)


def _step_started(history: _History, event: Event) -> str | None:
    step = history.steps.get(event.entity)
    if step is None:
        return f"{event.entity} is started, and is not open"
    if event.data["attempt"] != step.attempt + 1:
        return f"{event.entity} is started for the attempt {event.data['attempt']} after the attempt {step.attempt}"
    early = step.retry_at - event.time
    step.attempt, step.message = event.data["attempt"], event.data["message"]
    return f"{event.entity} is run again {early:.3f} s too early" if early > 0 else None


def _attempt_over(history: _History, event: Event) -> str | None:
    step = history.steps.get(event.entity)
    if step is None or step.message is None or step.attempt != event.data["attempt"]:
        return f"{event.kind} of {event.entity} is of the attempt {event.data['attempt']}, which does not run"
    if event.kind is EventKind.STEP_RETRYING:
        step.message, step.retry_at = None, event.data["retry_at"]
    else:
        del history.steps[event.entity]
    return None


def _step_cancelled(history: _History, event: Event) -> str | None:
    gone = history.steps.pop(event.entity, None)
    return f"{event.entity} is cancelled, and is not open" if gone is None else None


def _wait_created(history: _History, event: Event) -> str | None:
    history.waits[event.entity] = event.data["until"]
    return history.opened(event)


def _wait_over(history: _History, event: Event) -> str | None:
    until = history.waits.pop(event.entity, None)
    if until is None:
        return f"{event.kind} of {event.entity}, which is not open"
    if event.kind is EventKind.WAIT_COMPLETED and event.time < until:
        return f"{event.entity} is over {until - event.time:.3f} s too early"
    return None


def _hook_created(history: _History, event: Event) -> str | None:
    if event.kind is EventKind.HOOK_CREATED:
        history.hooks.add(event.entity)
    return history.opened(event)


def _hook_received(history: _History, event: Event) -> str | None:
    if event.entity not in history.hooks:
        return f"{event.entity} receives a payload, and is not open"
    named = (event.entity, event.data.get("key"))
    if named[1] is not None and named in history.keys:
        return f"{event.entity} receives the payload {named[1]!r} twice"
    history.keys.add(named)
    return None


def _hook_disposed(history: _History, event: Event) -> str | None:
    if event.entity not in history.hooks:
        return f"{event.entity} is disposed of, and is not open"
    history.hooks.discard(event.entity)
    return None


def _watch_created(history: _History, event: Event) -> str | None:
    history.watches[event.entity] = event.data["run"]
    return history.opened(event)


def _watch_completed(history: _History, event: Event) -> str | None:
    gone = history.watches.pop(event.entity, None)
    return f"{event.entity} is told of an end twice, or of one that it does not wait for" if gone is None else None


def _attributes_set(history: _History, event: Event) -> str | None:
    step = event.data.get("step")
    return f"attributes are set by {step}, which is not open" if step and step not in history.steps else None


_JUDGES: Mapping[EventKind, Callable[[_History, Event], str | None]] = {
    EventKind.STEP_CREATED: _step_created,
    EventKind.STEP_STARTED: _step_started,
    EventKind.STEP_RETRYING: _attempt_over,
    EventKind.STEP_COMPLETED: _attempt_over,
    EventKind.STEP_FAILED: _attempt_over,
    EventKind.STEP_CANCELLED: _step_cancelled,
    EventKind.WAIT_CREATED: _wait_created,
    EventKind.WAIT_COMPLETED: _wait_over,
    EventKind.WAIT_CANCELLED: _wait_over,
    EventKind.HOOK_CREATED: _hook_created,
    EventKind.HOOK_CONFLICT: _hook_created,
    EventKind.HOOK_RECEIVED: _hook_received,
    EventKind.HOOK_DISPOSED: _hook_disposed,
    EventKind.CHILD_CREATED: _History.opened,
    EventKind.WATCH_CREATED: _watch_created,
    EventKind.WATCH_COMPLETED: _watch_completed,
    EventKind.ATTRIBUTES_SET: _attributes_set,
}


def faults_of(log: Log) -> list[Fault]:
    """What is wrong with a whole log: slots, the order of what happens to each step, wait, hook and watch, and the run's own state."""
    return [*_read(log, _History())]


def _read(log: Log, history: _History) -> Iterator[Fault]:
    run = log.run
    for slot, event in enumerate(log.events, 1):
        if event.slot != slot:
            yield Fault(run.id, event.slot, f"the log has a hole before it: it should be slot {slot}")
            return
        if (slot == 1) is not (event.kind is EventKind.RUN_CREATED):
            yield Fault(run.id, slot, f"{event.kind} stands there; the first event, and no other, is run_created")
        elif (wrong := history.apply(event)) is not None:
            yield Fault(run.id, slot, wrong)
    if len(log.events) != run.slot:
        yield Fault(run.id, 0, f"its log has {len(log.events)} events, and it says {run.slot}")
    if history.status is not run.status:
        yield Fault(run.id, 0, f"it is {run.status.value}, and its log says {history.status.value}")
    if run.status.ended is (run.ended_at is None):
        yield Fault(run.id, 0, f"it is {run.status.value}, and its end is {run.ended_at}")


async def check_world(world: World) -> AsyncIterator[tuple[RunInfo, list[Fault]]]:
    """Each run of the world, newest first, with its faults; at last, messages of runs that are not there, under runs made up for them.

    May be called while runs go on: a run that moves while it is looked at is judged by its log alone.
    """
    runs = await world.list_runs(limit=PAGE)
    while runs:
        for run in runs:
            try:
                yield run, await _check_run(world, run.id)
            except RunNotFoundError:  # removed meanwhile
                continue
        runs = await _older(world, runs)
    for run_id in dict.fromkeys([queued.message.run_id for queued in await world.list_messages(limit=_ALL)]):
        if not await _is_there(world, run_id):
            # Looked at again: the run may have been removed meanwhile, and its messages with it.
            strays = [queued.message.id for queued in await world.list_messages(run_id, limit=_ALL)]
            faults = [Fault(run_id, 0, f"message {stray} is about a run that is not there") for stray in strays]
            yield RunInfo(run_id, "", "", RunStatus.CANCELLED, 0.0, None, 0.0, 0), faults


async def _older(world: World, runs: Sequence[RunInfo]) -> list[RunInfo]:
    """The next page. The last of this one may have been removed meanwhile; its end is then looked at twice."""
    for run in reversed(runs):
        try:
            return await world.list_runs(before=run.id, limit=PAGE)
        except RunNotFoundError:
            continue
    return []


async def _check_run(world: World, run_id: str) -> list[Fault]:
    log, history = await world.load(run_id), _History()
    faults = [*_read(log, history)]
    if faults:
        return faults
    messages = await world.list_messages(run_id, limit=_ALL)
    lacking = [Fault(run_id, 0, what) async for what in _lacking(world, log.run, history, messages)]
    if lacking and (await world.load(run_id, log.run.slot)).run != log.run:
        return []
    return lacking


async def _lacking(world: World, run: RunInfo, history: _History, queued: Sequence[Queued]) -> AsyncIterator[str]:
    """What the queue lacks to carry the run on, or has of a run that is over."""
    if run.status.ended:
        for one in queued:
            # One that somebody had in hand when the run ended is acked, or delivered once more.
            if not (one.message.cancels_children or one.in_hand or one.deliveries):
                yield f"message {one.message.id} is left of a run that is over"
        return
    messages = [one.message for one in queued]
    ids, steps = {message.id for message in messages}, {message.step_id for message in messages}
    keys, told = {message.key for message in messages}, {message.watch_id for message in messages}
    for step_id, step in history.steps.items():
        if step_id not in steps and step.message not in ids:
            yield f"no message will carry {step_id} on"
    for wait in history.waits:
        if wait_key(run.id, wait) not in keys:
            yield f"no message will end {wait}"
    for watch, target in history.watches.items():
        if watch not in told and not await _lives(world, target):
            yield f"no message will tell {watch} that {target} has ended"
    if not (messages or history.steps or history.waits or history.hooks or history.watches):
        yield "nothing will carry it on"


async def _lives(world: World, run_id: str) -> bool:
    """Whether the run, or the last that goes on in its place, has not ended."""
    seen: set[str] = set()
    while run_id not in seen:
        seen.add(run_id)
        try:
            run = (await world.load(run_id, limit=0)).run
            if run.status is not RunStatus.CONTINUED:
                return not run.status.ended
            run_id = (await world.load(run_id, run.slot - 1)).events[0].data["run"]
        except RunNotFoundError:
            return False
    return False


async def _is_there(world: World, run_id: str) -> bool:
    try:
        await world.load(run_id, limit=0)
    except RunNotFoundError:
        return False
    return True
