"""The world of tests: everything in this process's memory, with the rules and the manners of the durable ones.

Several handles, one per worker, may share a store; what a handle has in hand is free again when it is closed or crashes.
Values are kept as JSON text, so that nobody shares an object with the log.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from typing import TypeVar

from workflow_runtime.errors import WorldError
from workflow_runtime.events import Event
from workflow_runtime.worlds import rules
from workflow_runtime.worlds.base import (
    Committed,
    Delivery,
    Log,
    Message,
    Recorded,
    Refused,
    RunInfo,
    RunStatus,
    StepStart,
)
from workflow_runtime.worlds.delivery import Claim, HeldMessage, claim_of
from workflow_runtime.worlds.encoding import check_messages, encode_event
from workflow_runtime.worlds.entities import check_batch, check_created, check_fact
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

    async def create_run(self, run_id: str, created: Event, message: Message) -> RunInfo:
        """See ``World``."""
        check_created(created)
        check_messages((message,))
        encoded = encode_event(created)
        return self._transact(lambda store: rules.create_run(store, run_id, encoded, message, time.time()))

    async def load(self, run_id: str, after: int = 0) -> Log:
        """See ``World``."""
        return self._transact(lambda store: Log(store.known(run_id), store.events(run_id, after)))

    async def list_runs(
        self, *, status: RunStatus | None = None, workflow: str | None = None, limit: int = 100
    ) -> list[RunInfo]:
        """See ``World``."""
        runs = self._transact(lambda store: list(store.runs.values()))
        found = [r for r in reversed(runs) if status in (None, r.status) and workflow in (None, r.workflow)]
        return sorted(found, key=lambda r: r.created_at, reverse=True)[: max(limit, 0)]

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
    ) -> Committed | Refused:
        """See ``World``."""
        check_batch(events)
        check_messages(sends)
        batch = [encode_event(event) for event in events]
        claim = claim_of(ack)
        return self._transact(lambda store: rules.commit(store, run_id, after, batch, sends, claim, time.time()))

    async def record(
        self, run_id: str, event: Event, *, sends: Sequence[Message] = (), ack: Delivery | None = None
    ) -> Recorded:
        """See ``World``."""
        check_fact(event)
        check_messages(sends)
        fact = encode_event(event)
        claim = claim_of(ack)
        return self._transact(lambda store: rules.record(store, run_id, fact, sends, claim, time.time()))

    async def start_step(self, run_id: str, step_id: str, message_id: str, now: float) -> StepStart:
        """See ``World``."""
        return self._transact(lambda store: rules.start_step(store, run_id, step_id, message_id, now))

    async def send(self, message: Message) -> None:
        """See ``World``."""
        check_messages((message,))
        self._transact(lambda store: rules.send(store, message, time.time()))

    async def receive(self, limit: int) -> list[Delivery]:
        """See ``World``."""
        if limit < 1:
            raise ValueError(f"receive() takes at least one message, not {limit}")
        while True:
            with self.store.signals.ticket(QUEUE) as ticket:
                taken, next_due = self._transact(lambda store: self._take(store, limit))
                if taken:
                    return taken
                await ticket.wait(None if next_due is None else max(0.0, next_due - time.time()))

    async def ack(self, claim: Claim) -> None:
        """See ``ClaimKeeper``."""
        self._transact(lambda store: store.remove(claim))

    async def again(self, claim: Claim, after: float) -> None:
        """See ``ClaimKeeper``."""
        self._transact(lambda store: store.hand_back(claim, time.time() + after))

    async def extend(self, claim: Claim) -> bool:
        """See ``ClaimKeeper``."""
        return self._transact(lambda store: store.goes_on(claim))

    def _transact(self, work: Callable[[MemoryStore], T]) -> T:
        if self._worker is None:
            raise WorldError("this memory world is not open: await open() first, and use nothing of it after close()")
        return self.store.transact(work)

    def _take(self, store: MemoryStore, limit: int) -> tuple[list[Delivery], float | None]:
        taken = store.take(self._worker or "", limit, time.time())
        if taken:
            return [HeldMessage(message, count, claim, self) for message, count, claim in taken], None
        idle = store.idle()
        return [], idle[0].ready_at if idle else None
