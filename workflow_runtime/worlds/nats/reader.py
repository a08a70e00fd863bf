"""Events and chunks with what the replica does not have of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workflow_runtime.events import Event
from workflow_runtime.worlds.encoding import decode_data
from workflow_runtime.worlds.nats.blobs import Blobs
from workflow_runtime.worlds.nats.wire import REFERENCE, chunk_at, token

_Found = Mapping[int, tuple[bytes, ...]]


@dataclass(frozen=True, slots=True)
class Reader:
    """``run`` has the work done on the client's loop; what is at hand needs none."""

    blobs: Blobs
    subject: str
    run: Callable[[Coroutine[Any, Any, _Found]], Coroutine[Any, Any, _Found]]

    async def whole(self, run_id: str, events: Sequence[Event]) -> tuple[Event, ...]:
        """The events with all their data."""
        places = {event.data[REFERENCE][0] for event in events if REFERENCE in event.data}
        blobs = await self._blobs(run_id, "run", places)
        return tuple(_whole(event, blobs) for event in events)

    async def chunks(self, run_id: str, places: Sequence[bytes]) -> tuple[bytes, ...]:
        """The chunks that stand at the places."""
        at = [chunk_at(place) for place in places]
        blobs = await self._blobs(run_id, "chunks", {place for place, _ in at})
        return tuple(blobs[place][number] for place, number in at)

    async def _blobs(self, run_id: str, kind: str, places: Collection[int]) -> _Found:
        found = self.blobs.at_hand(places)
        if len(found) == len(places):
            return found
        return await self.run(self.blobs.fetch(f"{self.subject}.{kind}.{token(run_id)}", places))


def landed(events: Sequence[Event], sent: Sequence[Event]) -> tuple[Event, ...]:
    """The events as they landed, with the data as it was sent; but for a hook whose token was another's."""
    pairs = zip(events, sent, strict=True)
    return tuple(event if event.kind is not own.kind else replace(event, data=own.data) for event, own in pairs)


def _whole(event: Event, blobs: _Found) -> Event:
    if REFERENCE not in event.data:
        return event
    place, number = event.data[REFERENCE]
    return replace(event, data=decode_data(blobs[place][number].decode("utf-8", "surrogatepass")))
