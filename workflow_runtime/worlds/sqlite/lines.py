"""Which messages may be taken in hand now.

They stand in lines: all messages of one priority and one limit, the earliest due first. So what a limit keeps back costs nobody else
anything, however much it is. There are as many lines as there are pairs of the two in the queue, and each is found by one look at an index.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from workflow_runtime.worlds.base import Limit
from workflow_runtime.worlds.encoding import decode_limit
from workflow_runtime.worlds.limits import room_from
from workflow_runtime.worlds.sqlite import statements as sql

Row = tuple[Any, ...]
"""A row of ``statements.MESSAGE``."""


def all_is_paused(connection: sqlite3.Connection) -> bool:
    """Whether no message at all is to be delivered."""
    return connection.execute(sql.IS_PAUSED, ("",)).fetchone() is not None


def due(connection: sqlite3.Connection, most: int, now: float, admits: Callable[[Row], object]) -> Iterator[Row]:
    """Due messages that nobody owns, in the order of delivery. ``admits`` says whether a message's limit has room for it; each message is to
    be claimed before the next is asked for.
    """
    full: set[str] = set()  # the limits that have no room but for runs which hold a place already
    for _, lines in groupby(_lines(connection), key=itemgetter(0)):
        found = [
            _due_in_line(connection, rank, limits, now, most) for rank, limits, ready_at in lines if ready_at <= now
        ]
        placed = {row[0] for _, with_place in found for row in with_place}
        rows = {row[0]: row for line in found for some in line for row in some}
        for row in sorted(rows.values(), key=sql.READY_ORDER):
            if row[0] in placed or row[-1] not in full:
                if admits(row):
                    yield row
                elif row[0] not in placed:
                    full.add(row[-1])


def next_ready(connection: sqlite3.Connection, now: float) -> float | None:
    """When the first message that nobody owns may be delivered, as things stand; None when there is none."""
    earliest = None
    for rank, limits, ready_at in _lines(connection):
        at = _ready_at(connection, rank, limits, ready_at, now) if limits else ready_at
        if at is not None and (earliest is None or at < earliest):
            earliest = at
            if at <= now:
                break
    return earliest


def room(connection: sqlite3.Connection, limit: Limit, run_id: str, in_hand: int, now: float) -> float | None:
    """See ``limits.room_from``; ``in_hand`` is how many messages in hand hold a place under the limit's name."""
    holds_one = connection.execute(sql.HAS_PLACE, (limit.name, run_id)).fetchone() is not None
    return _room(connection, limit, in_hand, now, holds_one=holds_one)


def _lines(connection: sqlite3.Connection) -> Iterator[tuple[int, str, float]]:
    """The rank and the limit of each line that has messages which nobody owns, and when its first one is ready, the first rank first.

    None when all is paused.
    """
    line = connection.execute(sql.FIRST_LINE).fetchone()
    while line is not None:
        yield line
        line = connection.execute(sql.NEXT_LINE, line[:2]).fetchone()


def _due_in_line(
    connection: sqlite3.Connection, rank: int, limits: str, now: float, most: int
) -> tuple[list[Row], list[Row]]:
    """The first ``most`` due messages of the line, and all whose runs hold a place under its limit."""
    rows = connection.execute(sql.DUE, (rank, limits, now, most)).fetchall()
    limit = decode_limit(limits)
    if limit is None or not limit.of_run:
        return rows, []
    return rows, connection.execute(sql.DUE_WITH_PLACE, (limit.name, rank, limits, now)).fetchall()


def _ready_at(connection: sqlite3.Connection, rank: int, limits: str, first: float, now: float) -> float | None:
    """When the first message of a line with a limit may be delivered; ``first`` is when it would be without."""
    limit = decode_limit(limits)
    assert limit is not None, "whoever asks has looked"
    in_hand = connection.execute(sql.IN_HAND_UNDER, (limit.name,)).fetchone()[0]
    at = _room(connection, limit, in_hand, now, holds_one=False)
    if at is not None:
        return max(first, at)
    ready = connection.execute(sql.READY_WITH_PLACE, (limit.name, rank, limits)).fetchone()[0] if limit.of_run else None
    at = _room(connection, limit, in_hand, now, holds_one=True)
    return None if ready is None or at is None else max(ready, at)


def _room(connection: sqlite3.Connection, limit: Limit, in_hand: int, now: float, *, holds_one: bool) -> float | None:
    places = connection.execute(sql.COUNT_PLACES, (limit.name,)).fetchone()[0]
    row = connection.execute(sql.TAKING, (limit.name,)).fetchone()
    last = row[0] if row else 0.0
    return room_from(limit, held=in_hand + places, holds_one=holds_one, last=last, now=now)
