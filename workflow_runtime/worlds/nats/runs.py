"""The runs of a replica: what each has, as long as it lives, and little of it afterwards."""

from __future__ import annotations

import json
import zlib
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from workflow_runtime.errors import RunNotFoundError
from workflow_runtime.events import Event, EventKind
from workflow_runtime.worlds.base import HookInfo, RunInfo, RunStatus, StreamInfo
from workflow_runtime.worlds.encoding import EncodedEvent
from workflow_runtime.worlds.entities import STEP_STATUS_AFTER, WAIT_STATUS_AFTER, StepState, WaitStatus, step_after
from workflow_runtime.worlds.listing import Wanted
from workflow_runtime.worlds.nats.wire import KINDS, to_text
from workflow_runtime.worlds.records import Watch

_Piece = tuple[int, int]


@dataclass(slots=True)
class KeptStream:
    """A stream: where its chunks are, as pairs of a message's place and how many of them that holds."""

    pieces: list[_Piece] = field(default_factory=list)
    length: int = 0
    closed: bool = False

    def at(self, start: int, limit: int) -> list[_Piece]:
        """The places of chunks from index ``start`` on, at most ``limit``: pairs of a message's place and a chunk's number there."""
        found: list[_Piece] = []
        passed = 0
        for place, count in self.pieces:
            if passed + count > start:
                first = max(start - passed, 0)
                found += [(place, number) for number in range(first, min(count, first + limit - len(found)))]
                if len(found) == limit:
                    break
            passed += count
        return found


@dataclass(slots=True)
class Life:
    """What a run has that has not ended. Its log is text, an event a line."""

    log: list[str] = field(default_factory=list)
    steps: dict[str, StepState] = field(default_factory=dict)
    waits: dict[str, WaitStatus] = field(default_factory=dict)
    hooks: dict[str, tuple[int, HookInfo]] = field(default_factory=dict)
    watches: dict[str, Watch] = field(default_factory=dict)
    keys: set[tuple[str, str]] = field(default_factory=set)
    has_children: bool = False


