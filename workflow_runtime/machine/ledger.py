"""What a machine has decided, and what it waits for: the bookkeeping between workflow code and the log."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from workflow_runtime.errors import CorruptedEventLogError, ReplayDivergenceError
from workflow_runtime.events import Event, EventKind, Json
from workflow_runtime.machine.commands import Command

Settle = Callable[[Event], None]
"""Tells workflow code of a fact."""

_ENDED_BY_DECISION = frozenset({EventKind.STEP_CANCELLED, EventKind.WAIT_CANCELLED, EventKind.HOOK_DISPOSED})
_LASTING = frozenset({EventKind.CHILD_CREATED, EventKind.ATTRIBUTES_SET})
_OPENED = frozenset({EventKind.STEP_CREATED, EventKind.WAIT_CREATED, EventKind.HOOK_CREATED, EventKind.WATCH_CREATED})


class Ledger:
    """Decisions in the order in which they were made, and the entities that facts may be about."""

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self._count = 0
        self.commands: deque[Command] = deque()
        """The decisions that the log does not have yet."""
        self._settles: dict[str, Settle] = {}
        """What workflow code still wants to hear of, the log may have it or not."""
        self._live: set[str] = set()
        """What the log has seen opened and not ended."""

    def next_id(self, prefix: str) -> str:
        """The correlation id of what is decided next."""
        self._count += 1
        return f"{prefix}_{self._count:06d}"

    def decide(self, command: Command, settle: Settle | None = None) -> None:
        """Queue a decision. ``settle`` hears of the facts about its entity."""
        self.commands.append(command)
        if settle is not None:
            self._settles[command.entity] = settle

    def give_up(self, kind: EventKind, entity: str, where: str) -> None:
        """End what was opened, unless it has ended; what the log has not seen is simply withdrawn."""
        if self._settles.pop(entity, None) is None:
            return
        if entity in self._live:
            self.commands.append(Command(kind, entity, {}, where))
        else:
            self._withdraw(entity)

    def fact(self, event: Event, *, lasts: bool = False) -> Settle | None:
        """Take a fact in; gives who is to hear of it. ``lasts``: more facts about the entity may follow.

        Raises ``CorruptedEventLogError`` when it is about nothing that the log has seen opened and not yet ended.
        """
        if event.entity not in self._live:
            raise CorruptedEventLogError(
                f"run {self._run_id}: slot {event.slot} has {event.kind} for {event.entity}, "
                "which nothing before it created or which had already ended"
            )
        if lasts:
            return self._settles.get(event.entity)
        self._live.discard(event.entity)
        settle = self._settles.pop(event.entity, None)
        if settle is None:  # given up, and the log had already moved on
            self._withdraw(event.entity)
        return settle

    def confirm(self, event: Event) -> None:
        """The log's next event is a decision: it must be the first that is queued. Raises ``ReplayDivergenceError``."""
        command = self.commands.popleft() if self.commands else None
        if command is None or not command.matches(event):
            raise ReplayDivergenceError(_divergence(self._run_id, event, command))
        if event.kind in _ENDED_BY_DECISION:
            self._live.discard(event.entity)
        elif event.kind in _OPENED:
            self._live.add(event.entity)

    @property
    def nothing_is_open(self) -> bool:
        """Whether nothing can happen any more: all that is open has been given up, and nothing else was decided."""
        return len(self._live) == len(self.commands) and all(
            command.kind in _ENDED_BY_DECISION for command in self.commands
        )

    def end(self, command: Command | None) -> None:
        """Withdraw all that nobody will wait for; ``command``, if there is one, is the last to be decided.

        Runs that were started and attributes that were set stay: whoever asked for them was told that it is done.
        """
        lasting = [] if command is None else [*(c for c in self.commands if c.kind in _LASTING), command]
        self.commands.clear()
        self.commands.extend(lasting)
        self._settles.clear()

    def _withdraw(self, entity: str) -> None:
        for command in self.commands:
            if command.entity == entity:
                self.commands.remove(command)
                return


def _divergence(run_id: str, event: Event, command: Command | None) -> str:
    def side(kind: str, entity: str, data: Mapping[str, Json]) -> str:
        what: Any = data.get("step") or data.get("workflow") or data.get("token") or ""
        return " ".join(part for part in (kind, entity, str(what)) if part)

    log = side(event.kind, event.entity, event.data)
    if command is None:
        code = "the code decided nothing here"
    else:
        code = f"the code decided {side(command.kind, command.entity, command.data)}" + (
            f" at {command.where}" if command.where else ""
        )
        if (command.kind, command.entity) == (event.kind, event.entity):
            code += f" with {dict(command.data)!r:.300} where the log has {dict(event.data)!r:.300}"
    return (
        f"run {run_id}: in slot {event.slot} the log has {log}, but {code}; "
        "workflow code must decide the same on each replay"
    )
