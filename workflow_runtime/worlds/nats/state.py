"""What operations work on: ``rules.Records`` over a replica's runs and queue."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from workflow_runtime.errors import RunNotFoundError
from workflow_runtime.events import Event
from workflow_runtime.worlds.base import Chunks, HookInfo, Message, RunInfo, StreamInfo
from workflow_runtime.worlds.delivery import Claim
from workflow_runtime.worlds.encoding import EncodedEvent
from workflow_runtime.worlds.entities import StepState, StepStatus, WaitStatus, goes_on
from workflow_runtime.worlds.nats.queue import Queue
from workflow_runtime.worlds.nats.runs import Runs
from workflow_runtime.worlds.nats.wire import chunk_at, place_of_chunk
from workflow_runtime.worlds.records import Watch
from workflow_runtime.worlds.signals import Signals, Topic
from workflow_runtime.worlds.streaming import first_index

T = TypeVar("T")
QUEUE = ""  # the topic of receivers


@dataclass(frozen=True, slots=True)
class HooksOf:
    """See ``HookRecords``."""

    runs: Runs

    def by_token(self, token: str) -> HookInfo | None:
        """See ``HookRecords``."""
        owner = self.runs.tokens.get(token)
        return None if owner is None else self.runs.lives[owner[0]].hooks[owner[1]][1]

    def of_run(self, run_id: str) -> list[HookInfo]:
        """The live hooks of a run, in the order in which they were created."""
        life = self.runs.lives.get(run_id)
        if life is None:
            return []
        return [hook for _, hook in sorted(life.hooks.values(), key=lambda kept: kept[0])]

    def has(self, run_id: str, hook_id: str) -> bool:
        """See ``HookRecords``."""
        life = self.runs.lives.get(run_id)
        return life is not None and hook_id in life.hooks

    def add(self, hook: HookInfo, slot: int) -> None:
        """See ``HookRecords``."""
        self.remove(hook.run_id, hook.hook_id)
        self.runs.lives[hook.run_id].hooks[hook.hook_id] = (slot, hook)
        self.runs.tokens[hook.token] = (hook.run_id, hook.hook_id)

    def remove(self, run_id: str, hook_id: str) -> None:
        """See ``HookRecords``."""
        kept = self.runs.lives[run_id].hooks.pop(hook_id, None)
        if kept is not None:
            del self.runs.tokens[kept[1].token]

    def remove_all(self, run_id: str) -> None:
        """See ``HookRecords``."""
        for hook_id in [*self.runs.lives[run_id].hooks]:
            self.remove(run_id, hook_id)

    def has_had(self, run_id: str, hook_id: str, key: str) -> bool:
        """See ``HookRecords``."""
        return self.runs.has_had(run_id, hook_id, key)

    def keep_key(self, run_id: str, hook_id: str, key: str) -> None:
        """See ``HookRecords``."""
        self.runs.lives[run_id].keys.add((hook_id, key))


@dataclass(frozen=True, slots=True)
class WatchesOf:
    """See ``WatchRecords``."""

    runs: Runs

    def get(self, run_id: str, watch_id: str) -> Watch | None:
        """See ``WatchRecords``."""
        life = self.runs.lives.get(run_id)
        return None if life is None else life.watches.get(watch_id)

    def save(self, watch: Watch) -> None:
        """See ``WatchRecords``."""
        self.runs.save_watch(watch)

    def of(self, target: str) -> Sequence[Watch]:
        """See ``WatchRecords``."""
        return self.runs.watches_of(target)


@dataclass(frozen=True, slots=True)
class StreamsOf:
    """See ``StreamRecords``; a chunk is the name of its place."""

    runs: Runs

    def get(self, run_id: str, name: str) -> StreamInfo | None:
        """See ``StreamRecords``."""
        return self.runs.stream(run_id, name)

    def append(self, run_id: str, name: str, chunks: Sequence[bytes]) -> None:
        """See ``StreamRecords``."""
        stream = self.runs.made_stream(run_id, name)
        if chunks:
            stream.pieces.append((chunk_at(chunks[0])[0], len(chunks)))
            stream.length += len(chunks)

    def close(self, run_id: str, name: str) -> None:
        """See ``StreamRecords``."""
        self.runs.made_stream(run_id, name).closed = True


@dataclass(slots=True)
class State:
    """It is ``rules.Records``; the lock is the transaction."""

    runs: Runs = field(default_factory=Runs)
    queue: Queue = field(init=False)
    hooks: HooksOf = field(init=False)
    watches: WatchesOf = field(init=False)
    streams: StreamsOf = field(init=False)
    ended: list[str] = field(default_factory=list)
    """The runs that the operation at hand has ended."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    signals: Signals = field(default_factory=Signals)
    rung: set[Topic] = field(default_factory=set)
    """The topics to ring when the transaction is over."""

    def __post_init__(self) -> None:
        self.queue = Queue(self.run)
        self.hooks, self.watches, self.streams = HooksOf(self.runs), WatchesOf(self.runs), StreamsOf(self.runs)

    def transact(self, work: Callable[[State], T]) -> T:
        """Run ``work`` alone, then wake those whom it concerns."""
        with self.lock:
            try:
                return work(self)
            finally:
                rung, self.rung = self.rung, set()
                if self.queue.rang:
                    self.queue.rang = False
                    rung.add(QUEUE)
                if rung:
                    self.signals.ring(rung)

    def ring(self, topic: Topic) -> None:
        """See ``Records``."""
        self.rung.add(topic)

    def run(self, run_id: str) -> RunInfo | None:
        """See ``Records``."""
        return self.runs.infos.get(run_id)

    def known(self, run_id: str) -> RunInfo:
        """The run. Raises ``RunNotFoundError``."""
        run = self.run(run_id)
        if run is None:
            raise RunNotFoundError(run_id)
        return run

    def add_run(self, run: RunInfo) -> None:
        """See ``Records``."""
        self.runs.add(run)
        self.queue.sort_again(run.id)

    def save_run(self, run: RunInfo, before: RunInfo) -> None:
        """See ``Records``."""
        self.runs.save(run)
        if run.status.ended:
            self.ended.append(run.id)
        if run.status is not before.status:
            self.rung.add(run.id)

    def add_child(self, run_id: str) -> None:
        """See ``Records``."""
        self.runs.lives[run_id].has_children = True

    def has_children(self, run_id: str) -> bool:
        """See ``Records``."""
        return self.runs.lives[run_id].has_children

    def append(self, run_id: str, after: int, batch: Sequence[EncodedEvent]) -> None:
        """See ``Records``."""
        for encoded in batch:
            self.runs.append(run_id, encoded)

    def events(self, run_id: str, after: int, limit: int | None = None) -> tuple[Event, ...]:
        """See ``Records``; at most ``limit`` of them."""
        return self.runs.events(run_id, after, limit)

    def event(self, run_id: str, slot: int) -> Event:
        """See ``Records``."""
        return self.runs.events(run_id, slot - 1, 1)[0]

    def step(self, run_id: str, step_id: str) -> StepState | None:
        """See ``Records``."""
        return self.runs.step(run_id, step_id)

    def save_step(self, run_id: str, step_id: str, step: StepState) -> None:
        """See ``Records``."""
        self.runs.lives[run_id].steps[step_id] = step

    def end_step(self, run_id: str, step_id: str, status: StepStatus) -> None:
        """See ``Records``."""
        steps = self.runs.lives[run_id].steps
        known = steps.get(step_id)
        steps[step_id] = StepState(status) if known is None else replace(known, status=status)

    def wait(self, run_id: str, wait_id: str) -> WaitStatus | None:
        """See ``Records``."""
        return self.runs.wait(run_id, wait_id)

    def save_wait(self, run_id: str, wait_id: str, status: WaitStatus) -> None:
        """See ``Records``."""
        self.runs.lives[run_id].waits[wait_id] = status

    def in_queue(self, message_id: str) -> bool:
        """See ``Records``."""
        return message_id in self.queue.messages

    def in_hand(self, message_id: str) -> bool:
        """See ``Records``."""
        return self.queue.in_hand(message_id)

    def hasten(self, key: str, ready_at: float) -> bool:
        """See ``Records``."""
        return self.queue.hasten(key, ready_at)

    def drop_key(self, key: str) -> None:
        """See ``Records``."""
        self.queue.drop_key(key)

    def put(self, message: Message, ready_at: float) -> None:
        """See ``Records``."""
        self.queue.put(message, ready_at)

    def remove(self, claim: Claim) -> None:
        """See ``Records``."""
        self.queue.remove(claim)

    def drop_idle(self, run_id: str) -> None:
        """See ``Records``."""
        self.queue.drop_idle(run_id)

    def free_places(self, run_id: str) -> None:
        """See ``Records``."""
        self.queue.free_places(run_id)

    def settle(self) -> None:
        """An operation is over: make small what has ended by it."""
        for run_id in self.ended:
            if run_id in self.runs.lives:
                self.runs.bury(run_id)
        self.ended.clear()

    def delete_ended(self, before: float, limit: int) -> list[str]:
        """Remove runs that ended before that time, the oldest ends first, at most ``limit``; gives which."""
        doomed = self.runs.deletable(before, limit, self.queue.cancels_children)
        for run_id in doomed:
            self.queue.drop_all(run_id)
            self.runs.forget(run_id)
            self.rung.add(run_id)
        return doomed

    def goes_on(self, claim: Claim) -> bool:
        """Whether the claim still holds, and there is still something to do."""
        if not self.queue.holds(claim):
            return False
        message = self.queue.messages[claim.message_id].message
        run, step = self.run(message.run_id), None
        if run is not None and message.step_id is not None and not run.status.ended:
            step = self.step(message.run_id, message.step_id)
        return goes_on(message, run.status if run else None, step.status if step else None)

    def read_chunks(self, run_id: str, name: str, start: int, limit: int) -> Chunks:
        """See ``World``; each chunk is the name of its place."""
        run = self.known(run_id)
        stream = self.runs.streams.get(run_id, {}).get(name)
        length, closed = (0, False) if stream is None else (stream.length, stream.closed)
        first = first_index(start, length)
        places = [] if stream is None else stream.at(first, limit)
        chunks = tuple(place_of_chunk(place, number) for place, number in places)
        return Chunks(first, chunks, (closed or run.status.ended) and first + len(chunks) >= length)

    def list_streams(self, run_id: str) -> list[StreamInfo]:
        """See ``World``."""
        ended = self.known(run_id).status.ended
        found = self.runs.streams.get(run_id, {})
        return [StreamInfo(name, kept.length, kept.closed or ended) for name, kept in sorted(found.items())]
