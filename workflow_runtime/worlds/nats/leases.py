"""Who lives, by the stream's own time: a worker is heard with each operation of its, and dead after a lease of silence.

All times are those that the stream's leader wrote on the operations, so that everybody comes to the same answer, and so that nobody is
called dead for what only looked like silence from somewhere. When nothing at all was written for a while, the servers were away and not the
workers: everybody's lease begins anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Leases:
    """The workers that live: when each was heard last, and how many seconds of silence it may keep."""

    heard: dict[str, float] = field(default_factory=dict)
    lengths: dict[str, float] = field(default_factory=dict)
    last: float = 0.0
    """When anybody was heard last."""

    def begin(self, worker: str, length: float, time: float) -> None:
        """A worker has come."""
        self.heard[worker] = time
        self.lengths[worker] = length

    def hear(self, worker: str | None, time: float) -> None:
        """An operation was written, by that worker or by nobody who has a lease."""
        if self.lengths and time - self.last > min(self.lengths.values()) / 2:
            for known in self.heard:
                self.heard[known] = time
        self.last = max(self.last, time)
        if worker in self.heard:
            self.heard[worker] = max(self.heard[worker], time)

    def is_over(self, worker: str, time: float) -> bool:
        """Whether the worker has kept silent for longer than it may."""
        return worker in self.heard and time - self.heard[worker] > self.lengths[worker]

    def end(self, worker: str) -> None:
        """The worker has gone."""
        self.heard.pop(worker, None)
        self.lengths.pop(worker, None)

    def over(self, time: float) -> list[str]:
        """Those whose leases are over."""
        return [worker for worker in self.heard if self.is_over(worker, time)]
