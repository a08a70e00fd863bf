"""What a world takes: events and runs that lack what their kind must say are refused on the caller's side, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from workflow_runtime.events import RUN_ENDS, Event, EventKind
from workflow_runtime.worlds.base import NewRun, UnstorableError
from workflow_runtime.worlds.encoding import storable
from workflow_runtime.worlds.entities import CHANGES_THE_RUN

# What ``record`` takes. Starts go through ``start_step``, the rest are decisions and go through ``commit``.
FACTS = frozenset(
    {
        EventKind.RUN_STARTED,
        EventKind.RUN_FAILED,
        EventKind.RUN_CANCELLED,
        EventKind.STEP_RETRYING,
        EventKind.STEP_COMPLETED,
        EventKind.STEP_FAILED,
        EventKind.WAIT_COMPLETED,
        EventKind.HOOK_RECEIVED,
        EventKind.WATCH_COMPLETED,
        EventKind.ATTRIBUTES_SET,
    }
)
_OF_NO_ENTITY = frozenset({EventKind.RUN_CREATED, *CHANGES_THE_RUN})
_TEXT_OR_NONE = (str, type(None))
_HIGHEST_PRIORITY = 2**31 - 1
# The data that a world reads. All else in an event's data is the business of others.
_READ_BY_THE_WORLD: Mapping[EventKind, Mapping[str, type | tuple[type, ...]]] = {
    EventKind.RUN_CREATED: {
        "workflow": str,
        "bundle": str,
        "parent": _TEXT_OR_NONE,
        "root": _TEXT_OR_NONE,
        "priority": (int, type(None)),
    },
    EventKind.RUN_CONTINUED: {"run": str},
    EventKind.STEP_STARTED: {"attempt": int, "message": str},
    EventKind.STEP_RETRYING: {"attempt": int, "retry_at": (int, float), "counted": bool},
    EventKind.STEP_COMPLETED: {"attempt": int},
    EventKind.STEP_FAILED: {"attempt": int},
    EventKind.HOOK_CREATED: {"token": str},
    EventKind.HOOK_RECEIVED: {"key": _TEXT_OR_NONE},
    EventKind.WATCH_CREATED: {"run": str},
    EventKind.ATTRIBUTES_SET: {"attributes": Mapping, "step": _TEXT_OR_NONE},
}


def check_event(event: Event) -> None:
    """Raise ``UnstorableError`` when the event lacks what its kind must say, or says it in text that no storage can hold."""
    if not event.entity and event.kind not in _OF_NO_ENTITY:
        raise UnstorableError(f"a {event.kind} event names no entity; set it to the correlation id of what it is about")
    for name, wanted in _READ_BY_THE_WORLD.get(event.kind, {}).items():
        value = event.data.get(name)
        if not isinstance(value, wanted) or (isinstance(value, str) and not storable(value)):
            raise UnstorableError(
                f"a {event.kind} event{' of ' + event.entity if event.entity else ''} has {value!r} as its {name!r}; "
                "workflow_runtime.events says what it must hold, and text must not have half of a surrogate pair in it"
            )
    if event.kind in (EventKind.RUN_CREATED, EventKind.ATTRIBUTES_SET):
        _check_attributes(event)


def check_created(event: Event) -> None:
    """Raise ``UnstorableError`` unless the event may begin a run."""
    if event.kind is not EventKind.RUN_CREATED:
        raise UnstorableError(f"a run begins with a run_created event, not {event.kind}")
    check_event(event)
    priority = event.data.get("priority") or 0
    if abs(priority) > _HIGHEST_PRIORITY:
        raise UnstorableError(f"a run has the priority {priority}; it must be between ±{_HIGHEST_PRIORITY}")


def check_fact(event: Event) -> None:
    """Raise ``UnstorableError`` unless ``record`` may take the event."""
    if event.kind not in FACTS:
        raise UnstorableError(
            f"record() takes facts, and {event.kind} is none; use commit(), start_step() or create_run()"
        )
    if event.kind is EventKind.ATTRIBUTES_SET and event.data.get("step") is None:
        raise UnstorableError("attributes_set is a fact only when it says which step set them; else use commit()")
    check_event(event)


def check_batch(events: Sequence[Event]) -> None:
    """Raise ``UnstorableError`` unless ``commit`` may take the events, in this order."""
    for position, event in enumerate(events, 1):
        if event.kind is EventKind.RUN_CREATED:
            raise UnstorableError("commit() can not create a run by an event; use create_run(), or runs=")
        if event.kind in RUN_ENDS and position < len(events):
            raise UnstorableError(
                f"{events[position].kind} follows {event.kind} in one commit; nothing can follow the run's end"
            )
        check_event(event)


def check_runs(runs: Sequence[NewRun]) -> None:
    """Raise ``UnstorableError`` unless all of them can be created."""
    for run in runs:
        check_created(run.created)


def _check_attributes(event: Event) -> None:
    attributes = event.data.get("attributes") or {}
    removable = event.kind is EventKind.ATTRIBUTES_SET
    if not isinstance(attributes, Mapping):
        raise UnstorableError(f"a {event.kind} event has {attributes!r} as its attributes; they must map text to text")
    for name, value in attributes.items():
        texts = (name,) if value is None and removable else (name, value)
        if not all(isinstance(text, str) and storable(text) for text in texts):
            raise UnstorableError(
                f"a {event.kind} event has {value!r} as its attribute {name!r}; attributes are text, without halves of surrogate pairs"
            )