@dataclass(slots=True)
class Runs:
    """All runs, with what they have, and the indexes that find them."""

    infos: dict[str, RunInfo] = field(default_factory=dict)
    lives: dict[str, Life] = field(default_factory=dict)
    ended_logs: dict[str, bytes] = field(default_factory=dict)
    """The logs of those that have ended, compressed. All else that is asked of them is in there."""
    streams: dict[str, dict[str, KeptStream]] = field(default_factory=dict)
    tokens: dict[str, tuple[str, str]] = field(default_factory=dict)
    watchers: dict[str, set[tuple[str, str]]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    next_number: int = 0
    _by_age: list[tuple[float, int, str]] = field(default_factory=list)
    _by_end: list[tuple[float, int, str]] = field(default_factory=list)

    def add(self, run: RunInfo, number: int | None = None) -> None:
        """Keep a run that was not there."""
        self.next_number = self.next_number + 1 if number is None else max(self.next_number, number)
        self.numbers[run.id] = self.next_number if number is None else number
        self.infos[run.id] = run
        insort(self._by_age, (run.created_at, self.numbers[run.id], run.id))
        if run.ended_at is not None:
            insort(self._by_end, (run.ended_at, self.numbers[run.id], run.id))
        else:
            self.lives[run.id] = Life()

    def save(self, run: RunInfo) -> None:
        """Keep a run as it is now. Its life is over when it has ended, see ``bury``."""
        before = self.infos[run.id]
        self.infos[run.id] = run
        if run.ended_at is not None and before.ended_at is None:
            insort(self._by_end, (run.ended_at, self.numbers[run.id], run.id))

    def bury(self, run_id: str) -> None:
        """The run has ended, and all has been done that its end does: keep of it what may still be asked for."""
        life = self.lives.pop(run_id)
        self.ended_logs[run_id] = zlib.compress("\n".join(life.log).encode(), 1)
        for watch in life.watches.values():
            self._forget_watcher(watch)

    def forget(self, run_id: str) -> None:
        """Let it be as if the run had never been."""
        run = self.infos.pop(run_id)
        number = self.numbers.pop(run_id)
        del self._by_age[bisect_left(self._by_age, (run.created_at, number, run_id))]
        if run.ended_at is not None:
            del self._by_end[bisect_left(self._by_end, (run.ended_at, number, run_id))]
        self.ended_logs.pop(run_id, None)
        self.streams.pop(run_id, None)

    def lines(self, run_id: str) -> list[str]:
        """The run's log, an event a line."""
        life = self.lives.get(run_id)
        return life.log if life is not None else zlib.decompress(self.ended_logs[run_id]).decode().split("\n")

    def events(self, run_id: str, after: int, limit: int | None = None) -> tuple[Event, ...]:
        """The events after slot ``after``, at most ``limit`` of them."""
        first = max(after, 0)
        lines = self.lines(run_id)[first : None if limit is None else first + limit]
        return tuple(_event(line, slot) for slot, line in enumerate(lines, first + 1))

    def append(self, run_id: str, encoded: EncodedEvent) -> None:
        """Keep an event at the log's end."""
        event = encoded.event
        self.lives[run_id].log.append(to_text([event.kind, event.time, event.entity, event.data]))

    def step(self, run_id: str, step_id: str) -> StepState | None:
        """The step, if the log knows it."""
        life = self.lives.get(run_id)
        if life is not None:
            return life.steps.get(step_id)
        step = None
        for event in self._ended_events(run_id):
            if event.entity == step_id and event.kind in STEP_STATUS_AFTER:
                step = step_after(step, event, event.slot)
        return step

    def wait(self, run_id: str, wait_id: str) -> WaitStatus | None:
        """The wait, if the log knows it."""
        life = self.lives.get(run_id)
        if life is not None:
            return life.waits.get(wait_id)
        found = None
        for event in self._ended_events(run_id):
            if event.entity == wait_id and event.kind in WAIT_STATUS_AFTER:
                found = WAIT_STATUS_AFTER[event.kind]
        return found

    def has_had(self, run_id: str, hook_id: str, key: str) -> bool:
        """Whether a payload with that key has landed."""
        life = self.lives.get(run_id)
        if life is not None:
            return (hook_id, key) in life.keys
        return any(
            event.kind is EventKind.HOOK_RECEIVED and event.entity == hook_id and event.data.get("key") == key
            for event in self._ended_events(run_id)
        )

    def save_watch(self, watch: Watch) -> None:
        """Keep a watch as it is now."""
        life = self.lives[watch.run_id]
        before = life.watches.get(watch.watch_id)
        if before is not None:
            self._forget_watcher(before)
        life.watches[watch.watch_id] = watch
        if watch.target is not None:
            self.watchers.setdefault(watch.target, set()).add((watch.run_id, watch.watch_id))

    def watches_of(self, target: str) -> list[Watch]:
        """The watches of that run, by the ids of who watches and of the watch."""
        return [self.lives[run_id].watches[watch_id] for run_id, watch_id in sorted(self.watchers.get(target, ()))]

    def listed(self, asked: Wanted) -> list[RunInfo]:
        """Runs that fit, newest first."""
        end = len(self._by_age)
        if asked.before is not None:
            run = self.infos.get(asked.before)
            if run is None:
                raise RunNotFoundError(asked.before)
            end = bisect_left(self._by_age, (run.created_at, self.numbers[run.id], run.id))
        found: list[RunInfo] = []
        for at in range(end - 1, -1, -1):
            if len(found) >= asked.limit or (asked.since is not None and self._by_age[at][0] < asked.since):
                break
            run = self.infos[self._by_age[at][2]]
            if asked.fits(run):
                found.append(run)
        return found

    def counts(self, asked: Wanted) -> dict[RunStatus, int]:
        """How many runs of each status fit, each counted up to ``limit``."""
        found = dict.fromkeys(RunStatus, 0)
        for run in self.infos.values():
            if found[run.status] < asked.limit and asked.fits(run):
                found[run.status] += 1
        return found

    def deletable(self, before: float, limit: int, stays: Callable[[str], bool]) -> list[str]:
        """The runs that ended before that time, whose first parent does not live, and that do not stay, the oldest ends first."""
        found: list[str] = []
        for ended_at, _, run_id in self._by_end:
            if ended_at >= before or len(found) >= limit:
                break
            root = self.infos[run_id].root
            first = None if root is None else self.infos.get(root)
            if (first is None or first.status.ended) and not stays(run_id):
                found.append(run_id)
        return found

    def stream(self, run_id: str, name: str) -> StreamInfo | None:
        """The stream, if somebody has written to it or closed it."""
        kept = self.streams.get(run_id, {}).get(name)
        return None if kept is None else StreamInfo(name, kept.length, kept.closed)

    def made_stream(self, run_id: str, name: str) -> KeptStream:
        """The stream, made when it is not there."""
        return self.streams.setdefault(run_id, {}).setdefault(name, KeptStream())

    def _ended_events(self, run_id: str) -> Iterator[Event]:
        if run_id not in self.ended_logs:
            return iter(())
        return iter(self.events(run_id, 0))

    def _forget_watcher(self, watch: Watch) -> None:
        if watch.target is not None:
            watching = self.watchers[watch.target]
            watching.discard((watch.run_id, watch.watch_id))
            if not watching:
                del self.watchers[watch.target]


def _event(line: str, slot: int) -> Event:
    kind, time, entity, data = json.loads(line)
    return Event(KINDS[kind], time, entity, data, slot)
