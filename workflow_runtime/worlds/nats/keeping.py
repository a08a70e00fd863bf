"""Keeping snapshots in the stream, and the stream as short as they allow.

A snapshot is written in pieces, and then named by one small message, if nobody else has named a newer one meanwhile. Only then is removed what it
makes needless: the operations that are about no run's log, the whole of what runs had that have been deleted, and older snapshots. All of
that stands before the place that the snapshot is of, so whoever comes upon a hole finds a snapshot that has what was there.
"""

from __future__ import annotations

import asyncio
import logging
import uuid

from workflow_runtime.errors import WorldError
from workflow_runtime.worlds.nats import snapshots
from workflow_runtime.worlds.nats.client import WRONG_LAST_SEQUENCE, Client, Refusal, split
from workflow_runtime.worlds.nats.replica import Replica
from workflow_runtime.worlds.nats.wire import token

logger = logging.getLogger("workflow_runtime.nats")
_AT, _NAME, _COUNT = "Wf-At", "Wf-Name", "Wf-Count"
_TRIES = 5


async def load(client: Client) -> Replica | None:
    """The replica of the last snapshot; None when there is none. Raises ``WorldError``."""
    for _ in range(_TRIES):
        named = await client.read_latest(_subject(client))
        if named is None:
            return None
        pieces = []
        for number in range(int(named.headers[_COUNT])):
            piece = await client.read({"last_by_subj": f"{_subject(client)}.{named.headers[_NAME]}.{number}"})
            if piece is None:  # a newer one has taken its place
                break
            pieces.append(piece.data)
        else:
            return await asyncio.to_thread(snapshots.restore, b"".join(pieces))
    raise WorldError(f"the snapshot in the stream {client.stream} lacks pieces; restore that stream from a backup")


async def save(client: Client, replica: Replica) -> bool:
    """Write a snapshot of the replica as it is now, and remove what it makes needless. False when another was first.

    Raises ``WorldError``.
    """
    at, doomed = replica.applied, [*replica.doomed]
    lines = replica.state.transact(lambda _: [*snapshots.dump(replica)])
    data = await asyncio.to_thread(snapshots.compress, lines)
    before = await client.read_latest(_subject(client))
    if before is not None and int(before.headers[_AT]) >= at:
        return False
    name, pieces = uuid.uuid4().hex, split(data, client.room)
    for number, piece in enumerate(pieces):
        await client.store(f"{_subject(client)}.{name}.{number}", piece)
    expected = "0" if before is None else str(before.place)
    headers = {_AT: str(at), _NAME: name, _COUNT: str(len(pieces)), "Nats-Expected-Last-Subject-Sequence": expected}
    try:
        await client.store(_subject(client), b"", headers)
    except Refusal as refusal:
        if refusal.err_code != WRONG_LAST_SEQUENCE:
            raise
        return False
    await _shorten(client, at, doomed)
    return True


async def _shorten(client: Client, at: int, doomed: list[tuple[str, int]]) -> None:
    for subject in ("queue", "queue.pieces", "snapshot", "snapshot.>"):
        await client.purge(f"{client.subject}.{subject}", at + 1)
    for run_id, deleted_at in doomed:
        for kind in ("run", "chunks"):
            for pieces in ("", ".pieces"):
                await client.purge(f"{client.subject}.{kind}.{token(run_id)}{pieces}", deleted_at)


def _subject(client: Client) -> str:
    return f"{client.subject}.snapshot"
