"""What keeps messages back that would be due, in the memory world: limits without room, and paused workflows."""

from __future__ import annotations

from dataclasses import dataclass, field

from workflow_runtime.worlds.base import Limit, Message, RunInfo
from workflow_runtime.worlds.limits import room_from


@dataclass(slots=True)
class MemoryGates:
    """The places that runs hold, when messages were last taken, and what is paused."""

    places: dict[str, set[str]] = field(default_factory=dict)
    """The runs that hold a place, by the name of the limit."""
    takings: dict[str, float] = field(default_factory=dict)
    """When a message was last taken in hand, by the name of its limit."""
    paused: set[str] = field(default_factory=set)

    def keep_back(self, run: RunInfo | None) -> bool:
        """Whether messages of the run are not to be delivered. None is a run that the store does not know."""
        return "" in self.paused or (run is not None and run.workflow in self.paused)

    def room_from(self, limit: Limit, run_id: str, in_hand: int, now: float) -> float | None:
        """See ``limits.room_from``; ``in_hand`` is how many messages in hand hold a place under the limit's name."""
        runs = self.places.get(limit.name, set())
        last = self.takings.get(limit.name, 0.0)
        return room_from(limit, held=in_hand + len(runs), holds_one=run_id in runs, last=last, now=now)

    def take(self, message: Message, run: RunInfo | None, now: float) -> None:
        """Note that a message with a limit has been taken in hand."""
        if message.limit is None:
            return
        self.takings[message.limit.name] = now
        if message.limit.of_run and run is not None and not run.status.ended:
            self.places.setdefault(message.limit.name, set()).add(run.id)

    def free(self, run_id: str) -> bool:
        """Let go of the run's places. False when it has held none."""
        held = [runs for runs in self.places.values() if run_id in runs]
        for runs in held:
            runs.discard(run_id)
        return bool(held)
