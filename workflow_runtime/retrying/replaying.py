"""What of a log stands without the failure: found by having the workflow's code decide again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from workflow_runtime.errors import CorruptedEventLogError
from workflow_runtime.events import DECISIONS, RUN_ENDS, STEP_ENDS, WAIT_ENDS, Event, EventKind, Json, is_neutral
from workflow_runtime.machine.machine import Machine
from workflow_runtime.retrying.cut import Cut

_OPENED = frozenset({EventKind.STEP_CREATED, EventKind.WAIT_CREATED, EventKind.HOOK_CREATED, EventKind.WATCH_CREATED})
_CLOSED = STEP_ENDS | WAIT_ENDS | {EventKind.HOOK_DISPOSED, EventKind.WATCH_COMPLETED}
_NUMBERED = _OPENED | {EventKind.CHILD_CREATED, EventKind.ATTRIBUTES_SET}
_HOW = frozenset({EventKind.STEP_STARTED, EventKind.STEP_RETRYING})


def good_log(machine: Machine, log: Sequence[Event], cut: Cut) -> tuple[list[Event], dict[str, str]]:
    """The events of ``log`` that stand, in order and without slots; ``machine`` is new, and has been fed all of them in the end.

    Decisions up to the cut must be what the code decides; later ones stay if they are, else they go, with all that came of them. When what
    went had taken numbers, those that follow it have other correlation ids now: also given is which one each of these had before. Raises
    ``ReplayDivergenceError`` for the first, ``CorruptedEventLogError`` for a log that can not be right.
    """
    keeper = _Keeper(machine, cut)
    for event in log:
        keeper.take(event)
    return keeper.without_tries(), keeper.before


class _Keeper:
    def __init__(self, machine: Machine, cut: Cut) -> None:
        self._machine = machine
        self._cut = cut
        self._kept: list[Event] = []
        self._gone: set[str] = set()  # entities whose creation does not stand
        self._open: set[str] = set()
        self._now: dict[str, str] = {}  # from the correlation id in the log to the one that the code gives
        self.before: dict[str, str] = {}
        """The other way round."""

    def take(self, event: Event) -> None:
        """Keep the log's next event, or not."""
        if event.kind in RUN_ENDS or event.slot in self._cut.undone or self._is_gone(event):
            return
        event = self._as_now(event)
        if is_neutral(event):
            self._kept.append(replace(event, slot=0))
            return
        if event.kind in DECISIONS and event.slot > self._cut.strict_until:
            decided = self._decided(event)
            if decided is None:
                if event.kind in _NUMBERED:
                    self._gone.add(event.entity)
                return
            event = decided
        if self._machine.ended:
            return  # it would have ended before this: nobody takes note of what follows
        self._machine.feed(event, replaying=True)
        self._kept.append(replace(event, slot=0))
        if event.kind in _OPENED:
            self._open.add(event.entity)
        elif event.kind in _CLOSED:
            self._open.discard(event.entity)

    def without_tries(self) -> list[Event]:
        """What was kept. A step that has no outcome begins anew: its starts and failed attempts go."""
        return [event for event in self._kept if not (event.kind in _HOW and event.entity in self._open)]

    def _is_gone(self, event: Event) -> bool:
        return (event.entity or event.data.get("step")) in self._gone

    def _as_now(self, event: Event) -> Event:
        """The event with the correlation ids that the code gives."""
        step = event.data.get("step")
        if is_neutral(event) and step in self._now:
            event = replace(event, data={**event.data, "step": self._now[step]})
        return replace(event, entity=self._now.get(event.entity, event.entity))

    def _decided(self, event: Event) -> Event | None:
        """The event, when the code decides this next, with the correlation id that it has there; else None."""
        if not self._machine.commands:
            return None
        command = self._machine.commands[0]
        if event.kind in _NUMBERED and command.entity != event.entity:
            moved = replace(event, entity=command.entity)
            if not command.matches(moved):
                return None
            self._now[event.entity], self.before[command.entity] = command.entity, event.entity
            return moved
        return event if command.matches(event) else None


def renamed(log: Sequence[Event], names: Mapping[str, str]) -> list[Event]:
    """The log with other ids of runs, wherever they stand but in its first event: as if the workflow had known them by these."""
    if not names:
        return list(log)
    # An id with a retry's number is another id.
    known = re.compile(rf"(?:{'|'.join(map(re.escape, names))})(?!\w|-[2-9]|-1\d)")
    return [log[0], *(replace(event, data=_with_names(event.data, names, known)) for event in log[1:])]


def _with_names(data: Json, names: Mapping[str, str], known: re.Pattern[str]) -> Json:
    if isinstance(data, str):
        return known.sub(lambda found: names[found[0]], data)
    if isinstance(data, list):
        return [_with_names(item, names, known) for item in data]
    if isinstance(data, Mapping):
        return {_with_names(name, names, known): _with_names(item, names, known) for name, item in data.items()}
    return data


def created_of(log: Sequence[Event]) -> Event:
    """The first event of a log. Raises ``CorruptedEventLogError`` when there is none."""
    if not log or log[0].kind is not EventKind.RUN_CREATED:
        raise CorruptedEventLogError("the log does not begin with run_created")
    return log[0]
