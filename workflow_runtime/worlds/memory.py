"""The world of tests: everything in this process's memory, with the rules and the manners of the durable ones.

Several handles, one per worker, may share a store; what a handle has in hand is free again when it is closed or crashes.
Values are kept as JSON text, so that nobody shares an object with the log.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import TypeVar

from workflow_runtime import clock
from workflow_runtime.events import Event
from workflow_runtime.worlds import memory_listing as listing
from workflow_runtime.worlds import rules, streaming
from workflow_runtime.worlds.base import (
    Chunks,
    Committed,
    Delivery,
    HookInfo,
    Log,
    Message,
    NewRun,
    Queued,
    QueueDepth,
    Recorded,
    Refused,
    RunInfo,
    RunStatus,
    StepStart,
    StreamInfo,
    StreamWriter,
    WorldClosedError,
)
from workflow_runtime.worlds.checks import check_batch, check_created, check_fact, check_runs
from workflow_runtime.worlds.delivery import Claim, HeldMessage, claim_by, claim_of
from workflow_runtime.worlds.encoding import (
    check_bundle,
    check_chunks,
    check_messages,
    check_workflow,
    encode_event,
    encode_run,
)
from workflow_runtime.worlds.landing import send
from workflow_runtime.worlds.listing import wanted
from workflow_runtime.worlds.memory_store import QUEUE, MemoryStore

T = TypeVar("T")


class MemoryWorld:
    """A ``World`` in memory: one worker's handle on a store, a store of its own unless one is given."""

    def __init__(self, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()
        self._worker: str | None = None

    async def open(self) -> None:
        """See ``World``."""
        if self._worker is None:
            self._worker = uuid.uuid4().hex
            self.store.alive.add(self._worker)

    async def close(self) -> None:
        """See ``World``."""
        self.crash()

    def crash(self) -> None:
        """Die without a word, as a killed process does. For tests."""
        with self.store.lock:
            self.store.alive.discard(self._worker or "")
            self._worker = None
            self.store.signals.ring(self.store.signals.topics())

    async def create_run(
        self,
        run_id: str,
        created: Event,
        message: Message,
        *,
        log: Sequence[Event] = (),
        sends: Sequence[Message] = (),
    ) -> RunInfo:
        """See ``World``."""
        check_created(created)
        check_batch(log)
        check_messages(sends)
        new = encode_run(NewRun(run_id, created, message))
        batch = [encode_event(event) for event in log]
        return self._transact(lambda store: rules.create_run(store, new, clock.now(), batch, sends))

    async def load(self, run_id: str, after: int = 0, limit: int | None = None) -> Log:
        """See ``World``."""
        most = None if limit is None else max(limit, 0)
        return self._transact(lambda store: Log(store.known(run_id), store.events(run_id, after, most)))

    async def list_runs(
        self,
        *,
        status: RunStatus | Collection[RunStatus] | None = None,
        workflow: str | None = None,
        parent: str | None = None,
        attributes: Mapping[str, str] | None = None,
        prefix: str = "",
        since: float | None = None,
        until: float | None = None,
        before: str | None = None,
        limit: int = 100,
    ) -> list[RunInfo]:
        """See ``World``."""
        asked = wanted(status, workflow, parent, attributes, prefix, since, until, before, limit)
        return self._transact(lambda store: listing.runs(store, asked))

    async def count_runs(
        self,
        *,
        workflow: str | None = None,
        attributes: Mapping[str, str] | None = None,
        since: float | None = None,
        until: float | None = None,
        at_most: int = 10_000,
    ) -> dict[RunStatus, int]:
        """See ``World``."""
        asked = wanted(workflow=workflow, attributes=attributes, since=since, until=until, limit=at_most)
        return self._transact(lambda store: listing.counts(store, asked))

    async def delete_ended(self, before: float, limit: int = 100) -> int:
        """See ``World``."""
        return self._transact(lambda store: listing.delete_ended(store, before, max(limit, 0)))

    async def wait_for_end(self, run_id: str, timeout: float | None = None) -> RunInfo:
        """See ``World``."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            with self.store.signals.ticket(run_id) as ticket:
                run = self._transact(lambda store: store.known(run_id))
                if run.status.ended:
                    return run
                if deadline is not None and time.monotonic() >= deadline:
                    raise TimeoutError(f"run {run_id} has not ended within {timeout} seconds")
                await ticket.wait(None if deadline is None else deadline - time.monotonic())

    async def commit(
        self,
        run_id: str,
        after: int,
        events: Sequence[Event],
        *,
        sends: Sequence[Message] = (),
        ack: Delivery | None = None,
        runs: Sequence[NewRun] = (),
    ) -> Committed | Refused:
        """See ``World``."""
        check_batch(events)
        check_messages(sends)
        check_runs(runs)
        batch = [encode_event(event) for event in events]
        new = [encode_run(run) for run in runs]
        claim = claim_of(ack)
        return self._transact(lambda store: rules.commit(store, run_id, after, batch, sends, claim, new, clock.now()))

    async def record(
        self, run_id: str, event: Event, *, sends: Sequence[Message] = (), ack: Delivery | None = None
    ) -> Recorded:
        """See ``World``."""
        check_fact(event)
        check_messages(sends)
        fact = encode_event(event)
        claim = claim_of(ack)
        return self._transact(lambda store: rules.record(store, run_id, fact, sends, claim, clock.now()))

    async def start_step(self, run_id: str, step_id: str, message_id: str, now: float) -> StepStart:
        """See ``World``."""
        return self._transact(lambda store: rules.start_step(store, run_id, step_id, message_id, now))

    async def send(self, message: Message) -> None:
        """See ``World``."""
        check_messages((message,))
        self._transact(lambda store: send(store, message, clock.now()))

    async def receive(self, limit: int) -> list[Delivery]:
        """See ``World``."""
        if limit < 1:
            raise ValueError(f"receive() takes at least one message, not {limit}")
        while True:
            with self.store.signals.ticket(QUEUE) as ticket:
                taken, next_due = self._transact(lambda store: self._take(store, limit))
                if taken:
                    return taken
                await ticket.wait(None if next_due is None else max(0.0, next_due - clock.now()))

    async def take(self, message_id: str, receipt: str | None = None) -> Delivery | None:
        """See ``World``."""
        taken = None
        if held := claim_by(message_id, receipt):
            taken = self._transact(lambda store: store.take_over(held, self._worker or ""))
        if taken is None:
            taken = self._transact(lambda store: store.take_one(message_id, self._worker or "", clock.now()))
        return None if taken is None else HeldMessage(*taken, self)

    async def queue_depth(self) -> QueueDepth:
        """See ``World``."""
        return self._transact(lambda store: store.depth(clock.now()))

    async def list_messages(
        self, run_id: str | None = None, limit: int = 1000, *, only_news: bool = False
    ) -> list[Queued]:
        """See ``World``."""
        return self._transact(lambda store: store.list_messages(run_id, limit, only_news=only_news))

    async def pause(self, workflow: str = "") -> None:
        """See ``World``."""
        check_workflow(workflow)
        self._transact(lambda store: store.pause(workflow))

    async def unpause(self, workflow: str = "") -> None:
        """See ``World``."""
        self._transact(lambda store: store.unpause(workflow))

    async def paused(self) -> list[str]:
        """See ``World``."""
        return self._transact(lambda store: sorted(store.gates.paused))

    async def hook_by_token(self, token: str) -> HookInfo | None:
        """See ``World``."""
        return self._transact(lambda store: store.hooks.by_token(token))

    async def list_hooks(self, run_id: str) -> list[HookInfo]:
        """See ``World``."""
        return self._transact(lambda store: store.hooks.of_run(run_id))

    async def write_chunks(
        self, run_id: str, name: str, chunks: Sequence[bytes], *, writer: StreamWriter | None = None
    ) -> int:
        """See ``World``."""
        check_chunks(run_id, name, chunks)
        return self._transact(lambda store: streaming.write_chunks(store, run_id, name, chunks, writer))

    async def close_stream(self, run_id: str, name: str, *, writer: StreamWriter | None = None) -> None:
        """See ``World``."""
        check_chunks(run_id, name)
        self._transact(lambda store: streaming.close_stream(store, run_id, name, writer))

    async def read_chunks(self, run_id: str, name: str, start: int, *, limit: int = 1000, wait: float = 0.0) -> Chunks:
        """See ``World``."""
        streaming.check_limit(limit)
        deadline = time.monotonic() + wait
        while True:
            with self.store.signals.ticket(run_id, (run_id, name)) as ticket:
                found = self._transact(partial(_read_chunks, run_id=run_id, name=name, start=start, limit=limit))
                left = deadline - time.monotonic()
                if found.chunks or found.closed or left <= 0:
                    return found
                start = found.start
                await ticket.wait(left)

    async def list_streams(self, run_id: str) -> list[StreamInfo]:
        """See ``World``."""
        return self._transact(lambda store: _list_streams(store, run_id))

    async def put_bundle(self, bundle_hash: str, data: bytes, *, replace: bool = False) -> None:
        """See ``World``."""
        check_bundle(bundle_hash, data)
        self._transact(
            lambda store: store.bundles.update({bundle_hash: data} if replace else {bundle_hash: data, **store.bundles})
        )

    async def bundle(self, bundle_hash: str) -> bytes | None:
        """See ``World``."""
        return self._transact(lambda store: store.bundles.get(bundle_hash))

    async def ack(self, claim: Claim) -> None:
        """See ``ClaimKeeper``."""
        self._transact(lambda store: store.remove(claim))

    async def again(self, claim: Claim, after: float) -> None:
        """See ``ClaimKeeper``."""
        self._transact(lambda store: store.hand_back(claim, clock.now() + after))

    async def extend(self, claim: Claim) -> bool:
        """See ``ClaimKeeper``."""
        return self._transact(lambda store: store.goes_on(claim))

    def _transact(self, work: Callable[[MemoryStore], T]) -> T:
        if self._worker is None:
            raise WorldClosedError(
                "this memory world is not open: await open() first, and use nothing of it after close()"
            )
        return self.store.transact(work)

    def _take(self, store: MemoryStore, limit: int) -> tuple[list[Delivery], float | None]:
        taken = store.take(self._worker or "", limit, clock.now())
        if taken:
            return [HeldMessage(message, count, claim, self) for message, count, claim in taken], None
        return [], store.next_due(clock.now())


def _read_chunks(store: MemoryStore, run_id: str, name: str, start: int, limit: int) -> Chunks:
    run = store.known(run_id)
    stream = store.streams.get(run_id, name) or StreamInfo(name, 0, closed=False)
    first = streaming.first_index(start, stream.length)
    chunks = store.streams.read(run_id, name, first, limit)
    ended = stream.closed or run.status.ended
    return Chunks(first, chunks, ended and first + len(chunks) >= stream.length)


def _list_streams(store: MemoryStore, run_id: str) -> list[StreamInfo]:
    ended = store.known(run_id).status.ended
    found = store.streams.of_run.get(run_id, {})
    return [StreamInfo(name, len(kept.chunks), kept.closed or ended) for name, kept in sorted(found.items())]
