"""Which facts of a log made its run fail."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from workflow_runtime.events import DECISIONS, Event, EventKind, Json, is_neutral

_ERRORS = 200


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a log stops being good."""

    undone: frozenset[int] = field(default_factory=frozenset)
    """The slots of the outcomes that are taken back: failures of steps and of runs that were awaited."""
    strict_until: int = 0
    """Up to this slot, the code must decide as the log says. What was decided later may have been decided because of the failure."""


def find_cut(log: Sequence[Event]) -> Cut:
    """The cut of a log whose last event is the run's end.

    The failure is the last outcome whose error is the run's error, or behind it; or else one after which nothing more was decided. With it go
    the failures that landed beside it and after it. When there is none, the workflow's own code failed, or the run was cancelled.
    """
    *before, end = log
    if end.kind is not EventKind.RUN_FAILED:
        return Cut(frozenset(), end.slot)
    last_decision = max((event.slot for event in before if _decides(event)), default=0)
    failures = [event for event in before if _is_failure(event)]
    guilty = _matching(failures, end.data.get("error")) or [one for one in failures if one.slot > last_decision]
    if not guilty:
        return Cut(
            frozenset(), max((event.slot for event in before if not (_decides(event) or is_neutral(event))), default=0)
        )
    first = min(one.slot for one in guilty)
    decided_before = max((event.slot for event in before if _decides(event) and event.slot < first), default=0)
    undone = frozenset(one.slot for one in failures if one.slot > decided_before)
    return Cut(undone, min(undone))


def _decides(event: Event) -> bool:
    return event.kind in DECISIONS and not is_neutral(event)


def _is_failure(event: Event) -> bool:
    if event.kind is EventKind.WATCH_COMPLETED:
        return event.data.get("status") in ("failed", "cancelled")
    return event.kind is EventKind.STEP_FAILED


def _matching(failures: Sequence[Event], error: Json) -> list[Event]:
    """The last failures that have the errors in that tree, as many as there are of each."""
    wanted = Counter(_errors(error))
    found = []
    for event in reversed(failures):
        name = _name(event.data.get("error")) if event.data.get("error") is not None else _cancelled(event)
        if wanted[name]:
            wanted[name] -= 1
            found.append(event)
    return found


def _errors(error: Json) -> Iterator[tuple[Json, Json]]:
    """The error, those behind it, and those in it."""
    waiting, seen = [error], 0
    while waiting and seen < _ERRORS:
        one = waiting.pop()
        if type(one) is dict:
            seen += 1
            yield _name(one)
            members = one.get("errors")
            waiting += [one.get("cause", one.get("context")), *(members if type(members) is list else ())]


def _name(error: Json) -> tuple[Json, Json]:
    return (error.get("type"), error.get("message")) if type(error) is dict else (None, None)


def _cancelled(event: Event) -> tuple[Json, Json]:
    """What awaiting a cancelled run raises."""
    from workflow_runtime.errors import RunCancelledError

    raised = RunCancelledError(str(event.data.get("run")), event.data.get("reason"))
    return f"{RunCancelledError.__module__}.{RunCancelledError.__qualname__}", str(raised)
