"""The connection to the servers: requests to JetStream, messages into it, and blobs out of it."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nats.aio.client import Client as Connection
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError, UnexpectedEOF

from workflow_runtime.errors import WorldError
from workflow_runtime.worlds.nats.options import NatsOptions

logger = logging.getLogger("workflow_runtime.nats")
_ANSWER_WITHIN = 2.0  # seconds; a leader that has changed is found by asking again
_RECONNECT_AFTER = 0.2  # seconds
_PAUSE = 0.05  # seconds between two tries
_MOVE_AFTER = 3.0  # seconds without a good answer by the server that this process is connected to
_STREAM_NOT_FOUND, _NAME_IN_USE = 10059, 10058
_TOO_FEW_SERVERS = 10005  # for so many replicas; those of a cluster that has just begun may still be on their way
WRONG_LAST_SEQUENCE = 10071
IN_PROGRESS = 10158  # the same message was written before, and waits for a majority
_NOT_FOUND = 404
RETRIED = frozenset({408, 503})  # timed out within the cluster; no leader or no quorum at the moment
_DUPLICATES_WITHIN = 120 * 1_000_000_000  # nanoseconds
_BREATH = 4096  # bytes of a message that headers may need beside what is asked for

Asked = dict[str, Any]


class Refusal(WorldError):
    """JetStream has answered no, with a code of its own."""

    def __init__(self, error: Asked) -> None:
        said = error.get("description", "no reason given")
        super().__init__(f"JetStream refuses it: {said} ({error.get('err_code', error.get('code'))})")
        self.code: int = error.get("code", 0)
        self.err_code: int = error.get("err_code", 0)


@dataclass(frozen=True, slots=True)
class Stored:
    """A message as a stream has it."""

    headers: Mapping[str, str]
    data: bytes
    place: int = 0


class Client:
    """A connection for one namespace, on the event loop that it was opened on."""

    def __init__(self, options: NatsOptions) -> None:
        self.options = options
        self.stream = f"WF_{options.namespace}"
        self.subject = f"wf.{options.namespace}"
        self.connection = Connection()
        self._begun = False
        self._created: str | None = None
        self._lost: list[str] = []
        self._moved_at = 0.0

    async def open(self) -> None:
        """Connect, and make the stream when it is not there. Raises ``WorldError``."""
        asked = self.options.connecting()
        self._begun = True
        try:
            async with asyncio.timeout(self.options.patience):
                await self.connection.connect(
                    **asked,
                    name=f"workflow {self.options.namespace}",
                    allow_reconnect=True,
                    max_reconnect_attempts=-1,
                    reconnect_time_wait=_RECONNECT_AFTER,  # type: ignore[arg-type]  # it is slept, and may be a fraction
                    connect_timeout=max(1.0, self.options.lease / 5),  # type: ignore[arg-type]  # it is slept, and may be a fraction
                    ping_interval=max(0.5, self.options.lease / 10),  # type: ignore[arg-type]  # it is slept, and may be a fraction
                    max_outstanding_pings=2,
                    error_cb=self._note,
                )
        except (NatsError, OSError, ValueError, TimeoutError) as error:
            said = self._lost[-1] if self._lost else str(error) or type(error).__name__
            raise WorldError(
                f"no NATS server of {', '.join(self.options.servers)} lets us in: {said}; check that one runs there with JetStream on, "
                "and the user, password or files in WORKFLOW_WORLD"
            ) from error
        await self._make()

    async def close(self) -> None:
        """Let go of the connection."""
        if self._begun:
            await self.connection.close()

    @property
    def room(self) -> int:
        """How many bytes of header and body a message may have."""
        return self.connection.max_payload - _BREATH

    async def ask(self, api: str, asked: Asked | None = None) -> Asked:
        """JetStream's answer to a request, asked again until somebody answers. Raises ``Refusal`` and ``WorldError``."""
        return await self._insist(f"$JS.API.{api}", b"" if asked is None else json.dumps(asked).encode())

    async def request(self, subject: str, body: bytes, headers: dict[str, str] | None = None) -> Msg:
        """The one answer to a request."""
        return await self.connection.request(subject, body, timeout=_ANSWER_WITHIN, headers=headers)

    async def last_sequence(self) -> int:
        """Where the stream ends, as its leader says. Raises ``WorldError`` when it is another than it was."""
        try:
            info = await self.ask(f"STREAM.INFO.{self.stream}")
        except Refusal as refusal:
            raise WorldError(
                f"NATS world {self.options.namespace!r}: the stream {self.stream} is not there any more: {refusal}; restore it from a backup"
            ) from refusal
        if self._created not in (None, info["created"]):
            raise WorldError(
                f"NATS world {self.options.namespace!r}: the stream {self.stream} has been removed and made anew while this process was open; "
                "restart the process"
            )
        self._created = info["created"]
        return int(info["state"]["last_seq"])

    async def store(self, subject: str, body: bytes, headers: dict[str, str] | None = None) -> int:
        """Write a message and give its place in the stream. Raises ``Refusal`` and ``WorldError``."""
        return int((await self._insist(subject, body, headers))["seq"])

    async def read(self, asked: Asked) -> Stored | None:
        """One message of the stream: from any server, or from the leader when that one does not have it yet. None when nobody has it."""
        try:
            found = await self.request(f"$JS.API.DIRECT.GET.{self.stream}", json.dumps(asked).encode())
            if "Status" not in (found.headers or {}):
                return Stored(found.headers or {}, found.data)
        except (NatsError, OSError) as error:
            logger.debug("a message could not be read from a replica: %s", error)
        return await self._read_from_leader(asked)

    async def read_latest(self, subject: str) -> Stored | None:
        """The last message of a subject, as the stream's leader has it."""
        return await self._read_from_leader({"last_by_subj": subject})

    async def _read_from_leader(self, asked: Asked) -> Stored | None:
        try:
            stored = (await self.ask(f"STREAM.MSG.GET.{self.stream}", asked))["message"]
        except Refusal as refusal:
            if refusal.code == _NOT_FOUND:
                return None
            raise WorldError(
                f"NATS world {self.options.namespace!r}: the stream {self.stream} can not be read: {refusal}"
            ) from refusal
        headers = _headers(base64.b64decode(stored.get("hdrs", "")))
        return Stored(headers, base64.b64decode(stored.get("data", "")), stored["seq"])

    async def get_many(self, subject: str, first: int, count: int) -> list[Msg]:
        """Up to ``count`` messages of a subject from ``first`` on, in one request. Fewer when a server that lags behind answers."""
        found: list[Msg] = []
        done = asyncio.get_running_loop().create_future()

        async def take(message: Msg) -> None:
            if message.headers is None or "Status" not in message.headers:
                found.append(message)
            elif not done.done():
                done.set_result(None)

        inbox = self.connection.new_inbox()
        subscription = await self.connection.subscribe(inbox, cb=take)
        try:
            asked = {"seq": first, "next_by_subj": subject, "batch": count}
            await self.connection.publish(f"$JS.API.DIRECT.GET.{self.stream}", json.dumps(asked).encode(), reply=inbox)
            await asyncio.wait((done,), timeout=_ANSWER_WITHIN)
        except (NatsError, OSError) as error:
            logger.debug("a batch of messages could not be read: %s", error)
        finally:
            await subscription.unsubscribe()
        return found

    async def look_elsewhere(self, since: float) -> None:
        """Go to another server when one that is there has given no good answer ``since`` long: the others may have been cut off from it."""
        now = time.monotonic()
        if now - max(since, self._moved_at) > _MOVE_AFTER and len(self.connection.servers) > 1:
            self._moved_at = now
            await self.connection.force_reconnect()

    async def listen(self, subject: str, hear: Callable[[Msg], Awaitable[None]]) -> Subscription:
        """Have ``hear`` called with each message on ``subject``, one after the other, however many wait."""
        return await self.connection.subscribe(subject, cb=hear, pending_msgs_limit=0, pending_bytes_limit=0)

    async def purge(self, subject: str, before: int) -> None:
        """Remove what stands on ``subject`` before that place."""
        await self.ask(f"STREAM.PURGE.{self.stream}", {"filter": subject, "seq": before})

    async def _insist(self, subject: str, body: bytes, headers: dict[str, str] | None = None) -> Asked:
        began = time.monotonic()
        deadline = began + self.options.patience
        while True:
            try:
                answer: Asked = json.loads((await self.request(subject, body, headers)).data)
                if "error" not in answer:
                    return answer
                refusal = Refusal(answer["error"])
                passes = refusal.code in RETRIED or refusal.err_code == _TOO_FEW_SERVERS
                if not passes or time.monotonic() > deadline:
                    raise refusal
            except (NatsError, OSError) as error:
                if time.monotonic() > deadline or self.connection.is_closed:
                    raise WorldError(
                        f"NATS world {self.options.namespace!r}: no server has answered for {self.options.patience:g} seconds: "
                        f"{error or type(error).__name__}; see whether a majority of the servers is up and has JetStream on"
                    ) from error
            await self.look_elsewhere(began)
            await asyncio.sleep(_PAUSE)

    async def _make(self) -> None:
        asked = {
            "name": self.stream,
            "subjects": [f"{self.subject}.>"],
            "storage": self.options.storage,
            "num_replicas": self.options.replicas,
            "retention": "limits",
            "discard": "new",
            "allow_direct": True,
            "duplicate_window": _DUPLICATES_WITHIN,
        }
        try:
            try:
                await self.ask(f"STREAM.INFO.{self.stream}")
            except Refusal as refusal:
                if refusal.err_code != _STREAM_NOT_FOUND:
                    raise
                await self.ask(f"STREAM.CREATE.{self.stream}", asked)
        except Refusal as refusal:
            if refusal.err_code != _NAME_IN_USE:
                raise WorldError(
                    f"NATS world {self.options.namespace!r}: the stream {self.stream} can not be made: {refusal}; see docs/nats.md for what it "
                    "needs"
                ) from refusal

    async def _note(self, error: Exception) -> None:
        said = str(error) or type(error).__name__
        # A connection that breaks off says less than a server that has told why.
        if not isinstance(error, NoRespondersError) and not (
            self._lost and isinstance(error, (OSError, UnexpectedEOF))
        ):
            self._lost = [said]
        logger.debug("NATS connection: %s", said)


def _headers(raw: bytes) -> Mapping[str, str]:
    lines = (line.partition(b":") for line in raw.split(b"\r\n")[1:])
    return {name.decode(): value.strip().decode() for name, colon, value in lines if colon}


def split(body: bytes, room: int) -> Sequence[bytes]:
    """A body in pieces that a message can hold."""
    return [body[at : at + room] for at in range(0, len(body), room)]
