"""Reading the stream's headers from one place on, in order and without holes, through whatever happens to the servers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from workflow_runtime.errors import WorldError
from workflow_runtime.worlds.nats.client import Client

logger = logging.getLogger("workflow_runtime.nats")
_HEARTBEAT = 1.0  # seconds between two signs of life of a consumer that has nothing to say
_SILENCE = 3.0  # seconds without any, after which it counts as lost
_NO_NEWS = 5.0  # seconds of a consumer's signs of life alone
_PAUSE = 0.1  # seconds before the next one is made

Hear = Callable[[Msg, int, float], Awaitable[None]]


class Follower:
    """Calls ``hear`` with each message after ``applied()``, its place and its time in unix seconds, until ``over()``.

    A server that is cut off from the others gives signs of life, and answers what it knew. Only that nothing can be written there tells: so when
    there has been nothing to hear for a while, ``prompt`` has something written.
    """

    def __init__(
        self,
        client: Client,
        applied: Callable[[], int],
        hear: Hear,
        prompt: Callable[[], None],
        over: Callable[[], bool],
    ) -> None:
        self._client = client
        self._applied = applied
        self._hear = hear
        self._prompt = prompt
        self._over = over
        self._again = asyncio.Event()
        self._expected = 0
        self._heard_at = 0.0
        self._news_at = 0.0

    async def run(self) -> None:
        """Go on until it is over."""
        while not self._over():
            try:
                await self._follow_once()
            except (NatsError, OSError, WorldError) as error:
                logger.info("the stream %s can not be followed at the moment: %s", self._client.stream, error)
            await asyncio.sleep(_PAUSE)

    async def _follow_once(self) -> None:
        """Follow with one consumer until that is lost."""
        inbox = self._client.connection.new_inbox()
        self._again = again = asyncio.Event()
        self._expected = 1
        loop = asyncio.get_running_loop()

        async def take(message: Msg) -> None:
            if self._again is again and not again.is_set():
                self._heard_at = loop.time()
                try:
                    await self._take(message)
                except Exception:
                    again.set()
                    raise

        subscription = await self._client.listen(inbox, take)
        name: str | None = None
        try:
            name = await self._consumer(inbox)
            self._heard_at = self._news_at = loop.time()
            while not again.is_set() and loop.time() - self._heard_at < _SILENCE:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(again.wait(), _SILENCE / 3)
                if loop.time() - self._news_at > _NO_NEWS:
                    self._news_at = loop.time()
                    self._prompt()
        finally:
            again.set()
            with contextlib.suppress(NatsError, OSError):
                await subscription.unsubscribe()
                if name is not None:
                    await self._client.connection.publish(f"$JS.API.CONSUMER.DELETE.{self._client.stream}.{name}", b"")

    async def _consumer(self, inbox: str) -> str:
        config = {
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": self._applied() + 1,
            "ack_policy": "none",
            "max_deliver": 1,
            "deliver_subject": inbox,
            "headers_only": True,
            "flow_control": True,
            "idle_heartbeat": int(_HEARTBEAT * 1e9),
            "inactive_threshold": int(30e9),
            "mem_storage": True,
            "num_replicas": 1,
        }
        asked = {"stream_name": self._client.stream, "config": config}
        return str((await self._client.ask(f"CONSUMER.CREATE.{self._client.stream}", asked))["name"])

    async def _take(self, message: Msg) -> None:
        headers = message.headers or {}
        if "Status" in headers:
            await self._control(message, headers)
            return
        place, delivered, time = place_of(message.reply)
        if delivered != self._expected:
            self._again.set()
            return
        self._expected += 1
        self._news_at = self._heard_at
        await self._hear(message, place, time)

    async def _control(self, message: Msg, headers: dict[str, str]) -> None:
        if message.reply:  # flow control: answered once all before it has been heard
            await self._client.connection.publish(message.reply, b"")
        elif stalled := headers.get("Nats-Consumer-Stalled"):
            await self._client.connection.publish(stalled, b"")
        elif int(headers.get("Nats-Last-Consumer", self._expected - 1)) != self._expected - 1:
            self._again.set()


def place_of(reply: str) -> tuple[int, int, float]:
    """Of a message that a consumer delivers: its place in the stream, its number in the consumer, and its time in unix seconds."""
    tokens = reply.split(".")
    at = 5 if len(tokens) == 9 else 7  # with a domain and an account in between, in newer servers
    return int(tokens[at]), int(tokens[at + 1]), int(tokens[at + 2]) / 1e9
