"""Bundles: each under its hash, among the operations, in as many messages as it takes."""

from __future__ import annotations

import hashlib

from workflow_runtime.errors import WorldError
from workflow_runtime.worlds.nats.client import WRONG_LAST_SEQUENCE, Client, Refusal, split

_DATA, _COUNT = "Wf-Data", "Wf-Count"


async def put(client: Client, bundle_hash: str, data: bytes, *, replace: bool) -> None:
    """See ``World.put_bundle``. What names the pieces is written last, and only when nobody else was first, unless it is to be replaced."""
    subject = _subject(client, bundle_hash)
    if not replace and await client.read({"last_by_subj": subject}) is not None:
        return
    pieces, digest = split(data, client.room), hashlib.sha256(data).hexdigest()
    for number, piece in enumerate(pieces):
        await client.store(f"{subject}.{digest}.{number}", piece)
    headers = {_DATA: digest, _COUNT: str(len(pieces))} | (
        {} if replace else {"Nats-Expected-Last-Subject-Sequence": "0"}
    )
    try:
        await client.store(subject, b"", headers)
    except Refusal as refusal:
        if refusal.err_code != WRONG_LAST_SEQUENCE:
            raise WorldError(f"bundle {bundle_hash!r} can not be stored: {refusal}") from refusal


async def get(client: Client, bundle_hash: str) -> bytes | None:
    """See ``World.bundle``."""
    subject = _subject(client, bundle_hash)
    found = await client.read({"last_by_subj": subject})
    if found is None:
        return None
    pieces = []
    for number in range(int(found.headers[_COUNT])):
        piece = await client.read({"last_by_subj": f"{subject}.{found.headers[_DATA]}.{number}"})
        if piece is None:
            raise WorldError(f"bundle {bundle_hash!r} lacks a piece in the stream {client.stream}; restore that stream")
        pieces.append(piece.data)
    return b"".join(pieces)


def _subject(client: Client, bundle_hash: str) -> str:
    # A hash can be any text, and a subject can not be of any length.
    return f"{client.subject}.bundle.{hashlib.sha256(bundle_hash.encode('utf-8', 'surrogatepass')).hexdigest()}"
