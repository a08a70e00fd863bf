"""The one thread that writes: all operations that wait become one transaction, and one wait for the disk serves them all."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from pathlib import Path

from workflow_runtime.errors import WorkflowError
from workflow_runtime.worlds.encoding import storable
from workflow_runtime.worlds.signals import Signals, Topic
from workflow_runtime.worlds.sqlite import statements as sql
from workflow_runtime.worlds.sqlite.faults import explain
from workflow_runtime.worlds.sqlite.jobs import Job, Lane, finish
from workflow_runtime.worlds.sqlite.records import QUEUE, SqliteRecords

_POLL = 0.05  # seconds between looks for other processes' writes, while somebody waits for one
_UNSEEN = object()


class _TransactionLost(Exception):
    """SQLite has rolled back the whole transaction, not only the operation that failed."""


class Writer:
    """Owns the connection that writes. ``transactions`` counts those that wrote something."""

    def __init__(self, connection: sqlite3.Connection, path: Path, is_alive: Callable[[str], bool]) -> None:
        self.transactions = 0
        self.signals = Signals(on_first=lambda: self.lane.nudge())
        self.lane: Lane[SqliteRecords] = Lane(
            "workflow-sqlite-writer",
            self._handle,
            poll=self._look_around,
            polling=lambda: self.signals.waiting,
            every=_POLL,
        )
        self._connection, self._path, self._is_alive = connection, path, is_alive
        self._version: int | None = None
        self._states: dict[Topic, object] = {}  # of what is waited for, as of that version

    def _handle(self, batch: list[Job]) -> None:
        try:
            rung = self._transact(batch)
        except _TransactionLost:
            # One operation took the others down with it. Each on its own shows whose fault it was.
            for job in batch:
                self._handle_alone(job)
            return
        finish(batch)
        self.signals.ring(rung)

    def _handle_alone(self, job: Job) -> None:
        rung: set[Topic] = set()
        try:
            rung = self._transact([job])
        except _TransactionLost as lost:
            job.error = lost.__cause__
        finish([job])
        self.signals.ring(rung)

    def _transact(self, batch: list[Job]) -> set[Topic]:
        """Do the jobs in one transaction and set their results or errors. Gives the topics to ring.

        Raises ``_TransactionLost`` when nothing of it was kept, though some jobs might be on their own.
        """
        connection = self._connection
        try:
            self._roll_back()
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.Error as error:
            for job in batch:
                job.error = explain(error, self._path)
            return set()
        rung: set[Topic] = set()
        wrote = False
        try:
            for job in batch:
                records = SqliteRecords(connection, self._is_alive)
                before = connection.total_changes
                if self._attempt(job, records, alone=len(batch) == 1):
                    wrote = wrote or connection.total_changes > before
                    rung |= records.rung
            if connection.in_transaction:
                connection.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):  # the next transaction tries again before it begins
                self._roll_back()
            raise _TransactionLost from explain(error, self._path)
        self.transactions += wrote
        return rung

    def _attempt(self, job: Job, records: SqliteRecords, *, alone: bool) -> bool:
        """Do one job so that only its own writes are taken back when it fails. True when it worked."""
        connection = self._connection
        if not alone:
            connection.execute("SAVEPOINT job")
        try:
            job.result, job.error = job.work(records), None
        except WorkflowError as error:
            job.error = error
        except Exception as error:  # the thread serves others too; the caller gets the error
            if isinstance(error, sqlite3.Error) and not connection.in_transaction:
                raise
            job.error = explain(error, self._path)
            job.error.__cause__ = error
        if job.error is not None:
            connection.execute("ROLLBACK" if alone else "ROLLBACK TO job")
        if not alone:
            connection.execute("RELEASE job")
        return job.error is None

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def _look_around(self) -> None:
        """Wake those whom other processes' writes concern; our own writes do not change the number."""
        try:
            version = self._connection.execute("PRAGMA data_version").fetchone()[0]
            if version == self._version:
                return
            # What nobody has looked at yet counts as changed: it may have, between its reader's look and this one.
            states = {topic: self._state(topic) for topic in self.signals.topics()}
            changed = [topic for topic, state in states.items() if self._states.get(topic, _UNSEEN) != state]
            self._version, self._states = version, states
            self.signals.ring([QUEUE, *changed])
        except Exception:  # noqa: BLE001  # the thread serves others too; who waits reads for himself, and meets the error
            self.signals.ring(self.signals.topics())

    def _state(self, topic: Topic) -> object:
        """What those who wait for a run or a stream wait for a change of."""
        if isinstance(topic, tuple):
            return self._connection.execute(sql.STREAM, topic).fetchone() if all(map(storable, topic)) else None
        return self._connection.execute(sql.RUN_STATUS, (topic,)).fetchone() if storable(topic) else None
