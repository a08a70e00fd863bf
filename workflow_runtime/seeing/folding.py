"""From a log's events to the drafts of its rows, in one pass.

The log may be a part of one, its tail: what is told of something whose beginning is not in it begins there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from workflow_runtime.events import DECISIONS, RUN_ENDS, Event, EventKind, Json
from workflow_runtime.seeing.payloads import shortened
from workflow_runtime.seeing.phrases import name_of
from workflow_runtime.seeing.rows import OPEN, Attempt, Payload, RowKind, State

_TEXT = 200


@dataclass(slots=True)
class Draft:
    """A row in the making; see ``rows.Row``."""

    id: str
    kind: RowKind
    name: str
    created: float
    state: State
    slot: int = 0
    batch: int = 0
    function: str = ""
    started: float | None = None
    ended: float | None = None
    end_slot: int = 0
    attempts: list[Attempt] = field(default_factory=list)
    payloads: list[Payload] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)
    """What only its kind has, by the names of ``rows.Row``."""


class Fold:
    """Takes events in, in slot order."""

    def __init__(self) -> None:
        self.drafts: dict[str, Draft] = {}
        """By correlation id, in the order of their first events."""
        self.created: Mapping[str, Json] = {}
        """The data of ``run_created``."""
        self.end: Event | None = None
        self.last_decision = 0
        """The slot of the last decision."""
        self._batch = (0, 0.0, 0)  # its first slot, its time, its last slot
        self._children: dict[str, Draft] = {}  # by the child run's id

    def take(self, events: Iterable[Event]) -> None:
        """Take in the next events."""
        for event in events:
            if (event.kind in DECISIONS and "step" not in event.data) or event.kind is EventKind.STEP_CREATED:
                self._decided(event)
            if event.kind in RUN_ENDS:
                self.end = event
            elif event.kind is EventKind.RUN_CREATED:
                self.created = event.data
            elif (fold := _FOLDS.get(event.kind)) is not None:
                fold(self, event)

    def _decided(self, event: Event) -> None:
        first, time, last = self._batch
        # One commit gives all that it decides the same time, and puts it side by side.
        together = event.time == time and event.slot == last + 1
        self._batch = (first if together else event.slot, event.time, event.slot)
        self.last_decision = event.slot

    def draft(self, event: Event, kind: RowKind, name: str, state: State) -> Draft:
        """The row that the event begins."""
        draft = Draft(event.entity, kind, name, event.time, state, event.slot, self._batch[0], started=event.time)
        self.drafts[event.entity] = draft
        return draft

    def known(self, event: Event, kind: RowKind) -> Draft:
        """The row that the event is about. When its beginning was not read, it begins here."""
        draft = self.drafts.get(event.entity)
        if draft is None:
            name = "sleep" if kind is RowKind.WAIT else event.entity
            draft = Draft(event.entity, kind, shortened(name, _TEXT), event.time, State.WAITING, started=event.time)
            self.drafts[event.entity] = draft
        return draft

    def awaited(self, event: Event) -> Draft:
        """The row of a run that is awaited: its child's, or one of its own."""
        run = str(event.data.get("run"))
        child = self._children.get(run)
        if child is not None and child.state is State.STARTED:
            self.drafts[event.entity] = child
            return child
        draft = self.draft(event, RowKind.WATCH, "result", State.WAITING)
        draft.more["run"] = run
        return draft

    def add_child(self, event: Event) -> None:
        """The row of a child run."""
        draft = self.draft(event, RowKind.CHILD, _name(event.data.get("workflow")), State.STARTED)
        draft.function = str(event.data.get("workflow"))
        draft.more |= {"run": str(event.data.get("run")), "input": event.data.get("input")}
        self._children[draft.more["run"]] = draft


def _ended(draft: Draft, event: Event, state: State) -> None:
    draft.state, draft.ended, draft.end_slot = state, event.time, event.slot


def _step_created(fold: Fold, event: Event) -> None:
    draft = fold.draft(event, RowKind.STEP, _name(event.data.get("step")), State.QUEUED)
    draft.started = None
    draft.function = str(event.data.get("step"))
    draft.more["input"] = event.data.get("input")


def _step_started(fold: Fold, event: Event) -> None:
    draft = fold.known(event, RowKind.STEP)
    if draft.attempts and draft.attempts[-1].state is State.RUNNING:
        draft.attempts[-1] = replace(draft.attempts[-1], state=State.LOST, ended=event.time)
    draft.attempts.append(Attempt(_number(event), event.time, None, State.RUNNING))
    draft.state = State.RUNNING
    draft.more.pop("until", None)
    if draft.started is None:
        draft.started = event.time


