"""The Postgres world: the methods of ``World``, each a question over a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

from workflow_runtime.errors import RunNotFoundError, StreamClosedError
from workflow_runtime.events import Event
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
    StepStart,
    StreamInfo,
    StreamWriter,
    WorldClosedError,
)
from workflow_runtime.worlds.checks import check_batch, check_created, check_fact, check_runs
from workflow_runtime.worlds.delivery import Claim, claim_of
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
from workflow_runtime.worlds.postgres import handing, reads, streams, taking, waiting
from workflow_runtime.worlds.postgres import log as logs
from workflow_runtime.worlds.postgres.arguments import batch_of, messages_json, more_of
from workflow_runtime.worlds.postgres.lane import Ask
from workflow_runtime.worlds.postgres.options import Options, options_of
from workflow_runtime.worlds.postgres.rows import hook_of
from workflow_runtime.worlds.postgres.service import QUEUE
from workflow_runtime.worlds.postgres.session import Session, open_session
from workflow_runtime.worlds.postgres.texts import meant, stored

T = TypeVar("T")


class PostgresWorld:
    """A ``World`` in a schema of a Postgres database. ``url`` is libpq's, with our own parameters; docs/postgres.md has them.

    What fails because the server can not be reached, restarts or fails over is tried again for some seconds, if it can not be done twice by
    that: each method whose answer was lost first finds out whether it was done.
    """

    def __init__(self, url: str | Options) -> None:
        self.options = url if isinstance(url, Options) else options_of(url)
        self._session: Session | None = None
        self._opening: asyncio.Task[Session] | None = None

    async def open(self) -> None:
        """See ``World``."""
        if self._session is None:
            session = await open_session(self.options)
            if self._session is None:
                self._session = session
            else:
                await session.end(gently=True)
        self._session.check_process()

    async def close(self) -> None:
        """See ``World``."""
        session, self._session = self._session, None
        if session is not None:
            await session.end(gently=True)

    def crash(self) -> None:
        """Die without a word, leaving behind what a killed process leaves. For tests."""
        session, self._session = self._session, None
        if session is not None:
            session.crash()

    @property
    def worker(self) -> str:
        """The id under which this world takes messages in hand."""
        return self._live().service.worker

    @property
    def asked(self) -> int:
        """How many round trips this world has made since it was opened."""
        return self._live().asked

    async def create_run(
        self,
        run_id: str,
        created: Event,
        message: Message,
        *,
        log: Sequence[Event] = (),
        sends: Sequence[Message] = (),
    ) -> RunInfo:
        """See ``World``. Tried again: the run is there already then."""
        check_created(created)
        check_batch(log)
        check_messages(sends)
        new, batch = encode_run(NewRun(run_id, created, message)), [encode_event(event) for event in log]
        session = self._live()
        hatch = session.hatch()
        if hatch is not None and not (batch or sends) and hatch.waited_for(run_id, message):
            return await handing.begin_run(session, hatch, new, self)
        run, is_new = await self._ask(lambda c, _: logs.create_run(session.sql, c, new, batch, sends))
        if is_new:
            session.sent(min(one.due for one in (message, *sends)))
        return run

    async def load(self, run_id: str, after: int = 0, limit: int | None = None) -> Log:
        """See ``World``."""
        session = self._live()
        if limit is None and (tail := session.known_runs.tail(run_id, after)) is not None:
            return tail
        sql = session.sql
        return await self._ask(lambda c, _: reads.read_log(sql, c, run_id, after, limit))

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
        sql, schema = self._live().sql, self.options.quoted
        return await self._ask(lambda c, _: reads.read_runs(sql, c, schema, asked))

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
        return await self._ask(lambda c, _: reads.count_runs(c, self.options.quoted, asked))

    async def delete_ended(self, before: float, limit: int = 100) -> int:
        """See ``World``. Tried again, it may remove more runs than it tells of."""
        session = self._live()
        session.known_runs.forget_all()
        return int(await self._ask(lambda c, _: c.fetchval(session.sql.delete_ended, float(before), max(limit, 0))))

    async def wait_for_end(self, run_id: str, timeout: float | None = None) -> RunInfo:
        """See ``World``."""
        return await waiting.wait_for_end(self._live(), run_id, timeout)

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
        """See ``World``. Tried again: the log tells whether it landed the first time."""
        check_batch(events)
        check_messages(sends)
        check_runs(runs)
        batch = [encode_event(event) for event in events]
        new = [encode_run(run) for run in runs]
        claim = claim_of(ack)
        if not storable(run_id):
            raise RunNotFoundError(run_id)
        session = self._live()
        columns = batch_of(run_id, batch)
        more = more_of(columns.more, sends, claim, new)
        try:
            if more is None and columns.ended_at is None and batch and (commits := session.commits()):
                answer, queued = await commits.commit(run_id, after, batch, columns), False
            else:
                answer, queued = await self._ask(
                    lambda c, again: logs.commit(session.sql, c, again, run_id, after, batch, columns, more)
                )
        except BaseException:
            session.known_runs.forget(run_id)
            raise
        if isinstance(answer, Committed):
            session.known_runs.advance(run_id, after, batch)
            session.landed(run_id, events, sends, queued=queued or bool(new or (claim and claim.limited)))
        else:
            session.known_runs.forget(run_id)
        return answer

    async def record(
        self, run_id: str, event: Event, *, sends: Sequence[Message] = (), ack: Delivery | None = None
    ) -> Recorded:
        """See ``World``. Tried again: the very same event in the log tells that it landed the first time."""
        check_fact(event)
        check_messages(sends)
        fact = encode_event(event)
        claim = claim_of(ack)
        session = self._live()
        if not storable(run_id):
            raise RunNotFoundError(run_id)
        session.known_runs.forget(run_id)
        answer, queued = await self._ask(
            lambda c, again: logs.record(session.sql, c, again, run_id, fact, sends, claim)
        )
        events, sent = ([event], sends) if answer.landed else ([], ())
        session.landed(run_id, events, sent, queued=queued or bool(claim and claim.limited))
        return answer

    async def start_step(self, run_id: str, step_id: str, message_id: str, now: float) -> StepStart:
        """See ``World``. Tried again: the start by the same message at the same time is the one."""
        session = self._live()
        session.known_runs.forget(run_id)
        sql = session.sql
        return await self._ask(lambda c, again: logs.start_step(sql, c, again, run_id, step_id, message_id, now))

    async def send(self, message: Message) -> None:
        """See ``World``. Tried again: dropped for its id, unless it has been delivered and acked meanwhile."""
        check_messages((message,))
        session = self._live()
        await self._ask(lambda c, _: c.execute(session.sql.send, messages_json([message])))
        session.sent(message.due)

    async def receive(self, limit: int) -> list[Delivery]:
        """See ``World``. What was taken by a try whose answer was lost is handed back."""
        if limit < 1:
            raise ValueError(f"receive() takes at least one message, not {limit}")
        return await taking.receive(self._live(), limit, self)

    async def take(self, message_id: str, receipt: str | None = None) -> Delivery | None:
        """See ``World``."""
        return await taking.take(self._live(), message_id, receipt, self)

    async def queue_depth(self) -> QueueDepth:
        """See ``World``."""
        sql = self._live().sql
        return await self._ask(lambda c, _: reads.read_depth(sql, c))

    async def list_messages(
        self, run_id: str | None = None, limit: int = 1000, *, only_news: bool = False
    ) -> list[Queued]:
        """See ``World``."""
        sql = self._live().sql
        return await self._ask(lambda c, _: reads.read_messages(sql, c, run_id, limit, only_news=only_news))

    async def pause(self, workflow: str = "") -> None:
        """See ``World``."""
        check_workflow(workflow)
        sql = self._live().sql
        await self._ask(lambda c, _: c.execute(sql.pause, stored(workflow)))

    async def unpause(self, workflow: str = "") -> None:
        """See ``World``."""
        session = self._live()
        if storable(workflow):
            await self._ask(lambda c, _: c.execute(session.sql.unpause, stored(workflow)))
            session.ring([QUEUE])

    async def paused(self) -> list[str]:
        """See ``World``."""
        sql = self._live().sql
        return sorted(meant(row[0]) for row in await self._ask(lambda c, _: c.fetch(sql.paused)))

    async def hook_by_token(self, token: str) -> HookInfo | None:
        """See ``World``."""
        sql = self._live().sql
        if not storable(token):
            return None
        row = await self._ask(lambda c, _: c.fetchrow(sql.hook_by_token, stored(token)))
        return hook_of(row) if row else None

    async def list_hooks(self, run_id: str) -> list[HookInfo]:
        """See ``World``."""
        sql = self._live().sql
        if not storable(run_id):
            return []
        return [hook_of(row) for row in await self._ask(lambda c, _: c.fetch(sql.hooks, stored(run_id)))]

    async def write_chunks(
        self, run_id: str, name: str, chunks: Sequence[bytes], *, writer: StreamWriter | None = None
    ) -> int:
        """See ``World``. Tried again: the first chunk carries a number by which it is known."""
        check_chunks(run_id, name, chunks)
        first = await streams.write(self._live(), run_id, name, list(chunks), writer)
        if first is None:
            raise StreamClosedError(run_id, name)
        return first

    async def close_stream(self, run_id: str, name: str, *, writer: StreamWriter | None = None) -> None:
        """See ``World``."""
        check_chunks(run_id, name)
        await streams.write(self._live(), run_id, name, None, writer)

    async def read_chunks(self, run_id: str, name: str, start: int, *, limit: int = 1000, wait: float = 0.0) -> Chunks:
        """See ``World``."""
        streaming.check_limit(limit)
        return await streams.follow(self._live(), run_id, name, start, limit, wait)

    async def list_streams(self, run_id: str) -> list[StreamInfo]:
        """See ``World``."""
        sql = self._live().sql
        return await self._ask(lambda c, _: reads.read_streams(sql, c, run_id))

    async def put_bundle(self, bundle_hash: str, data: bytes, *, replace: bool = False) -> None:
        """See ``World``."""
        check_bundle(bundle_hash, data)
        sql = self._live().sql
        put = sql.replace_bundle if replace else sql.put_bundle
        await self._ask(lambda c, _: c.execute(put, stored(bundle_hash), data))

    async def bundle(self, bundle_hash: str) -> bytes | None:
        """See ``World``."""
        sql = self._live().sql
        if not storable(bundle_hash):
            return None
        data: bytes | None = await self._ask(lambda c, _: c.fetchval(sql.bundle, stored(bundle_hash)))
        return data

    async def ack(self, claim: Claim) -> None:
        """See ``ClaimKeeper``."""
        session = self._live()
        gone = await self._ask(
            lambda c, _: c.fetchval(session.sql.ack, stored(claim.message_id), claim.owner, claim.number)
        )
        if gone and claim.limited:
            session.ring([QUEUE])

    async def again(self, claim: Claim, after: float) -> None:
        """See ``ClaimKeeper``."""
        session = self._live()
        held = (stored(claim.message_id), claim.owner, claim.number)
        if await self._ask(lambda c, _: c.fetchval(session.sql.again, *held, float(after))):
            session.ring([QUEUE])

    async def extend(self, claim: Claim) -> bool:
        """See ``ClaimKeeper``."""
        sql = self._live().sql
        held = (stored(claim.message_id), claim.owner, claim.number)
        return bool(await self._ask(lambda c, _: c.fetchval(sql.extend, *held)))

    async def _ask(self, ask: Ask[T]) -> T:
        return await self._live().ask(ask)

    def _live(self) -> Session:
        if self._session is None:
            raise WorldClosedError(
                f"{self.options.where} is not open: await open() first, and use nothing of it after close()"
            )
        return self._session
