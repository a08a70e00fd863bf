"""The NATS world: the methods of ``World``, each an operation in the stream or a look at the replica.

Every process follows one stream of operations and applies them in the same order with the same rules as the other worlds, so that
each operation is a transaction: one message, there or not, in one order for all. ``docs/decisions/`` says why.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from workflow_runtime.events import Event, Json
from workflow_runtime.worlds import streaming
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
    StartStatus,
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
    storable,
)
from workflow_runtime.worlds.listing import wanted
from workflow_runtime.worlds.nats import bundles, wire
from workflow_runtime.worlds.nats.link import Link
from workflow_runtime.worlds.nats.options import NatsOptions
from workflow_runtime.worlds.nats.pending import Request
from workflow_runtime.worlds.nats.reader import landed
from workflow_runtime.worlds.nats.state import QUEUE, State

T = TypeVar("T")
_MOMENT = 0.002  # seconds


class NatsWorld:
    """A ``World`` in a namespace of a NATS server or cluster with JetStream. Any number of processes may have it open."""

    def __init__(self, options: NatsOptions) -> None:
        self.options = options
        self._link: Link | None = None
        self._opening = threading.Lock()

    async def open(self) -> None:
        """See ``World``."""
        if self._link is None:
            await asyncio.to_thread(self._open)

    async def close(self) -> None:
        """See ``World``."""
        await asyncio.to_thread(self._end, gently=True)

    @property
    def worker(self) -> str:
        """Who this is, among those who take messages in hand."""
        return self._live().lives.worker

    def crash(self) -> None:
        """Die without a word, leaving behind what a killed process leaves. For tests."""
        self._end(gently=False)

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
        blobs: list[bytes] = []
        first = [run_id, wire.pack_event(new.created, blobs), wire.pack_message(message)]
        asked = {
            "do": "create",
            "run": first,
            "log": [wire.pack_event(encode_event(event), blobs) for event in log],
            "sends": [wire.pack_message(sent) for sent in sends],
        }
        run: RunInfo = await self._write(run_id, asked, blobs)
        return run

    async def load(self, run_id: str, after: int = 0, limit: int | None = None) -> Log:
        """See ``World``."""
        most = None if limit is None else max(limit, 0)
        log = await self._read(lambda state: Log(state.known(run_id), state.events(run_id, after, most)))
        return Log(log.run, await self._live().reader.whole(run_id, log.events))

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
        return await self._read(lambda state: state.runs.listed(asked))

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
        return await self._read(lambda state: state.runs.counts(asked))

    async def delete_ended(self, before: float, limit: int = 100) -> int:
        """See ``World``."""
        count: int = await self._queue({"do": "delete", "before": before, "limit": max(limit, 0)})
        return count

    async def wait_for_end(self, run_id: str, timeout: float | None = None) -> RunInfo:
        """See ``World``."""
        deadline = None if timeout is None else time.monotonic() + timeout
        await self._live().barrier()
        while True:
            link = self._live()
            with link.replica.state.signals.ticket(run_id) as ticket:
                run = link.replica.state.transact(lambda state: state.known(run_id))
                if run.status.ended:
                    return run
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    raise TimeoutError(f"run {run_id} has not ended within {timeout} seconds")
                await ticket.wait(left)

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
        blobs: list[bytes] = []
        asked: dict[str, Json] = {
            "do": "commit",
            "run": run_id,
            "after": after,
            "events": [wire.pack_event(encode_event(event), blobs) for event in events],
        }
        if runs:
            asked["runs"] = await self._live().pack_runs([encode_run(run) for run in runs])
        wire.add_messages(asked, sends, claim_of(ack))
        answer = await self._write(run_id, asked, blobs)
        if isinstance(answer, Refused):
            return Refused(await self._live().reader.whole(run_id, answer.missed))
        return Committed(landed(answer.events, events))

    async def record(
        self, run_id: str, event: Event, *, sends: Sequence[Message] = (), ack: Delivery | None = None
    ) -> Recorded:
        """See ``World``."""
        check_fact(event)
        check_messages(sends)
        blobs: list[bytes] = []
        asked = {"do": "record", "run": run_id, "event": wire.pack_event(encode_event(event), blobs)}
        wire.add_messages(asked, sends, claim_of(ack))
        recorded: Recorded = await self._write(run_id, asked, blobs)
        return recorded

    async def start_step(self, run_id: str, step_id: str, message_id: str, now: float) -> StepStart:
        """See ``World``."""
        asked = {"do": "start", "run": run_id, "step": step_id, "message": message_id, "now": now}
        answer: StepStart
        answer, created = await self._write(run_id, asked)
        if answer.status is not StartStatus.STARTED:
            return answer
        [whole] = await self._live().reader.whole(run_id, (created,))
        return replace(answer, input=whole.data.get("input"))

    async def send(self, message: Message) -> None:
        """See ``World``."""
        check_messages((message,))
        await self._queue({"do": "send", "message": wire.pack_message(message)})

    async def receive(self, limit: int) -> list[Delivery]:
        """See ``World``."""
        if limit < 1:
            raise ValueError(f"receive() takes at least one message, not {limit}")
        await self._live().lives.join()
        while True:
            link = self._live()
            with link.replica.state.signals.ticket(QUEUE) as ticket:
                left = link.lives.until_turn()
                if left > 0:
                    await ticket.wait(left)
                elif taken := await self._in_hand({"do": "take", "limit": limit}):
                    return taken
                else:  # it is another's, or the servers' clock is a little behind
                    await link.lives.join()
                    await ticket.wait(_MOMENT)

    async def take(self, message_id: str, receipt: str | None = None) -> Delivery | None:
        """See ``World``."""
        if not storable(message_id):
            return None
        await self._live().lives.join()
        held = claim_by(message_id, receipt)
        asked = {"do": "take_one", "message": message_id, "held": None if held is None else wire.pack_claim(held)}
        taken = await self._in_hand(asked)
        return taken[0] if taken else None

    async def queue_depth(self) -> QueueDepth:
        """See ``World``."""
        link = self._live()
        return await self._read(lambda state: state.queue.depth(time.time() - link.lives.ahead))

    async def list_messages(
        self, run_id: str | None = None, limit: int = 1000, *, only_news: bool = False
    ) -> list[Queued]:
        """See ``World``."""
        return await self._read(lambda state: state.queue.list_messages(run_id, limit, only_news=only_news))

    async def pause(self, workflow: str = "") -> None:
        """See ``World``."""
        check_workflow(workflow)
        await self._queue({"do": "pause", "workflow": workflow})

    async def unpause(self, workflow: str = "") -> None:
        """See ``World``."""
        await self._queue({"do": "unpause", "workflow": workflow})

    async def paused(self) -> list[str]:
        """See ``World``."""
        return await self._read(lambda state: sorted(state.queue.gates.paused))

    async def hook_by_token(self, token: str) -> HookInfo | None:
        """See ``World``."""
        return deepcopy(await self._read(lambda state: state.hooks.by_token(token)))

    async def list_hooks(self, run_id: str) -> list[HookInfo]:
        """See ``World``."""
        return deepcopy(await self._read(lambda state: state.hooks.of_run(run_id)))

    async def write_chunks(
        self, run_id: str, name: str, chunks: Sequence[bytes], *, writer: StreamWriter | None = None
    ) -> int:
        """See ``World``."""
        check_chunks(run_id, name, chunks)
        asked = {
            "do": "chunks",
            "run": run_id,
            "stream": name,
            "count": len(chunks),
            "writer": wire.pack_writer(writer),
        }
        first: int = await self._write(run_id, asked, list(chunks), "chunks")
        return first

    async def close_stream(self, run_id: str, name: str, *, writer: StreamWriter | None = None) -> None:
        """See ``World``."""
        check_chunks(run_id, name)
        await self._queue({"do": "close_stream", "run": run_id, "stream": name, "writer": wire.pack_writer(writer)})

    async def read_chunks(self, run_id: str, name: str, start: int, *, limit: int = 1000, wait: float = 0.0) -> Chunks:
        """See ``World``."""
        streaming.check_limit(limit)
        deadline = time.monotonic() + wait
        await self._live().barrier()
        while True:
            link = self._live()
            with link.replica.state.signals.ticket(run_id, (run_id, name)) as ticket:
                found = link.replica.state.transact(
                    partial(State.read_chunks, run_id=run_id, name=name, start=start, limit=limit)
                )
                left = deadline - time.monotonic()
                if found.chunks or found.closed or left <= 0:
                    return replace(found, chunks=await self._live().reader.chunks(run_id, found.chunks))
                start = found.start
                await ticket.wait(left)

    async def list_streams(self, run_id: str) -> list[StreamInfo]:
        """See ``World``."""
        return await self._read(lambda state: state.list_streams(run_id))

    async def put_bundle(self, bundle_hash: str, data: bytes, *, replace: bool = False) -> None:
        """See ``World``."""
        check_bundle(bundle_hash, data)
        link = self._live()
        await link.run(bundles.put(link.client, bundle_hash, data, replace=replace))

    async def bundle(self, bundle_hash: str) -> bytes | None:
        """See ``World``."""
        link = self._live()
        return await link.run(bundles.get(link.client, bundle_hash))

    async def ack(self, claim: Claim) -> None:
        """See ``ClaimKeeper``."""
        await self._queue({"do": "ack", "claim": wire.pack_claim(claim)})

    async def again(self, claim: Claim, after: float) -> None:
        """See ``ClaimKeeper``."""
        await self._queue({"do": "again", "claims": [wire.pack_claim(claim)], "after": after})

    async def extend(self, claim: Claim) -> bool:
        """See ``ClaimKeeper``."""
        link = self._live()
        if not link.lives.hold:  # the servers were away, or this process was: what do the others take it for now?
            await link.write(link.about_queue({"do": "beat"}))
        return await self._read(lambda state: claim.owner in state.queue.alive and state.goes_on(claim))

    async def _in_hand(self, asked: dict[str, Json]) -> list[Delivery]:
        """Take messages in hand; cancelling the call loses none of them."""
        link = self._live()

        def undo(taken: list[Any]) -> None:
            claims = [wire.pack_claim(claim) for _, _, claim in taken]
            if claims:
                link.tell(Request(f"{link.client.subject}.queue", {"do": "again", "claims": claims}))

        taken = await link.write(Request(f"{link.client.subject}.queue", asked), undo)
        return [HeldMessage(message, count, claim, self) for message, count, claim in taken]

    async def _write(self, run_id: str, asked: dict[str, Json], blobs: Sequence[bytes] = (), kind: str = "run") -> Any:
        link = self._live()
        return await link.write(Request(f"{link.client.subject}.{kind}.{wire.token(run_id)}", asked, tuple(blobs)))

    async def _queue(self, asked: dict[str, Json]) -> Any:
        link = self._live()
        return await link.write(Request(f"{link.client.subject}.queue", asked))

    async def _read(self, work: Callable[[State], T]) -> T:
        link = self._live()
        await link.barrier()
        return link.replica.state.transact(work)

    def _live(self) -> Link:
        if self._link is None:
            raise WorldClosedError(
                f"NATS world {self.options.namespace!r} is not open: await open() first, and use nothing of it after close()"
            )
        return self._link

    def _open(self) -> None:
        with self._opening:
            if self._link is None:
                link = Link(self.options)
                link.open()
                self._link = link

    def _end(self, *, gently: bool) -> None:
        with self._opening:
            link, self._link = self._link, None
            if link is not None:
                link.stop(gently=gently)
