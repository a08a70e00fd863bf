"""Runs of which this process knows how they stand without asking: it has begun them, and written every event of theirs itself.

Each commit lands only at the very end of a log, so one that lands right after what is known leaves nothing unseen in between. What others do to
such a run is heard of; a wait that relies on that looks for itself after some seconds all the same.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workflow_runtime.events import Event
from workflow_runtime.worlds.base import Log, RunInfo
from workflow_runtime.worlds.encoding import EncodedEvent, decode_data
from workflow_runtime.worlds.entities import CHANGES_THE_RUN, run_after, run_at

_MOST = 256
"""Runs to know of; more would be forgotten before anybody asks."""


@dataclass(frozen=True, slots=True)
class Known:
    """A run as it stood when this process wrote to it last."""

    run: RunInfo
    written_at: float
    """When that was, by ``time.monotonic``."""
    end: Event | None = None


class KnownRuns:
    """Any thread may use it. ``waited_for`` says whether somebody waits for the end of a run: of others, no end is kept."""

    def __init__(self, waited_for: Callable[[str], bool]) -> None:
        self._waited_for = waited_for
        self._runs: dict[str, Known] = {}
        self._lock = threading.Lock()
        self._end: Log | None = None

    def begin(self, run: RunInfo) -> None:
        """A run was created here, which is nobody else's so far."""
        with self._lock:
            while len(self._runs) >= _MOST:
                del self._runs[next(iter(self._runs))]
            self._runs[run.id] = Known(run, time.monotonic())

    def advance(self, run_id: str, after: int, events: Sequence[EncodedEvent]) -> None:
        """The events have landed right after that slot."""
        if run_id not in self._runs or not events:
            return
        with self._lock:
            known = self._runs.pop(run_id, None)
            if known is None or known.run.slot != after:
                return  # somebody else has written, too
            run = known.run
            for encoded in events:
                if encoded.event.kind in CHANGES_THE_RUN:
                    run = run_after(run, encoded.event)
            run = run_at(run, after + len(events))
            if not run.status.ended:
                self._runs[run_id] = Known(run, time.monotonic())
            elif self._waited_for(run_id):
                self._runs[run_id] = Known(run, time.monotonic(), _landed(events[-1], run.slot))

    def forget(self, run_id: str) -> None:
        """Somebody else may have written to it."""
        with self._lock:
            self._runs.pop(run_id, None)

    def forget_all(self) -> None:
        """What others have done may have gone unheard."""
        with self._lock:
            self._runs.clear()
            self._end = None

    def find(self, run_id: str) -> Known | None:
        """How the run stood; once it has ended, only the first who asks is told, and ``tail`` has its end."""
        with self._lock:
            known = self._runs.get(run_id)
            if known is not None and known.end is not None:
                self._end = Log(known.run, (known.end,))
                del self._runs[run_id]
            return known

    def tail(self, run_id: str, after: int) -> Log | None:
        """The last event of the run whose end was just told of, if it is what follows that slot."""
        end = self._end
        if end is None or end.run.id != run_id or end.run.slot != after + 1:
            return None
        self._end = None
        return end


def _landed(encoded: EncodedEvent, slot: int) -> Event:
    event = encoded.event
    return Event(event.kind, event.time, event.entity, decode_data(encoded.data), slot)
