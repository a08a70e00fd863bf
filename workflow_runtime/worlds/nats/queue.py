"""The queue of a replica: messages in the order of delivery, at a cost that does not grow with how many wait.

A message that nobody has in hand is in one of three places: ``later`` until its time has come, then ``due``, and from there ``aside`` when a
limit or a pause keeps it back, until something happens that may let it through. Where it is decides nothing: who takes looks at each message that
he comes by, so a replica that has sorted its messages anew takes the same ones as all others. Entries that a message has left behind in
a heap carry an old ``turn`` and are passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from math import inf

from workflow_runtime.worlds.base import Limit, Message, Queued, QueueDepth, RunInfo
from workflow_runtime.worlds.delivery import Claim
from workflow_runtime.worlds.entities import tells_news
from workflow_runtime.worlds.memory_gates import MemoryGates

_SPARE = 1000
"""Old entries that a heap may have beside as many as there are messages."""
Taken = tuple[Message, int, Claim]
_Rank = tuple[int, float, int, int, str]  # priority, time, number, turn, id
_Group = tuple[Limit, str]
"""A limit that keeps messages aside, with the run when that holds a place under it itself."""


@dataclass(slots=True)
class Kept:
    """A message in the queue. ``claim`` is the last one made, whether its owner lives or not."""

    message: Message
    ready_at: float
    number: int
    claim: Claim | None = None
    count: int = 0
    turn: int = 0


@dataclass(slots=True)
class Queue:
    """All messages. ``rang`` is set when there may be something to take that there was not before."""

    run_of: Callable[[str], RunInfo | None]
    messages: dict[str, Kept] = field(default_factory=dict)
    alive: set[str] = field(default_factory=set)
    gates: MemoryGates = field(default_factory=MemoryGates)
    next_number: int = 0
    rang: bool = False
    of_run: dict[str, dict[str, None]] = field(default_factory=dict)
    _of_key: dict[str, dict[str, None]] = field(default_factory=dict)
    _of_owner: dict[str, dict[str, None]] = field(default_factory=dict)
    _in_work: Counter[str] = field(default_factory=Counter)
    _later: list[tuple[float, int, int, str | _Group]] = field(default_factory=list)
    _due: list[_Rank] = field(default_factory=list)
    _paused: dict[str, list[_Rank]] = field(default_factory=dict)
    _aside: dict[_Group, list[_Rank]] = field(default_factory=dict)
    _under: dict[str, set[_Group]] = field(default_factory=dict)
    _armed: dict[_Group, float] = field(default_factory=dict)
    _ties: int = 0

    def put(self, message: Message, ready_at: float) -> None:
        """Keep a new message."""
        self.restore(Kept(message, ready_at, self._number()))
        self.rang = True

    def restore(self, kept: Kept) -> None:
        """Keep a message as it was."""
        message = kept.message
        self.messages[message.id] = kept
        self.of_run.setdefault(message.run_id, {})[message.id] = None
        if message.key is not None:
            self._of_key.setdefault(message.key, {})[message.id] = None
        if kept.claim is not None:
            self._hold(kept, kept.claim)
        if self.idle(kept):
            self._wait(kept)

    def sort_again(self, run_id: str) -> None:
        """The run is there now, and the messages that came before it have its priority."""
        for kept in self._idle_of(self.of_run.get(run_id)):
            self._wait(kept)

    def idle(self, kept: Kept) -> bool:
        """Whether nobody who lives has the message in hand."""
        return kept.claim is None or kept.claim.owner not in self.alive

    def in_hand(self, message_id: str) -> bool:
        """Whether somebody who lives has the message in hand."""
        kept = self.messages.get(message_id)
        return kept is not None and not self.idle(kept)

    def hasten(self, key: str, ready_at: float) -> bool:
        """See ``Records``."""
        for kept in self._idle_of(self._of_key.get(key)):
            if ready_at < kept.ready_at:
                kept.ready_at = ready_at
                self._wait(kept)
            self.rang = True
            return True
        return False

    def drop_key(self, key: str) -> None:
        """See ``Records``."""
        for kept in [*self._idle_of(self._of_key.get(key))]:
            self._delete(kept)

    def drop_idle(self, run_id: str) -> None:
        """See ``Records``."""
        for kept in [*self._idle_of(self.of_run.get(run_id))]:
            self._delete(kept)

    def drop_all(self, run_id: str) -> None:
        """Remove the run's messages, in hand or not."""
        for message_id in [*self.of_run.get(run_id, ())]:
            self._delete(self.messages[message_id])

    def cancels_children(self, run_id: str) -> bool:
        """Whether the run's children have still to be told that it was cancelled."""
        return any(self.messages[message_id].message.cancels_children for message_id in self.of_run.get(run_id, ()))

    def free_places(self, run_id: str) -> None:
        """See ``Records``."""
        names = [name for name, runs in self.gates.places.items() if run_id in runs]
        if self.gates.free(run_id):
            for name in names:
                self._let_through(name)

    def holds(self, claim: Claim) -> bool:
        """Whether the claim is the last one made on its message, and was not handed back."""
        kept = self.messages.get(claim.message_id)
        return kept is not None and kept.claim == claim

    def remove(self, claim: Claim) -> None:
        """See ``Records``."""
        if self.holds(claim):
            self._delete(self.messages[claim.message_id])

    def hand_back(self, claim: Claim, ready_at: float | None = None) -> None:
        """Put the claimed message back in the queue, if the claim still holds."""
        if self.holds(claim):
            kept = self.messages[claim.message_id]
            self._let_go(kept)
            kept.ready_at = kept.ready_at if ready_at is None else ready_at
            self._wait(kept)
            self.rang = True

    def bury(self, owner: str) -> None:
        """The owner lives no more: what it has is in nobody's hands. Its claims hold until others are made."""
        if owner not in self.alive:
            return
        held = [self.messages[message_id] for message_id in self._of_owner.get(owner, ())]
        self.alive.discard(owner)
        for kept in held:
            self._wait(kept)
            if kept.message.limit is not None:
                if not kept.message.limit.of_run:
                    self._in_work[kept.message.limit.name] -= 1
                self._let_through(kept.message.limit.name)
        self.rang = True

    def take(self, owner: str, limit: int, now: float) -> list[Taken]:
        """Take up to ``limit`` due messages in hand: each with its count of deliveries and its claim."""
        self._come_due(now)
        taken: list[Taken] = []
        while self._due and len(taken) < limit:
            rank = heappop(self._due)
            kept = self._valid(rank[3], rank[4])
            if kept is None:
                continue
            if kept.ready_at > now:
                self._wait(kept)
            elif self._may_pass(kept, rank, now):
                taken.append(self._claim(kept, owner, now))
        return taken

    def take_one(self, message_id: str, owner: str, now: float) -> Taken | None:
        """Take that message in hand, if it is due and nobody has it."""
        kept = self.messages.get(message_id)
        if kept is None or not self.idle(kept) or kept.ready_at > now or self._keeper(kept) is not None:
            return None
        if self._room_from(kept, now) != 0.0:
            return None
        return self._claim(kept, owner, now)

    def take_over(self, claim: Claim, owner: str) -> Taken | None:
        """Put another claim in the place of this one, if it still holds."""
        if not self.holds(claim):
            return None
        kept = self.messages[claim.message_id]
        self._let_go(kept, passes_on=True)
        kept.turn += 1
        kept.claim = Claim(claim.message_id, owner, self._number(), kept.message.limit is not None)
        self._hold(kept, kept.claim)
        return kept.message, kept.count, kept.claim

    def outlook(self, now: float) -> tuple[float | None, str | None]:
        """When somebody should look for messages to take, None: not before the queue rings; and when that is now, the first of them, as far as
        is known.
        """
        while self._due and self._valid(self._due[0][3], self._due[0][4]) is None:
            heappop(self._due)
        while self._later and self._is_old(self._later[0]):
            heappop(self._later)
        if self._due:
            return now, self._due[0][4]
        if not self._later:
            return None, None
        at, _, _, what = self._later[0]
        return at, str(what) if at <= now else None

    def pause(self, workflow: str) -> None:
        """See ``World``."""
        self.gates.paused.add(workflow)

    def unpause(self, workflow: str) -> None:
        """See ``World``."""
        self.gates.paused.discard(workflow)
        for rank in self._paused.pop(workflow, ()):
            heappush(self._due, rank)
        self.rang = True

    def depth(self, now: float) -> QueueDepth:
        """How many messages there are."""
        idle = [kept for kept in self.messages.values() if self.idle(kept)]
        due = sum(kept.ready_at <= now for kept in idle)
        return QueueDepth(due, len(self.messages) - len(idle), len(idle) - due)

    def list_messages(self, run_id: str | None, limit: int, *, only_news: bool = False) -> list[Queued]:
        """See ``World``."""
        ids = self.messages if run_id is None else self.of_run.get(run_id, {})
        wanted = (self.messages[message_id] for message_id in ids)
        if only_news:
            wanted = (kept for kept in wanted if tells_news(kept.message, kept.count))
        found = sorted(wanted, key=lambda kept: (kept.ready_at, kept.number))
        return [Queued(k.message, k.ready_at, not self.idle(k), k.count) for k in found[: max(limit, 0)]]

    def _number(self) -> int:
        self.next_number += 1
        return self.next_number

    def _idle_of(self, ids: dict[str, None] | None) -> Iterator[Kept]:
        """Those of the messages that nobody has in hand, in the order in which they came."""
        found = sorted((self.messages[message_id] for message_id in ids or ()), key=lambda kept: kept.number)
        return (kept for kept in found if self.idle(kept))

    def _wait(self, kept: Kept) -> None:
        kept.turn += 1
        heappush(self._later, (kept.ready_at, kept.number, kept.turn, kept.message.id))
        if len(self._later) > 2 * len(self.messages) + _SPARE:  # most are of messages that came earlier, or not at all
            self._later = [entry for entry in self._later if not self._is_old(entry)]
            heapify(self._later)

    def _valid(self, turn: int, message_id: str) -> Kept | None:
        kept = self.messages.get(message_id)
        return kept if kept is not None and kept.turn == turn and self.idle(kept) else None

    def _is_old(self, entry: tuple[float, int, int, str | _Group]) -> bool:
        at, _, turn, what = entry
        return self._valid(turn, what) is None if isinstance(what, str) else self._armed.get(what) != at

    def _come_due(self, now: float) -> None:
        while self._later and self._later[0][0] <= now:
            at, _, turn, what = heappop(self._later)
            if not isinstance(what, str):
                if self._armed.get(what) == at:
                    del self._armed[what]
                    self._bring(what)
            elif (kept := self._valid(turn, what)) is not None:
                self._become_due(kept)

    def _keeper(self, kept: Kept) -> str | None:
        """The pause that keeps the message back."""
        if "" in self.gates.paused:
            return ""
        run = self.run_of(kept.message.run_id) if self.gates.paused else None
        return run.workflow if run is not None and run.workflow in self.gates.paused else None

    def _room_from(self, kept: Kept, now: float) -> float | None:
        limit = kept.message.limit
        if limit is None:
            return 0.0
        return self.gates.room_from(limit, kept.message.run_id, self._in_work[limit.name], now)

    def _may_pass(self, kept: Kept, rank: _Rank, now: float) -> bool:
        limit, pause = kept.message.limit, self._keeper(kept)
        if pause is not None:
            self._paused.setdefault(pause, []).append(rank)
            if limit is not None:  # what has room now may be another's
                self._let_through(limit.name)
            return False
        room = self._room_from(kept, now)
        if limit is None or room == 0.0:
            return True
        holds_one = kept.message.run_id in self.gates.places.get(limit.name, ())
        group = (limit, kept.message.run_id if holds_one else "")
        heappush(self._aside.setdefault(group, []), rank)
        self._under.setdefault(limit.name, set()).add(group)
        if room is not None:
            self._arm(group, room)
        return False

    def _arm(self, group: _Group, at: float) -> None:
        """Have the first of those that a limit keeps aside looked at again at that time."""
        if at < self._armed.get(group, inf):
            self._armed[group] = at
            self._ties += 1
            heappush(self._later, (at, 0, self._ties, group))

    def _bring(self, group: _Group) -> None:
        """Have the first of those that a limit keeps aside looked at again."""
        waiting = self._aside.get(group)
        while waiting:
            rank = heappop(waiting)
            if self._valid(rank[3], rank[4]) is not None:
                heappush(self._due, rank)
                self.rang = True
                break
        if not waiting and self._aside.pop(group, None) is not None:
            self._under[group[0].name].discard(group)

    def _let_through(self, name: str) -> None:
        """A place under that name may be free."""
        for group in [*self._under.get(name, ())]:
            self._bring(group)
        self.rang = True

    def _claim(self, kept: Kept, owner: str, now: float) -> Taken:
        message = kept.message
        self._let_go(kept, passes_on=True)
        kept.turn += 1
        kept.count += 1
        kept.claim = Claim(message.id, owner, self._number(), message.limit is not None)
        self._hold(kept, kept.claim)
        if message.limit is not None:
            self.gates.take(message, self.run_of(message.run_id), now)
            self._after_taking(message, message.limit, now)
        return message, kept.count, kept.claim

    def _after_taking(self, message: Message, limit: Limit, now: float) -> None:
        self._let_through(limit.name)  # there may be room for more, as not each taking takes a place
        if limit.of_run:  # what its run has under that name needs no other place
            for kept in self._idle_of(self.of_run.get(message.run_id)):
                if kept.ready_at <= now and kept.message.limit is not None and kept.message.limit.name == limit.name:
                    self._become_due(kept)

    def _become_due(self, kept: Kept) -> None:
        kept.turn += 1
        run = self.run_of(kept.message.run_id)
        rank = (0 if run is None else -run.priority, kept.ready_at, kept.number, kept.turn, kept.message.id)
        heappush(self._due, rank)

    def _hold(self, kept: Kept, claim: Claim) -> None:
        self._of_owner.setdefault(claim.owner, {})[claim.message_id] = None
        limit = kept.message.limit
        if limit is not None and not limit.of_run and claim.owner in self.alive:
            self._in_work[limit.name] += 1

    def _let_go(self, kept: Kept, *, passes_on: bool = False) -> None:
        """End the message's claim, if it has one. ``passes_on``: another one follows at once."""
        claim, limit = kept.claim, kept.message.limit
        if claim is None:
            return
        kept.claim = None
        del self._of_owner[claim.owner][claim.message_id]
        if not self._of_owner[claim.owner]:
            del self._of_owner[claim.owner]
        if limit is not None and claim.owner in self.alive:
            if not limit.of_run:
                self._in_work[limit.name] -= 1
            if not passes_on:
                self._let_through(limit.name)

    def _delete(self, kept: Kept) -> None:
        message = kept.message
        self._let_go(kept)
        del self.messages[message.id]
        _forget(self.of_run, message.run_id, message.id)
        if message.key is not None:
            _forget(self._of_key, message.key, message.id)
        if message.limit is not None:
            self._let_through(message.limit.name)


def _forget(index: dict[str, dict[str, None]], key: str, message_id: str) -> None:
    del index[key][message_id]
    if not index[key]:
        del index[key]
