"""What an event does to everything but the log when it lands: the run, its steps, waits, hooks and watches, and the queue."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from workflow_runtime.events import RUN_ENDS, STEP_ENDS, Event, EventKind
from workflow_runtime.ids import wait_key
from workflow_runtime.worlds.base import HookInfo, Message, RunInfo, RunStatus
from workflow_runtime.worlds.encoding import EncodedEvent, encode_event
from workflow_runtime.worlds.entities import (
    CHANGES_THE_RUN,
    STEP_STATUS_AFTER,
    WAIT_STATUS_AFTER,
    StepState,
    run_after,
    run_at,
    step_after,
)
from workflow_runtime.worlds.records import Records, Watch


def send(records: Records, message: Message, now: float) -> None:
    """``World.send``."""
    ready_at = message.due or now
    if message.key is not None and records.hasten(message.key, ready_at):
        return
    if not records.in_queue(message.id):
        records.put(message, ready_at)


def land(records: Records, run: RunInfo, batch: Sequence[EncodedEvent], now: float) -> tuple[Event, ...]:
    """Append the batch and bring everything up to date. Gives the events as they landed."""
    appended: list[EncodedEvent] = []
    landed: list[Event] = []
    before = run
    steps: dict[str, StepState] = {}
    for slot, encoded in enumerate(batch, run.slot + 1):
        event = encoded.event
        kind = event.kind
        if kind is EventKind.HOOK_CREATED:
            encoded = _claim_token(records, run.id, encoded, slot)
            event = encoded.event
        appended.append(encoded)
        landed.append(Event(event.kind, event.time, event.entity, event.data, slot))
        if kind in STEP_ENDS and event.entity not in steps:
            records.end_step(run.id, event.entity, STEP_STATUS_AFTER[kind])
        elif kind in STEP_STATUS_AFTER:
            known = steps.get(event.entity)
            if known is None and kind is not EventKind.STEP_CREATED:
                known = records.step(run.id, event.entity)
            steps[event.entity] = step_after(known, event, slot)
        elif kind in WAIT_STATUS_AFTER:
            records.save_wait(run.id, event.entity, WAIT_STATUS_AFTER[kind])
            if kind is EventKind.WAIT_CANCELLED:
                records.drop_key(wait_key(run.id, event.entity))
        elif kind in CHANGES_THE_RUN:
            run = run_after(run, event)
        elif kind in _EFFECTS:
            _EFFECTS[kind](records, run.id, event, now)
    records.append(run.id, before.slot, appended)
    for step_id, step in steps.items():
        records.save_step(run.id, step_id, step)
    if landed:
        records.save_run(run_at(run, landed[-1].slot), before)
        if landed[-1].kind in RUN_ENDS:
            _end(records, landed[-1], run.id, now)
    return tuple(landed)


def _claim_token(records: Records, run_id: str, encoded: EncodedEvent, slot: int) -> EncodedEvent:
    """The event as it lands: a ``hook_conflict`` when another hook has the token, else the hook lives from now on."""
    event = encoded.event
    token = event.data["token"]
    owner = records.hooks.by_token(token)
    if owner is not None and (owner.run_id, owner.hook_id) != (run_id, event.entity):
        return encode_event(
            Event(EventKind.HOOK_CONFLICT, event.time, event.entity, {"token": token, "run": owner.run_id})
        )
    metadata, webhook = event.data.get("metadata"), event.data.get("webhook")
    records.hooks.add(HookInfo(token, run_id, event.entity, metadata, webhook, event.time), slot)
    return encoded


def _received(records: Records, run_id: str, event: Event, _now: float) -> None:
    key = event.data.get("key")
    if key is not None:
        records.hooks.keep_key(run_id, event.entity, key)


def _disposed(records: Records, run_id: str, event: Event, _now: float) -> None:
    records.hooks.remove(run_id, event.entity)


def _has_child(records: Records, run_id: str, _event: Event, _now: float) -> None:
    records.add_child(run_id)


def _watches(records: Records, run_id: str, event: Event, now: float) -> None:
    _register(records, Watch(run_id, event.entity, None), event.data["run"], now)


def _has_watched(records: Records, run_id: str, event: Event, _now: float) -> None:
    records.watches.save(Watch(run_id, event.entity, None, done=True))


_EFFECTS: Mapping[EventKind, Callable[[Records, str, Event, float], None]] = {
    EventKind.HOOK_RECEIVED: _received,
    EventKind.HOOK_DISPOSED: _disposed,
    EventKind.CHILD_CREATED: _has_child,
    EventKind.WATCH_CREATED: _watches,
    EventKind.WATCH_COMPLETED: _has_watched,
}


def _register(records: Records, watch: Watch, target: str, now: float) -> None:
    """Watch ``target``, or whoever goes on in its place; when there is nobody left to wait for, say so at once."""
    seen: set[str] = set()
    run = records.run(target)
    while run is not None and run.status is RunStatus.CONTINUED and target not in seen:
        seen.add(target)
        target = records.event(target, run.slot).data["run"]
        run = records.run(target)
    if run is None or run.status.ended:
        records.watches.save(replace(watch, target=None))
        _tell(records, watch, target, now)
    else:
        records.watches.save(replace(watch, target=target))


def _tell(records: Records, watch: Watch, watched: str, now: float) -> None:
    message_id = f"{watch.run_id}/{watch.watch_id}/ended"
    send(records, Message(message_id, watch.run_id, watch_id=watch.watch_id, watched=watched), now)


def _end(records: Records, end: Event, run_id: str, now: float) -> None:
    """The run has ended: let go of what it has, and tell those who watch it."""
    records.drop_idle(run_id)
    records.hooks.remove_all(run_id)
    records.free_places(run_id)
    for watch in records.watches.of(run_id):
        watcher = records.run(watch.run_id)
        if watcher is None or watcher.status.ended:
            continue
        if end.kind is EventKind.RUN_CONTINUED:
            _register(records, watch, end.data["run"], now)
        else:
            _tell(records, watch, run_id, now)
    if end.kind is EventKind.RUN_CANCELLED and records.has_children(run_id):
        send(records, Message(f"{run_id}/cancelled", run_id, cancels_children=True), now)
