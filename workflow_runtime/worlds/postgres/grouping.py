"""Commits of several runs in one transaction: what comes up while one is on its way goes into the next together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from workflow_runtime.worlds.base import Committed, Refused
from workflow_runtime.worlds.encoding import EncodedEvent
from workflow_runtime.worlds.postgres.arguments import Batch
from workflow_runtime.worlds.postgres.connect import Connection
from workflow_runtime.worlds.postgres.lane import Lane
from workflow_runtime.worlds.postgres.log import append, commit, landed
from workflow_runtime.worlds.postgres.statements import Statements
from workflow_runtime.worlds.postgres.texts import stored

_AT_ONCE = 2
"""How many transactions may be on their way: while one waits for the disk, the next is prepared."""
_MOST = 64
"""Commits in one transaction."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A commit that does nothing but append to the log, and who waits for it."""

    run_id: str
    after: int
    events: Sequence[EncodedEvent]
    batch: Batch
    answer: asyncio.Future[Committed | Refused]


class Commits:
    """The plain commits of one event loop."""

    def __init__(self, sql: Statements, lane: Lane) -> None:
        self._sql, self._lane = sql, lane
        self._waiting: list[Plain] = []
        self._under_way = 0

    async def commit(
        self, run_id: str, after: int, events: Sequence[EncodedEvent], batch: Batch
    ) -> Committed | Refused:
        """Commit: at once when there is room, else together with what comes up meanwhile. Raises ``WorldError``."""
        if self._under_way >= _AT_ONCE:
            answer: asyncio.Future[Committed | Refused] = self._lane.loop.create_future()
            self._waiting.append(Plain(run_id, after, events, batch, answer))
            return await answer
        self._under_way += 1
        try:
            return await self._ask(run_id, after, events, batch)
        finally:
            self._under_way -= 1
            self._go()

    def _go(self) -> None:
        if self._waiting and self._under_way < _AT_ONCE:
            self._under_way += 1
            self._lane.begin(self._flush())

    async def _flush(self) -> None:
        together, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
        try:
            if len(together) == 1:
                await self._alone(together[0])
            elif together:
                await self._commit(together)
        finally:
            for one in together:
                one.answer.cancel()  # this was cut short; whoever has his answer keeps it
            self._under_way -= 1
            self._go()

    async def _ask(
        self, run_id: str, after: int, events: Sequence[EncodedEvent], batch: Batch, *, again: bool = False
    ) -> Committed | Refused:
        sql = self._sql

        async def ask(connection: Connection, lost: bool) -> Committed | Refused:
            if not (again or lost) and await append(sql, connection, run_id, after, batch):
                return Committed(landed(events, after))
            answer, _ = await commit(sql, connection, again or lost, run_id, after, events, batch, None)
            return answer

        return await self._lane.patiently(ask)

    async def _alone(self, one: Plain, *, again: bool = False) -> None:
        try:
            answer = await self._ask(one.run_id, one.after, one.events, one.batch, again=again)
        except Exception as error:  # noqa: BLE001  # it belongs to the one who waits
            if not one.answer.done():
                one.answer.set_exception(error)
        else:
            if not one.answer.done():
                one.answer.set_result(answer)

    async def _commit(self, together: Sequence[Plain]) -> None:
        lost = False

        async def ask(connection: Connection, again: bool) -> set[int]:
            nonlocal lost
            lost = again
            # What became of them is asked for each alone; the log of each tells.
            return set() if again else set(await connection.fetchval(self._sql.commit_many, *_columns(together)) or ())

        try:
            done = await self._lane.patiently(ask)
        except Exception:  # noqa: BLE001  # each on its own shows whose fault it was
            done, lost = set(), True
        for position, one in enumerate(together, 1):
            if position not in done:
                await self._alone(one, again=lost)
            elif not one.answer.done():
                one.answer.set_result(Committed(landed(one.events, one.after)))


def _columns(together: Sequence[Plain]) -> Iterable[Any]:
    yield [stored(one.run_id) for one in together]
    yield [one.after for one in together]
    yield [len(one.events) for one in together]
    yield [one.batch.status for one in together]
    yield [one.batch.started_at for one in together]
    yield [position for position, one in enumerate(together, 1) for _ in one.events]
    yield [at for one in together for at in range(1, len(one.events) + 1)]
    for number in range(len(together[0].batch.columns)):
        columns = [one.batch.columns[number] for one in together]
        if any(columns):
            yield [
                value
                for one, column in zip(together, columns, strict=True)
                for value in (column or (None,) * len(one.events))
            ]
        else:
            yield None
