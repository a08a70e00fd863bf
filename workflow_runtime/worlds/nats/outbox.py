"""Operations on their way into the stream: written, and written again until they have come back or patience is over.

An operation has been stored when it comes back with the stream, so the server is not asked for an answer besides. Only who writes again asks,
for then it matters why nothing has come. An operation carries its own name, under which the server, and each replica, drops a repetition.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Coroutine
from math import inf
from typing import Any

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from workflow_runtime.errors import WorldError
from workflow_runtime.worlds.nats.client import IN_PROGRESS, RETRIED, Client, split
from workflow_runtime.worlds.nats.pending import Pending
from workflow_runtime.worlds.nats.replica import Replica
from workflow_runtime.worlds.nats.wire import OPERATION, PIECES, pack_blobs

logger = logging.getLogger("workflow_runtime.nats")
_ASK_AFTER = 0.5  # seconds in which it has not come back
_RETRY_AFTER = 1.0  # seconds without an answer
_RETRY_SOON = 0.2  # seconds after the answer that nobody takes it now
_FAR = 200_000  # bytes of an operation that no header holds


class Outbox:
    """On the client's loop. ``spawn`` has something done there that nobody awaits, ``applied`` says how far the replica is."""

    def __init__(
        self, client: Client, spawn: Callable[[Coroutine[Any, Any, None]], object], applied: Callable[[], int]
    ) -> None:
        self._client = client
        self._spawn = spawn
        self._applied = applied
        self._pending: dict[str, Pending] = {}
        self._acks = ""

    async def open(self) -> None:
        """Begin to listen for answers."""
        self._acks = self._client.connection.new_inbox()
        await self._client.listen(f"{self._acks}.>", self._answered)

    def send(self, name: str, pending: Pending) -> None:
        """Write an operation."""
        self._pending[name] = pending
        text = pending.headers[OPERATION]
        pending.body = pack_blobs(pending.blobs)
        if len(text) > _FAR or len(pending.body) + len(text) > self._client.room:
            self._spawn(self._send_in_pieces(name, pending))
        else:
            self._spawn(self._publish(pending))

    def take(self, name: str) -> Pending | None:
        """An operation of that name has been applied: whose it is, if it is one of these."""
        return self._pending.pop(name, None)

    def retry(self, now: float) -> None:
        """Write again what has had no answer, and give up what has waited for too long."""
        for name, pending in [*self._pending.items()]:
            if now > pending.deadline:
                del self._pending[name]
                pending.fail(self._no_answer())
            elif pending.stored_at is None and now > pending.again_at:
                pending.again_at = now + _RETRY_AFTER
                self._spawn(self._ask_about(name, pending))

    def jumped(self, replica: Replica, applied: int) -> None:
        """The replica goes on from a snapshot: nobody here knows what has come of operations that are in there."""
        for name, pending in [*self._pending.items()]:
            if name in replica.recent or (pending.stored_at or inf) <= applied:
                self._lose(name, pending)

    def fail(self, error: WorldError) -> None:
        """Nothing will come of any operation here."""
        for pending in self._pending.values():
            pending.fail(error)
        self._pending.clear()

    async def _send_in_pieces(self, name: str, pending: Pending) -> None:
        """Write what does not fit into one message as pieces before it."""
        body, headers = pending.body, pending.headers
        pending.body, pending.again_at = b"", inf
        if len(headers[OPERATION]) > _FAR:
            body = pack_blobs((*pending.blobs, headers[OPERATION].encode()))
            headers[OPERATION] = ""
        try:
            pieces = split(body, self._client.room)
            places = [await self._client.store(f"{pending.subject}.pieces", piece) for piece in pieces]
        except WorldError as error:
            self._pending.pop(name, None)
            pending.fail(
                WorldError(f"NATS world {self._client.options.namespace!r}: a long message was not stored: {error}")
            )
            return
        headers[PIECES] = ",".join(map(str, places))
        await self._publish(pending)

    async def _ask_about(self, name: str, pending: Pending) -> None:
        await self._client.look_elsewhere(pending.begun[0])
        await self._publish(pending, f"{self._acks}.{name}")

    async def _publish(self, pending: Pending, answer_to: str = "") -> None:
        if not answer_to:
            pending.again_at = time.monotonic() + _ASK_AFTER
        connection = self._client.connection
        if not connection.is_connected:
            return  # it is written again when there is somebody to write to
        try:
            await connection.publish(pending.subject, pending.body, answer_to, pending.headers)
        except (NatsError, OSError) as error:
            logger.debug("an operation was not written and will be tried again: %s", error)

    async def _answered(self, message: Msg) -> None:
        """What the server says to an operation that it was asked about."""
        name = message.subject[len(self._acks) + 1 :]
        pending = self._pending.get(name)
        if pending is None:  # it has been applied already
            return
        answer: dict[str, Any] = (
            {"error": {"code": 503}} if "Status" in (message.headers or {}) else json.loads(message.data)
        )
        error = answer.get("error")
        if error is None:
            pending.stored_at = answer["seq"]
            if answer["seq"] <= self._applied():  # it went by in a snapshot
                self._lose(name, pending)
        elif error.get("code") in RETRIED or error.get("err_code") == IN_PROGRESS:
            pending.again_at = time.monotonic() + _RETRY_SOON
        else:
            del self._pending[name]
            said = error.get("description", "no reason given")
            pending.fail(WorldError(f"NATS world {self._client.options.namespace!r}: an operation was refused: {said}"))

    def _lose(self, name: str, pending: Pending) -> None:
        del self._pending[name]
        pending.fail(
            WorldError(
                "an operation was written while this process was cut off; read what has come of it, it is not known here"
            )
        )

    def _no_answer(self) -> WorldError:
        options = self._client.options
        return WorldError(
            f"NATS world {options.namespace!r}: no server has confirmed an operation for {options.patience:g} seconds, and it is not known "
            "whether it will be applied; see whether a majority of the servers is up"
        )
