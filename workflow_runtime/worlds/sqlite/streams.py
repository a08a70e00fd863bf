"""Streams in SQL: ``StreamRecords`` in a transaction of the writer's, and what readers of streams see."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from workflow_runtime.worlds.base import Chunks, StreamInfo
from workflow_runtime.worlds.encoding import storable
from workflow_runtime.worlds.sqlite import statements as sql
from workflow_runtime.worlds.sqlite.reads import read_run
from workflow_runtime.worlds.streaming import first_index


@dataclass(frozen=True, slots=True)
class SqliteStreams:
    """See ``StreamRecords``."""

    connection: sqlite3.Connection

    def get(self, run_id: str, name: str) -> StreamInfo | None:
        """See ``StreamRecords``."""
        row = self.connection.execute(sql.STREAM, (run_id, name)).fetchone()
        return StreamInfo(name, row[1], bool(row[2])) if row else None

    def append(self, run_id: str, name: str, chunks: Sequence[bytes]) -> None:
        """See ``StreamRecords``."""
        seq, length = self._made(run_id, name)
        rows = ((seq, number, chunk) for number, chunk in enumerate(chunks, length))
        self.connection.executemany(sql.ADD_CHUNK, rows)
        self.connection.execute(sql.SAVE_LENGTH, (length + len(chunks), seq))

    def close(self, run_id: str, name: str) -> None:
        """See ``StreamRecords``."""
        self.connection.execute(sql.CLOSE_STREAM, (self._made(run_id, name)[0],))

    def _made(self, run_id: str, name: str) -> tuple[int, int]:
        """The stream's number and length; it is made when it is not there."""
        row = self.connection.execute(sql.STREAM, (run_id, name)).fetchone()
        if row is not None:
            return row[0], row[1]
        made = self.connection.execute(sql.ADD_STREAM, (run_id, name)).lastrowid
        assert made is not None, "an INSERT has a row id"
        return made, 0


def read_chunks(connection: sqlite3.Connection, run_id: str, name: str, start: int, limit: int) -> Chunks:
    """Chunks from index ``start`` on, at most ``limit``. Raises ``RunNotFoundError``."""
    ended = read_run(connection, run_id).status.ended
    row = connection.execute(sql.STREAM, (run_id, name)).fetchone() if storable(name) else None
    seq, length, closed = row or (0, 0, 0)
    first = first_index(start, length)
    # The stream may have grown since; what the reader gets ends where its length says.
    rows = connection.execute(sql.CHUNKS, (seq, first, length, limit)).fetchall() if first < length else []
    chunks = tuple(chunk for (chunk,) in rows)
    return Chunks(first, chunks, (ended or bool(closed)) and first + len(chunks) >= length)


def read_streams(connection: sqlite3.Connection, run_id: str) -> list[StreamInfo]:
    """The run's streams, by name. Raises ``RunNotFoundError``."""
    ended = read_run(connection, run_id).status.ended
    rows = connection.execute(sql.STREAMS, (run_id,)).fetchall()
    return [StreamInfo(name, length, ended or bool(closed)) for name, length, closed in rows]
