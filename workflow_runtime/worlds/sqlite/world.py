"""The SQLite world: the methods of ``World``, each handed to the thread that does it."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from workflow_runtime.events import Event
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
    storable,
)
from workflow_runtime.worlds.landing import send
from workflow_runtime.worlds.listing import wanted
from workflow_runtime.worlds.sqlite import listing, reads, streams
from workflow_runtime.worlds.sqlite import statements as sql
from workflow_runtime.worlds.sqlite.handing import Receivers, begin_run, hand_back
from workflow_runtime.worlds.sqlite.hooks import SqliteHooks
from workflow_runtime.worlds.sqlite.records import QUEUE, SqliteRecords, Taken
from workflow_runtime.worlds.sqlite.session import Session

T = TypeVar("T")
_LOOK_FOR_THE_DEAD = 0.5  # seconds


class SqliteWorld:
    """A ``World`` in one SQLite file, with a folder beside it (``<file>-workers``) that tells who lives.

    Any number of worlds, in any number of processes of one machine, may be open on a file. ``busy_timeout`` is how many seconds an
    operation waits for another process's lock before it raises ``WorldError``.
    """

    def __init__(self, path: str | os.PathLike[str], *, busy_timeout: float = 10.0) -> None:
        # Resolved, so that all who open the file by whatever name meet in one folder of workers.
        self.path = Path(os.path.realpath(path))
        self._busy_timeout = busy_timeout
        self._session: Session | None = None
        self._opening = threading.Lock()
        self._transactions_before = 0
        self._receivers = Receivers()

    @property
    def transactions(self) -> int:
        """How many transactions of this world have written something, since it was made."""
        session = self._session
        return self._transactions_before + (session.writer.transactions if session else 0)

    async def open(self) -> None:
        """See ``World``."""
        session = self._session
        if session is None:
            await asyncio.to_thread(self._open)
        else:
            session.writer.lane.check_process()

    async def close(self) -> None:
        """See ``World``."""
        await asyncio.to_thread(self._end, gently=True)

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
        batch = [encode_event(event) for event in log]
        if not (log or sends) and (receiver := self._receivers.who_takes(run_id, message)):
            return await begin_run(self._live(), receiver, new, self)
        return await self._write(lambda records: rules.create_run(records, new, time.time(), batch, sends))

    async def load(self, run_id: str, after: int = 0, limit: int | None = None) -> Log:
        """See ``World``."""
        return await self._read(lambda connection: reads.read_log(connection, run_id, after, limit))

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
        return await self._read(lambda connection: listing.read_runs(connection, asked))

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
        return await self._read(lambda connection: listing.count_runs(connection, asked))

    async def delete_ended(self, before: float, limit: int = 100) -> int:
        """See ``World``."""
        return await self._write(lambda records: records.delete_ended(before, limit))

    async def wait_for_end(self, run_id: str, timeout: float | None = None) -> RunInfo:
        """See ``World``."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            with self._live().writer.signals.ticket(run_id) as ticket:
                run = await self._read(lambda connection: reads.read_run(connection, run_id))
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
        batch = [encode_event(event) for event in events]
        new = [encode_run(run) for run in runs]
        claim = claim_of(ack)
        return await self._write(
            lambda records: rules.commit(records, run_id, after, batch, sends, claim, new, time.time())
        )

    async def record(
        self, run_id: str, event: Event, *, sends: Sequence[Message] = (), ack: Delivery | None = None
    ) -> Recorded:
        """See ``World``."""
        check_fact(event)
        check_messages(sends)
        fact = encode_event(event)
        claim = claim_of(ack)
        return await self._write(lambda records: rules.record(records, run_id, fact, sends, claim, time.time()))

    async def start_step(self, run_id: str, step_id: str, message_id: str, now: float) -> StepStart:
        """See ``World``."""
        return await self._write(lambda records: rules.start_step(records, run_id, step_id, message_id, now))

    async def send(self, message: Message) -> None:
        """See ``World``."""
        check_messages((message,))
        await self._write(lambda records: send(records, message, time.time()))

    async def receive(self, limit: int) -> list[Delivery]:
        """See ``World``."""
        if limit < 1:
            raise ValueError(f"receive() takes at least one message, not {limit}")
        session = self._live()
        while True:
            if session.clock_was_put_back():
                await self._write(lambda records: records.make_ready(time.time(), 0.0))
            with session.writer.signals.ticket(QUEUE) as ticket:
                outlook = await session.reader.run(
                    lambda connection: reads.read_outlook(connection, time.time(), session.is_alive)
                )
                left = _LOOK_FOR_THE_DEAD
                if outlook.next_ready is not None:
                    left = min(left, outlook.next_ready - time.time())
                if left > 0 and not outlook.dead:
                    with self._receivers.waiting(session, limit, ticket) as receiver:
                        await receiver.wait(left)
                    if receiver.got:
                        return [*receiver.got]
                elif taken := await self._take(session, limit, outlook.dead):
                    return taken

    async def take(self, message_id: str, receipt: str | None = None) -> Delivery | None:
        """See ``World``."""
        session = self._live()
        if not storable(message_id):
            return None
        held = claim_by(message_id, receipt)

        def work(records: SqliteRecords) -> list[Taken]:
            taken = records.take_over(held, session.worker.id) if held else []
            return taken or records.take_one(message_id, session.worker.id, time.time())

        taken = await self._in_hand(session, work)
        return taken[0] if taken else None

    async def queue_depth(self) -> QueueDepth:
        """See ``World``."""
        session = self._live()
        return await self._read(lambda connection: reads.read_depth(connection, time.time(), session.is_alive))

    async def list_messages(
        self, run_id: str | None = None, limit: int = 1000, *, only_news: bool = False
    ) -> list[Queued]:
        """See ``World``."""
        session = self._live()
        return await self._read(
            lambda connection: reads.read_messages(connection, run_id, limit, session.is_alive, only_news=only_news)
        )

    async def pause(self, workflow: str = "") -> None:
        """See ``World``."""
        check_workflow(workflow)
        await self._write(lambda records: records.pause(workflow))

    async def unpause(self, workflow: str = "") -> None:
        """See ``World``."""
        await self._write(lambda records: records.unpause(workflow))

    async def paused(self) -> list[str]:
        """See ``World``."""
        return await self._read(reads.read_paused)

    async def hook_by_token(self, token: str) -> HookInfo | None:
        """See ``World``."""
        return await self._read(lambda connection: SqliteHooks(connection).by_token(token))

    async def list_hooks(self, run_id: str) -> list[HookInfo]:
        """See ``World``."""
        return await self._read(lambda connection: SqliteHooks(connection).of_run(run_id))

    async def write_chunks(
        self, run_id: str, name: str, chunks: Sequence[bytes], *, writer: StreamWriter | None = None
    ) -> int:
        """See ``World``."""
        check_chunks(run_id, name, chunks)
        return await self._write(lambda records: streaming.write_chunks(records, run_id, name, chunks, writer))

    async def close_stream(self, run_id: str, name: str, *, writer: StreamWriter | None = None) -> None:
        """See ``World``."""
        check_chunks(run_id, name)
        await self._write(lambda records: streaming.close_stream(records, run_id, name, writer))

    async def read_chunks(self, run_id: str, name: str, start: int, *, limit: int = 1000, wait: float = 0.0) -> Chunks:
        """See ``World``."""
        streaming.check_limit(limit)
        deadline = time.monotonic() + wait
        while True:
            with self._live().writer.signals.ticket(run_id, (run_id, name)) as ticket:
                found = await self._read(
                    partial(streams.read_chunks, run_id=run_id, name=name, start=start, limit=limit)
                )
                left = deadline - time.monotonic()
                if found.chunks or found.closed or left <= 0:
                    return found
                start = found.start
                await ticket.wait(left)

    async def list_streams(self, run_id: str) -> list[StreamInfo]:
        """See ``World``."""
        return await self._read(lambda connection: streams.read_streams(connection, run_id))

    async def put_bundle(self, bundle_hash: str, data: bytes, *, replace: bool = False) -> None:
        """See ``World``."""
        check_bundle(bundle_hash, data)
        put = sql.REPLACE_BUNDLE if replace else sql.PUT_BUNDLE
        await self._write(lambda records: records.connection.execute(put, (bundle_hash, data)))

    async def bundle(self, bundle_hash: str) -> bytes | None:
        """See ``World``."""
        return await self._read(lambda connection: reads.read_bundle(connection, bundle_hash))

    async def ack(self, claim: Claim) -> None:
        """See ``ClaimKeeper``."""
        await self._write(lambda records: records.remove(claim))

    async def again(self, claim: Claim, after: float) -> None:
        """See ``ClaimKeeper``."""
        await self._write(lambda records: records.hand_back(claim, time.time() + after))

    async def extend(self, claim: Claim) -> bool:
        """See ``ClaimKeeper``."""
        return await self._read(lambda connection: reads.claim_goes_on(connection, claim))

    async def _take(self, session: Session, limit: int, dead: Sequence[str]) -> list[Delivery]:
        def work(records: SqliteRecords) -> list[Taken]:
            records.free(dead, time.time())
            return records.take(session.worker.id, limit, time.time())

        taken = await self._in_hand(session, work)
        if dead:
            session.bury()
        return taken

    async def _in_hand(self, session: Session, work: Callable[[SqliteRecords], list[Taken]]) -> list[Delivery]:
        """Take messages in hand; cancelling the call loses none of them."""
        taken = await session.writer.lane.run(work, lambda taken: hand_back(session, [one[2] for one in taken]))
        return [HeldMessage(message, count, claim, self) for message, count, claim in taken]

    async def _write(self, work: Callable[[SqliteRecords], T]) -> T:
        return await self._live().writer.lane.run(work)

    async def _read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return await self._live().reader.run(work)

    def _live(self) -> Session:
        if self._session is None:
            raise WorldClosedError(
                f"SQLite world {self.path} is not open: await open() first, and use nothing of it after close()"
            )
        return self._session

    def _open(self) -> None:
        with self._opening:
            if self._session is None:
                self._session = Session(self.path, self._busy_timeout)

    def _end(self, *, gently: bool) -> None:
        with self._opening:
            session, self._session = self._session, None
            if session is not None:
                session.end(gently=gently)
                self._transactions_before += session.writer.transactions