def _step_outcome(fold: Fold, event: Event) -> None:
    draft = fold.known(event, RowKind.STEP)
    state = {EventKind.STEP_COMPLETED: State.COMPLETED, EventKind.STEP_CANCELLED: State.CANCELLED}.get(
        event.kind, State.FAILED
    )
    error, retry_at = event.data.get("error"), event.data.get("retry_at")
    if not draft.attempts and "attempt" in event.data:  # its start was not read
        draft.attempts.append(Attempt(_number(event), draft.created, None, State.RUNNING))
    if draft.attempts and draft.attempts[-1].state is State.RUNNING:
        counted = bool(event.data.get("counted", True))
        number, started = draft.attempts[-1].number, draft.attempts[-1].started
        draft.attempts[-1] = Attempt(number, started, event.time, state, error, retry_at, counted)
    if event.kind is EventKind.STEP_RETRYING:
        draft.state, draft.more["until"] = State.WAITING, retry_at
        return
    _ended(draft, event, state)
    draft.more.pop("until", None)
    draft.more |= {"output": event.data.get("output"), "error": error}


def _wait_created(fold: Fold, event: Event) -> None:
    fold.draft(event, RowKind.WAIT, "sleep", State.WAITING).more["until"] = event.data.get("until")


def _wait_ended(fold: Fold, event: Event) -> None:
    state = State.COMPLETED if event.kind is EventKind.WAIT_COMPLETED else State.CANCELLED
    _ended(fold.known(event, RowKind.WAIT), event, state)


def _hook_created(fold: Fold, event: Event) -> None:
    kind = RowKind.HOOK if event.data.get("webhook") is None else RowKind.WEBHOOK
    token = str(event.data.get("token"))
    draft = fold.draft(event, kind, shortened(token, _TEXT), State.WAITING)
    draft.more |= {"token": token, "metadata": event.data.get("metadata")}
    if event.kind is EventKind.HOOK_CONFLICT:
        _ended(draft, event, State.FAILED)
        draft.more["run"] = str(event.data.get("run"))


def _hook_received(fold: Fold, event: Event) -> None:
    draft = fold.known(event, RowKind.HOOK)
    draft.payloads.append(Payload(event.time, event.data.get("payload"), event.data.get("key")))
    _ended(draft, event, State.COMPLETED)


def _hook_disposed(fold: Fold, event: Event) -> None:
    draft = fold.known(event, RowKind.HOOK)
    draft.more["disposed"] = True
    if draft.state is State.WAITING:
        _ended(draft, event, State.CANCELLED)


def _child_created(fold: Fold, event: Event) -> None:
    fold.add_child(event)


def _watch_created(fold: Fold, event: Event) -> None:
    fold.awaited(event).state = State.WAITING


def _watch_completed(fold: Fold, event: Event) -> None:
    draft = fold.known(event, RowKind.WATCH)
    states = {"completed": State.COMPLETED, "cancelled": State.CANCELLED}
    _ended(draft, event, states.get(str(event.data.get("status")), State.FAILED))
    draft.more |= {"output": event.data.get("output"), "error": event.data.get("error")}
    draft.more.setdefault("run", str(event.data.get("run")))


def _attributes_set(fold: Fold, event: Event) -> None:
    if "step" not in event.data:  # those that a step set belong to the run, and to no row
        changes = event.data.get("attributes") or {}
        draft = fold.draft(event, RowKind.ATTRIBUTES, shortened(" ".join(changes), _TEXT), State.COMPLETED)
        draft.more["attributes"] = changes
        _ended(draft, event, State.COMPLETED)


_FOLDS: Mapping[EventKind, Callable[[Fold, Event], None]] = {
    EventKind.STEP_CREATED: _step_created,
    EventKind.STEP_STARTED: _step_started,
    EventKind.STEP_RETRYING: _step_outcome,
    EventKind.STEP_COMPLETED: _step_outcome,
    EventKind.STEP_FAILED: _step_outcome,
    EventKind.STEP_CANCELLED: _step_outcome,
    EventKind.WAIT_CREATED: _wait_created,
    EventKind.WAIT_COMPLETED: _wait_ended,
    EventKind.WAIT_CANCELLED: _wait_ended,
    EventKind.HOOK_CREATED: _hook_created,
    EventKind.HOOK_CONFLICT: _hook_created,
    EventKind.HOOK_RECEIVED: _hook_received,
    EventKind.HOOK_DISPOSED: _hook_disposed,
    EventKind.CHILD_CREATED: _child_created,
    EventKind.WATCH_CREATED: _watch_created,
    EventKind.WATCH_COMPLETED: _watch_completed,
    EventKind.ATTRIBUTES_SET: _attributes_set,
}


def is_open(draft: Draft) -> bool:
    """Whether it can still have an outcome that matters."""
    return draft.state in OPEN


def _name(function: object) -> str:
    return shortened(name_of(str(function)), _TEXT)


def _number(event: Event) -> int:
    number = event.data.get("attempt")
    return number if isinstance(number, int) else 0
