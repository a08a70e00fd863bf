"""``rules.Records`` in SQL: the storage inside one transaction of the writer's connection."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from workflow_runtime.events import Event
from workflow_runtime.worlds.base import Message, RunInfo
from workflow_runtime.worlds.delivery import Claim
from workflow_runtime.worlds.encoding import EncodedEvent, encode_data, encode_limit, storable
from workflow_runtime.worlds.entities import StepState, StepStatus, WaitStatus
from workflow_runtime.worlds.signals import Topic
from workflow_runtime.worlds.sqlite import statements as sql
from workflow_runtime.worlds.sqlite.hooks import SqliteHooks, SqliteWatches
from workflow_runtime.worlds.sqlite.lines import Row, all_is_paused, due, room
from workflow_runtime.worlds.sqlite.reads import events
from workflow_runtime.worlds.sqlite.removal import delete_ended
from workflow_runtime.worlds.sqlite.streams import SqliteStreams

Taken = tuple[Message, int, Claim]
"""A message, how often it was delivered, and the claim on it."""
QUEUE = ""  # the topic of receivers
_numbers = itertools.count(1)  # of claims, for the whole process: never the same twice under one owner


@dataclass(frozen=True, slots=True)
class SqliteRecords:
    """See ``Records``. ``is_alive`` tells whether a worker lives, ``rung`` collects the topics to ring after the commit."""

    connection: sqlite3.Connection
    is_alive: Callable[[str], bool]
    rung: set[Topic] = field(default_factory=set)

    @property
    def hooks(self) -> SqliteHooks:
        """See ``Records``."""
        return SqliteHooks(self.connection)

    @property
    def watches(self) -> SqliteWatches:
        """See ``Records``."""
        return SqliteWatches(self.connection)

    @property
    def streams(self) -> SqliteStreams:
        """See ``Records``."""
        return SqliteStreams(self.connection)

    def ring(self, topic: Topic) -> None:
        """See ``Records``."""
        self.rung.add(topic)

    def run(self, run_id: str) -> RunInfo | None:
        """See ``Records``."""
        row = self._row(sql.RUN_BY_ID, run_id) if storable(run_id) else None
        return sql.run_of(row) if row else None

    def add_run(self, run: RunInfo) -> None:
        """See ``Records``."""
        times = (run.created_at, run.started_at, run.ended_at)
        row = (run.id, run.workflow, run.bundle, run.status.value, *times, run.slot, run.parent, run.root, run.priority)
        self.connection.execute(sql.ADD_RUN, row)
        self.connection.execute(sql.ADOPT_MESSAGES, (-run.priority, run.workflow, run.id))
        if run.attributes:
            self._save_attributes(run)

    def save_run(self, run: RunInfo, before: RunInfo) -> None:
        """See ``Records``."""
        if run.attributes is not before.attributes:
            self._save_attributes(run)
        if run.status is before.status:
            self.connection.execute(sql.SAVE_SLOT, (run.slot, run.id))
            return
        self.connection.execute(sql.SAVE_RUN, (run.status.value, run.started_at, run.ended_at, run.slot, run.id))
        self.rung.add(run.id)

    def add_child(self, run_id: str) -> None:
        """See ``Records``."""
        self.connection.execute(sql.ADD_CHILD, (run_id,))

    def has_children(self, run_id: str) -> bool:
        """See ``Records``."""
        row = self._row(sql.HAS_CHILDREN, run_id)
        return row is not None and bool(row[0])

    def append(self, run_id: str, after: int, batch: Sequence[EncodedEvent]) -> None:
        """See ``Records``."""
        rows = [
            (run_id, slot, encoded.event.kind.value, encoded.event.time, encoded.event.entity, encoded.data)
            for slot, encoded in enumerate(batch, after + 1)
        ]
        self.connection.executemany(sql.ADD_EVENT, rows)

    def events(self, run_id: str, after: int) -> tuple[Event, ...]:
        """See ``Records``."""
        return events(self.connection, run_id, after, _NO_END)

    def event(self, run_id: str, slot: int) -> Event:
        """See ``Records``."""
        return events(self.connection, run_id, slot - 1, slot)[0]

    def step(self, run_id: str, step_id: str) -> StepState | None:
        """See ``Records``."""
        row = self._row(sql.STEP, run_id, step_id)
        return StepState(StepStatus(row[0]), *row[1:]) if row else None

    def save_step(self, run_id: str, step_id: str, step: StepState) -> None:
        """See ``Records``."""
        counts = (step.attempt, step.failures, step.retryings)
        state = (step.status.value, *counts, step.message_id, step.retry_at, step.created_slot)
        self.connection.execute(sql.SAVE_STEP, (run_id, step_id, *state))

    def end_step(self, run_id: str, step_id: str, status: StepStatus) -> None:
        """See ``Records``."""
        self.connection.execute(sql.END_STEP, (run_id, step_id, status.value))

    def wait(self, run_id: str, wait_id: str) -> WaitStatus | None:
        """See ``Records``."""
        row = self._row(sql.WAIT, run_id, wait_id)
        return WaitStatus(row[0]) if row else None

    def save_wait(self, run_id: str, wait_id: str, status: WaitStatus) -> None:
        """See ``Records``."""
        self.connection.execute(sql.SAVE_WAIT, (run_id, wait_id, status.value))

    def in_queue(self, message_id: str) -> bool:
        """See ``Records``."""
        return self._row(sql.IN_QUEUE, message_id) is not None

    def in_hand(self, message_id: str) -> bool:
        """See ``Records``."""
        row = self._row(sql.OWNER, message_id)
        return row is not None and not self._idle(row[0])

    def hasten(self, key: str, ready_at: float) -> bool:
        """See ``Records``."""
        for seq, owner in self.connection.execute(sql.WITH_KEY, (key,)).fetchall():
            if self._idle(owner):
                self.connection.execute(sql.HASTEN, (ready_at, seq))
                self.rung.add(QUEUE)
                return True
        return False

    def drop_key(self, key: str) -> None:
        """See ``Records``."""
        for seq, owner in self.connection.execute(sql.WITH_KEY, (key,)).fetchall():
            if self._idle(owner):
                self.connection.execute(sql.REMOVE, (seq,))

    def put(self, message: Message, ready_at: float) -> None:
        """See ``Records``."""
        names = (message.id, message.run_id, message.step_id, message.step_name, message.key, message.due)
        more = (message.watch_id, message.watched, message.cancels_children, message.trace)
        limit = message.limit
        holds = None if limit is None or limit.of_run else limit.name
        self.connection.execute(sql.PUT, (*names, *more, encode_limit(limit), holds, ready_at))
        self.rung.add(QUEUE)

    def remove(self, claim: Claim) -> None:
        """See ``Records``."""
        self.connection.execute(sql.REMOVE_CLAIMED, (claim.message_id, claim.owner, claim.number))
        if claim.limited:
            self.rung.add(QUEUE)

    def drop_idle(self, run_id: str) -> None:
        """See ``Records``."""
        for seq, owner in self.connection.execute(sql.OF_RUN, (run_id,)).fetchall():
            if self._idle(owner):
                self.connection.execute(sql.REMOVE, (seq,))

    def free_places(self, run_id: str) -> None:
        """See ``Records``."""
        if self.connection.execute(sql.FREE_PLACES, (run_id,)).rowcount:
            self.rung.add(QUEUE)

    def delete_ended(self, before: float, limit: int) -> int:
        """See ``World``."""
        self.rung.add(QUEUE)
        return delete_ended(self.connection, before, limit)

    def pause(self, workflow: str) -> None:
        """See ``World``."""
        self.connection.execute(sql.PAUSE, (workflow,))
        self.connection.execute(sql.SET_PAUSED, (1, 1, workflow))

    def unpause(self, workflow: str) -> None:
        """See ``World``."""
        if storable(workflow) and self.connection.execute(sql.UNPAUSE, (workflow,)).rowcount:
            self.connection.execute(sql.SET_PAUSED, (0, 0, workflow))
            self.rung.add(QUEUE)

    def hand_back(self, claim: Claim, ready_at: float | None = None) -> None:
        """Put the claimed message back in the queue, if the claim still holds."""
        self.connection.execute(sql.HAND_BACK, (ready_at, claim.message_id, claim.owner, claim.number))
        self.rung.add(QUEUE)

    def free(self, owners: Iterable[str], now: float) -> None:
        """Put all that these workers have in hand back in the queue."""
        for owner in owners:
            self.connection.execute(sql.FREE_OWNED, (now, owner))
            self.rung.add(QUEUE)

    def make_ready(self, now: float, margin: float) -> None:
        """Make ready what was to be delivered by now, but is dated more than ``margin`` seconds ahead: the clock was put back since."""
        if self.connection.execute(sql.OVERDUE, (now, now, now + margin)).rowcount:
            self.rung.add(QUEUE)

    def take(self, owner: str, limit: int, now: float) -> list[Taken]:
        """Take up to ``limit`` due messages in hand: each with its count of deliveries and its claim."""
        rows = due(self.connection, limit, now, lambda row: self._has_room(row, now))
        return [self._claim(row, owner, now) for row in islice(rows, limit)]

    def take_one(self, message_id: str, owner: str, now: float) -> list[Taken]:
        """Take that message in hand, as ``take`` does, if it is due and nobody has it."""
        row = self._row(sql.MESSAGE_BY_ID, message_id, now)
        if row is None or self.in_hand(message_id) or all_is_paused(self.connection) or not self._has_room(row, now):
            return []
        return [self._claim(row, owner, now)]

    def take_over(self, claim: Claim, owner: str) -> list[Taken]:
        """Put another claim in the place of this one, if it still holds."""
        row = self._row(sql.MESSAGE_BY_CLAIM, claim.message_id, claim.owner, claim.number)
        if row is None:
            return []
        seq, _, deliveries, *_ = row
        message = sql.message_of(row)
        new = Claim(claim.message_id, owner, next(_numbers), message.limit is not None)
        self.connection.execute(sql.TAKE_OVER, (owner, new.number, seq))
        return [(message, deliveries, new)]

    def _has_room(self, row: Row, now: float) -> bool:
        """Whether the message's limit has room, if it has one."""
        message = sql.message_of(row)
        if message.limit is None:
            return True
        owners = self.connection.execute(sql.OWNERS_UNDER, (message.limit.name,)).fetchall()
        in_hand = sum(count for owner, count in owners if not self._idle(owner))
        at = room(self.connection, message.limit, message.run_id, in_hand, now)
        return at is not None and at <= now

    def _claim(self, row: Row, owner: str, now: float) -> Taken:
        seq, _, deliveries, *_ = row
        message = sql.message_of(row)
        claim = Claim(message.id, owner, next(_numbers), message.limit is not None)
        self.connection.execute(sql.TAKE, (owner, claim.number, seq))
        if message.limit is not None:
            self.connection.execute(sql.SAVE_TAKING, (message.limit.name, now))
            if message.limit.of_run:
                self.connection.execute(sql.ADD_PLACE, (message.limit.name, message.run_id))
        return message, deliveries + 1, claim

    def _save_attributes(self, run: RunInfo) -> None:
        data = encode_data(dict(run.attributes)) if run.attributes else None
        self.connection.execute(sql.SAVE_ATTRIBUTES, (data, run.id))
        self.connection.execute(sql.FORGET_ATTRIBUTES, (run.id,))
        rows = [(name, value, run.id) for name, value in run.attributes.items()]
        self.connection.executemany(sql.ADD_ATTRIBUTE, rows)

    def _row(self, statement: str, *values: Any) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self.connection.execute(statement, values).fetchone()
        return row

    def _idle(self, owner: str | None) -> bool:
        return owner is None or not self.is_alive(owner)


_NO_END = 2**63 - 1
