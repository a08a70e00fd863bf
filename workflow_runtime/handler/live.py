"""The machine of an invocation: built from the log when it is asked for, dropped when it has seen what the log has not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from workflow_runtime.errors import ReplayDivergenceError
from workflow_runtime.events import DECISIONS, Event
from workflow_runtime.machine.machine import Machine


class LiveMachine:
    """Holds one machine at a time. ``check_replay`` builds a second one after each new event, and compares."""

    def __init__(self, run_id: str, new_machine: Callable[[], Machine], *, check_replay: bool) -> None:
        self._run_id = run_id
        self._new_machine = new_machine
        self._check_replay = check_replay
        self._machine: Machine | None = None
        self._fed: list[Event] = []

    def get(self, log: Sequence[Event]) -> Machine:
        """The machine, fed with the log if there was none. Raises what ``Machine.feed`` raises."""
        if self._machine is None:
            self._machine = self._new_machine()
            # What came of an event is a repetition when the log has something that was decided after it.
            last = max((at for at, event in enumerate(log) if event.kind in DECISIONS), default=-1)
            for at, event in enumerate(log):
                self._machine.feed(event, replaying=at < last)
            self._check(self._machine, log)
        return self._machine

    def feed(self, event: Event) -> None:
        """Feed the machine, which there must be, with what is new."""
        assert self._machine is not None
        self._machine.feed(event, replaying=False)
        self._check(self._machine, (event,))

    def drop(self) -> None:
        """Forget the machine, if there is one."""
        if self._machine is not None:
            self._machine.drop()
        self._machine, self._fed = None, []

    def _check(self, machine: Machine, fed: Sequence[Event]) -> None:
        if not self._check_replay:
            return
        self._fed += fed
        twin = self._new_machine()
        try:
            for event in self._fed:
                twin.feed(event, replaying=True)
            if twin.commands != machine.commands:
                raise ReplayDivergenceError(
                    f"run {self._run_id}: live and replay disagree after {len(self._fed)} events: "
                    f"{machine.commands} and {twin.commands}"
                )
        finally:
            twin.drop()
