"""One opened file: the writer, the reader, and the lock that says that we live."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from pathlib import Path

from workflow_runtime.errors import WorkflowError, WorldError
from workflow_runtime.worlds.sqlite import connect, forks, liveness
from workflow_runtime.worlds.sqlite.faults import explain
from workflow_runtime.worlds.sqlite.jobs import Job, Lane, finish
from workflow_runtime.worlds.sqlite.writer import Writer

_STEP = 1.0
"""Seconds that the clock has to go back to have been put back. Slower corrections only make messages as much later."""
_LONGEST_PAUSE = 120.0
"""Seconds that a message is handed back for at the most, without a due time of its own."""


def _ahead() -> float:
    """How far the clock, which may be put forward and back, is ahead of the one that may not."""
    return time.time() - time.monotonic()


class Session:
    """Opens on construction, blocking; raises ``WorldError``."""

    def __init__(self, path: Path, busy_timeout: float) -> None:
        self._path = path
        self._folder = Path(f"{path}-workers")
        forks.require_no_parent_has(path)
        with contextlib.ExitStack() as undo:
            self._writing = undo.enter_context(contextlib.closing(connect.open_writer(path, busy_timeout)))
            self._reading = undo.enter_context(contextlib.closing(connect.open_reader(path, busy_timeout)))
            self.worker = self._enter()
            undo.pop_all()
        forks.note_opened(self, path)
        self.writer = Writer(self._writing, path, self.is_alive)
        self.reader: Lane[sqlite3.Connection] = Lane("workflow-sqlite-reader", self._read)
        self.writer.lane.start()
        self.reader.start()
        self._clock = _ahead()
        self.writer.lane.put(Job(lambda records: records.make_ready(time.time(), _LONGEST_PAUSE)))

    def is_alive(self, worker_id: str) -> bool:
        """Whether that worker lives, in whatever process."""
        return liveness.is_alive(self._folder, worker_id)

    def clock_was_put_back(self) -> bool:
        """Whether the system's clock was put back since this was asked last."""
        before, self._clock = self._clock, _ahead()
        return self._clock < before - _STEP

    def bury(self) -> None:
        """Remove the files of dead workers, some time soon."""
        self.reader.put(Job(lambda _: liveness.sweep(self._folder)))

    def end(self, *, gently: bool) -> None:
        """Let go of everything. Blocks until the threads have ended. ``gently`` leaves nothing in hand and no file behind."""
        if gently:
            self.writer.lane.put(Job(lambda records: records.free([self.worker.id], time.time())))
        self.writer.lane.stop()
        self.reader.stop()
        self.writer.signals.ring(self.writer.signals.topics())
        self._reading.close()
        self._writing.close()
        forks.note_closed(self)
        self.worker.leave(remove=gently)

    def _enter(self) -> liveness.Worker:
        try:
            worker = liveness.Worker(self._folder)
            liveness.sweep(self._folder)
        except OSError as error:
            raise WorldError(
                f"SQLite world {self._path}: can not keep a locked file in {self._folder}: {error}; "
                "let this user write there, and use a disk with file locks"
            ) from error
        return worker

    def _read(self, batch: list[Job]) -> None:
        for job in batch:
            try:
                job.result = job.work(self._reading)
            except WorkflowError as error:
                job.error = error
            except Exception as error:  # noqa: BLE001  # the thread serves others too; the caller gets the error
                job.error = explain(error, self._path)
                job.error.__cause__ = error
        finish(batch)
