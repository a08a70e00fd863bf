"""Writing to streams and following them."""

from __future__ import annotations

import secrets
import time

from workflow_runtime.errors import RunNotFoundError, WriterLostError
from workflow_runtime.worlds.base import Chunks, StreamWriter
from workflow_runtime.worlds.encoding import storable
from workflow_runtime.worlds.postgres.connect import Connection
from workflow_runtime.worlds.postgres.reads import read_chunks
from workflow_runtime.worlds.postgres.session import Session
from workflow_runtime.worlds.postgres.texts import stored

_CLOSED, _WRITER_LOST, _NO_RUN = -1, -2, -3  # what the schema's write function answers


async def write(
    session: Session, run_id: str, name: str, chunks: list[bytes] | None, writer: StreamWriter | None
) -> int | None:
    """Append the chunks, or close the stream when they are None; gives the index of the first one, None when it was closed already.

    Raises ``RunNotFoundError``, ``WriterLostError``.
    """
    if not storable(run_id):
        raise RunNotFoundError(run_id)
    sql, mark = session.sql, secrets.randbits(63)
    by = (None, None, None) if writer is None else (stored(writer.run_id), stored(writer.step_id), writer.attempt)
    first = await session.ask(
        lambda c, again: c.fetchval(sql.write, stored(run_id), stored(name), chunks, *by, mark, again)
    )
    if first == _WRITER_LOST and writer is not None:
        raise WriterLostError(writer.run_id, writer.step_id)
    if first == _NO_RUN:
        raise RunNotFoundError(run_id)
    if first == _CLOSED:
        return None
    if chunks != []:
        session.ring([(run_id, name)])
    return int(first)


async def follow(session: Session, run_id: str, name: str, start: int, limit: int, wait: float) -> Chunks:
    """Chunks from index ``start`` on, once there are some; see ``World.read_chunks``."""
    deadline = time.monotonic() + wait

    async def read(connection: Connection, _again: bool) -> Chunks:
        return await read_chunks(session.sql, connection, run_id, name, start, limit)

    while True:
        with session.signals.ticket(run_id, (run_id, name)) as ticket:
            found = await session.ask(read)
            left = deadline - time.monotonic()
            if found.chunks or found.closed or left <= 0:
                return found
            start = found.start
            await ticket.wait(session.at_most(left))
