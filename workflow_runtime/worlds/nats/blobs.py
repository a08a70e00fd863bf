"""The blobs of messages: read from the stream when somebody asks for them, and kept for a while."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping

from workflow_runtime.errors import WorldError
from workflow_runtime.worlds.nats.client import Client, Stored
from workflow_runtime.worlds.nats.wire import PIECES, unpack_blobs

_KEPT = 32 * 1024 * 1024  # bytes of blobs in memory
_AT_ONCE = 500  # messages in one request


class Blobs:
    """The blobs by the places of their messages. ``keep`` and ``at_hand`` may be called on any thread, ``fetch`` on the client's loop."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._kept: OrderedDict[int, tuple[bytes, ...]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def keep(self, place: int, blobs: tuple[bytes, ...]) -> None:
        """Have the blobs of a message at hand for a while."""
        with self._lock:
            if place not in self._kept:
                self._kept[place] = blobs
                self._size += _size(blobs)
            while self._size > _KEPT and len(self._kept) > 1:
                self._size -= _size(self._kept.popitem(last=False)[1])

    def at_hand(self, places: Iterable[int]) -> dict[int, tuple[bytes, ...]]:
        """Those of the blobs that need not be fetched."""
        with self._lock:
            return {place: self._kept[place] for place in places if place in self._kept}

    async def fetch(self, subject: str, places: Iterable[int]) -> Mapping[int, tuple[bytes, ...]]:
        """The blobs of messages on one subject. Raises ``WorldError`` when one is not there."""
        wanted = sorted(set(places))
        found = self.at_hand(wanted)
        missing = [place for place in wanted if place not in found]
        while missing:
            first = missing[0]
            # Between the missing ones lie others of the subject; a batch that is mostly those is still one request.
            got = await self._client.get_many(subject, first, _AT_ONCE) if len(missing) > 1 else []
            for message in got:
                place = int((message.headers or {})["Nats-Sequence"])
                if place in missing:
                    found[place] = await self._read(message.headers or {}, message.data)
                    self.keep(place, found[place])
            if first not in found:
                found[first] = await self._alone(first)
                self.keep(first, found[first])
            missing = [place for place in missing if place not in found]
        return found

    async def in_pieces(self, headers: Mapping[str, str]) -> tuple[bytes, ...]:
        """The blobs of a message whose headers say in which pieces its body is."""
        places = map(int, headers[PIECES].split(","))
        return unpack_blobs(b"".join(await asyncio.gather(*map(self._piece, places))))

    async def _piece(self, place: int) -> bytes:
        return (await self._stored(place)).data

    async def _read(self, headers: Mapping[str, str], data: bytes) -> tuple[bytes, ...]:
        return await self.in_pieces(headers) if PIECES in headers else unpack_blobs(data)

    async def _alone(self, place: int) -> tuple[bytes, ...]:
        stored = await self._stored(place)
        return await self._read(stored.headers, stored.data)

    async def _stored(self, place: int) -> Stored:
        stored = await self._client.read({"seq": place})
        if stored is None:
            raise WorldError(
                f"the message at {place} of the stream {self._client.stream} is not there any more; if nobody has removed it by hand, "
                "its run has been deleted meanwhile"
            )
        return stored


def _size(blobs: tuple[bytes, ...]) -> int:
    return sum(map(len, blobs)) + 64 * len(blobs)
