"""What the memory worlds of a test share: runs, logs and queue, as ``rules.Records``.

Values are kept as JSON text, so that nobody shares an object with the log.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from workflow_runtime.errors import RunNotFoundError
from workflow_runtime.events import Event
from workflow_runtime.worlds.base import Message, Queued, QueueDepth, RunInfo
from workflow_runtime.worlds.delivery import Claim
from workflow_runtime.worlds.encoding import EncodedEvent, decode_data
from workflow_runtime.worlds.entities import StepState, StepStatus, WaitStatus, goes_on, tells_news
from workflow_runtime.worlds.memory_entities import MemoryHooks, MemoryStreams, MemoryWatches
from workflow_runtime.worlds.memory_gates import MemoryGates
from workflow_runtime.worlds.signals import Signals, Topic

T = TypeVar("T")
QUEUE = ""  # the topic of receivers


@dataclass(slots=True)
class Kept:
    """A message in the queue. ``claim`` is the last one made, whether its owner lives or not."""

    message: Message
    ready_at: float
    number: int
    claim: Claim | None = None
    count: int = 0


@dataclass(slots=True)
class MemoryStore:
    """What the handles share. It is ``rules.Records``; the lock is the transaction."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    signals: Signals = field(default_factory=Signals)
    alive: set[str] = field(default_factory=set)
    """The handles that are open."""
    rung: set[Topic] = field(default_factory=set)
    """The topics to ring when the transaction is over."""
    queue: dict[str, Kept] = field(default_factory=dict)
    runs: dict[str, RunInfo] = field(default_factory=dict)
    logs: dict[str, list[EncodedEvent]] = field(default_factory=dict)
    steps: dict[tuple[str, str], StepState] = field(default_factory=dict)
    waits: dict[tuple[str, str], WaitStatus] = field(default_factory=dict)
    parents: set[str] = field(default_factory=set)
    """The runs that have started others."""
    hooks: MemoryHooks = field(default_factory=MemoryHooks)
    watches: MemoryWatches = field(default_factory=MemoryWatches)
    streams: MemoryStreams = field(default_factory=MemoryStreams)
    gates: MemoryGates = field(default_factory=MemoryGates)
    bundles: dict[str, bytes] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    def transact(self, work: Callable[[MemoryStore], T]) -> T:
        """Run ``work`` alone, then wake those whom it concerns."""
        with self.lock:
            try:
                return work(self)
            finally:
                rung, self.rung = self.rung, set()
                self.signals.ring(rung)

    def ring(self, topic: Topic) -> None:
        """See ``Records``."""
        self.rung.add(topic)

    def run(self, run_id: str) -> RunInfo | None:
        """See ``Records``."""
        return self.runs.get(run_id)

    def add_run(self, run: RunInfo) -> None:
        """See ``Records``."""
        self.runs[run.id] = run
        self.logs[run.id] = []

    def save_run(self, run: RunInfo, before: RunInfo) -> None:
        """See ``Records``."""
        self.runs[run.id] = run
        if run.status is not before.status:
            self.rung.add(run.id)

    def add_child(self, run_id: str) -> None:
        """See ``Records``."""
        self.parents.add(run_id)

    def has_children(self, run_id: str) -> bool:
        """See ``Records``."""
        return run_id in self.parents

    def append(self, run_id: str, after: int, batch: Sequence[EncodedEvent]) -> None:
        """See ``Records``."""
        for slot, encoded in enumerate(batch, after + 1):
            event = replace(encoded.event, slot=slot, data={})
            self.logs[run_id].append(EncodedEvent(event, encoded.data))

    def events(self, run_id: str, after: int, limit: int | None = None) -> tuple[Event, ...]:
        """See ``Records``; at most ``limit`` of them."""
        first = max(after, 0)
        kept = self.logs[run_id][first : None if limit is None else first + limit]
        return tuple(replace(encoded.event, data=decode_data(encoded.data)) for encoded in kept)

    def event(self, run_id: str, slot: int) -> Event:
        """See ``Records``."""
        kept = self.logs[run_id][slot - 1]
        return replace(kept.event, data=decode_data(kept.data))

    def step(self, run_id: str, step_id: str) -> StepState | None:
        """See ``Records``."""
        return self.steps.get((run_id, step_id))

    def save_step(self, run_id: str, step_id: str, step: StepState) -> None:
        """See ``Records``."""
        self.steps[run_id, step_id] = step

    def end_step(self, run_id: str, step_id: str, status: StepStatus) -> None:
        """See ``Records``."""
        known = self.steps.get((run_id, step_id))
        self.steps[run_id, step_id] = StepState(status) if known is None else replace(known, status=status)

    def wait(self, run_id: str, wait_id: str) -> WaitStatus | None:
        """See ``Records``."""
        return self.waits.get((run_id, wait_id))

    def save_wait(self, run_id: str, wait_id: str, status: WaitStatus) -> None:
        """See ``Records``."""
        self.waits[run_id, wait_id] = status

    def in_queue(self, message_id: str) -> bool:
        """See ``Records``."""
        return message_id in self.queue

    def in_hand(self, message_id: str) -> bool:
        """See ``Records``."""
        queued = self.queue.get(message_id)
        return queued is not None and queued.claim is not None and queued.claim.owner in self.alive

    def hasten(self, key: str, ready_at: float) -> bool:
        """See ``Records``."""
        waiting = [q for q in self.queue.values() if q.message.key == key and not self.in_hand(q.message.id)]
        for queued in waiting[:1]:
            queued.ready_at = min(queued.ready_at, ready_at)
            self.rung.add(QUEUE)
        return bool(waiting)

    def drop_key(self, key: str) -> None:
        """See ``Records``."""
        idle = [q.message.id for q in self.queue.values() if q.message.key == key and not self.in_hand(q.message.id)]
        for message_id in idle:
            del self.queue[message_id]

    def put(self, message: Message, ready_at: float) -> None:
        """See ``Records``."""
        self.queue[message.id] = Kept(message, ready_at, next(self.numbers))
        self.rung.add(QUEUE)

    def remove(self, claim: Claim) -> None:
        """See ``Records``."""
        if self.holds(claim):
            del self.queue[claim.message_id]
            if claim.limited:
                self.rung.add(QUEUE)

    def drop_idle(self, run_id: str) -> None:
        """See ``Records``."""
        idle = [
            q.message.id for q in self.queue.values() if q.message.run_id == run_id and not self.in_hand(q.message.id)
        ]
        for message_id in idle:
            del self.queue[message_id]

    def free_places(self, run_id: str) -> None:
        """See ``Records``."""
        if self.gates.free(run_id):
            self.rung.add(QUEUE)

    def holds(self, claim: Claim) -> bool:
        """Whether the claim is the last one made on its message, and was not handed back."""
        queued = self.queue.get(claim.message_id)
        return queued is not None and queued.claim == claim

    def known(self, run_id: str) -> RunInfo:
        """The run. Raises ``RunNotFoundError``."""
        run = self.run(run_id)
        if run is None:
            raise RunNotFoundError(run_id)
        return run

    def goes_on(self, claim: Claim) -> bool:
        """Whether the claim still holds, and there is still something to do."""
        if not self.holds(claim):
            return False
        message = self.queue[claim.message_id].message
        run, step = self.run(message.run_id), self.step(message.run_id, message.step_id or "")
        return goes_on(message, run.status if run else None, step.status if step else None)

    def hand_back(self, claim: Claim, ready_at: float | None = None) -> None:
        """Put the claimed message back in the queue, if the claim still holds."""
        if self.holds(claim):
            queued = self.queue[claim.message_id]
            queued.claim = None
            queued.ready_at = queued.ready_at if ready_at is None else ready_at
            self.rung.add(QUEUE)

    def idle(self) -> list[Kept]:
        """What nobody has in hand, in the order of delivery."""
        idle = (q for q in self.queue.values() if not self.in_hand(q.message.id))
        return sorted(idle, key=lambda q: (-self._priority(q), q.ready_at, q.number))

    def take(self, owner: str, limit: int, now: float) -> list[tuple[Message, int, Claim]]:
        """Take up to ``limit`` due messages in hand: each with its count of deliveries and its claim."""
        taken: list[tuple[Message, int, Claim]] = []
        for queued in self.idle():
            if len(taken) < limit and self._is_due(queued, now):
                taken.append(self._claim(queued, owner, now))
        return taken

    def next_due(self, now: float) -> float | None:
        """When the first message is due that nobody has in hand, as things stand; None when there is none."""
        times = (self._due_at(queued, now) for queued in self.idle())
        return min((at for at in times if at is not None), default=None)

    def take_one(self, message_id: str, owner: str, now: float) -> tuple[Message, int, Claim] | None:
        """Take that message in hand, as ``take`` does, if it is due and nobody has it."""
        queued = self.queue.get(message_id)
        if queued is None or self.in_hand(message_id) or not self._is_due(queued, now):
            return None
        return self._claim(queued, owner, now)

    def take_over(self, claim: Claim, owner: str) -> tuple[Message, int, Claim] | None:
        """Put another claim in the place of this one, if it still holds."""
        if not self.holds(claim):
            return None
        queued = self.queue[claim.message_id]
        queued.claim = Claim(queued.message.id, owner, next(self.numbers), queued.message.limit is not None)
        return queued.message, queued.count, queued.claim

    def depth(self, now: float) -> QueueDepth:
        """How many messages there are."""
        idle = self.idle()
        due = sum(queued.ready_at <= now for queued in idle)
        return QueueDepth(due, len(self.queue) - len(idle), len(idle) - due)

    def list_messages(self, run_id: str | None, limit: int, *, only_news: bool = False) -> list[Queued]:
        """See ``World``."""
        found = [q for q in self.queue.values() if run_id in (None, q.message.run_id)]
        if only_news:
            found = [q for q in found if tells_news(q.message, q.count)]
        found.sort(key=lambda q: (q.ready_at, q.number))
        return [Queued(q.message, q.ready_at, self.in_hand(q.message.id), q.count) for q in found[: max(limit, 0)]]

    def pause(self, workflow: str) -> None:
        """See ``World``."""
        self.gates.paused.add(workflow)

    def unpause(self, workflow: str) -> None:
        """See ``World``."""
        self.gates.paused.discard(workflow)
        self.rung.add(QUEUE)

    def _is_due(self, queued: Kept, now: float) -> bool:
        at = self._due_at(queued, now) if queued.ready_at <= now else None
        return at is not None and at <= now

    def _due_at(self, queued: Kept, now: float) -> float | None:
        """When it may be delivered; None: not before a place comes free, or something is unpaused."""
        message = queued.message
        if self.gates.keep_back(self.run(message.run_id)):
            return None
        if message.limit is None:
            return queued.ready_at
        room = self.gates.room_from(message.limit, message.run_id, self._in_work(message.limit.name), now)
        return None if room is None else max(queued.ready_at, room)

    def _in_work(self, name: str) -> int:
        limits = ((q.message.id, q.message.limit) for q in self.queue.values())
        return sum(
            limit is not None and limit.name == name and not limit.of_run and self.in_hand(id_) for id_, limit in limits
        )

    def _priority(self, queued: Kept) -> int:
        run = self.run(queued.message.run_id)
        return 0 if run is None else run.priority

    def _claim(self, queued: Kept, owner: str, now: float) -> tuple[Message, int, Claim]:
        message = queued.message
        queued.count += 1
        queued.claim = Claim(message.id, owner, next(self.numbers), message.limit is not None)
        self.gates.take(message, self.run(message.run_id), now)
        return message, queued.count, queued.claim
