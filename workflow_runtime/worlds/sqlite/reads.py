"""What is read outside of the writer, on a connection of its own, so that no reader waits for the disk to take a commit."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from workflow_runtime.errors import RunNotFoundError
from workflow_runtime.worlds.base import Log, RunInfo, RunStatus
from workflow_runtime.worlds.delivery import Claim
from workflow_runtime.worlds.encoding import storable
from workflow_runtime.worlds.sqlite import statements as sql
from workflow_runtime.worlds.sqlite.records import events


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the queue holds for a receiver."""

    next_ready: float | None
    """When the first message that nobody owns may be delivered."""
    dead: tuple[str, ...]
    """The owners of messages that do not live any more."""


def read_run(connection: sqlite3.Connection, run_id: str) -> RunInfo:
    """The run. Raises ``RunNotFoundError``."""
    row = connection.execute(sql.RUN_BY_ID, (run_id,)).fetchone() if storable(run_id) else None
    if row is None:
        raise RunNotFoundError(run_id)
    return sql.run_of(row)


def read_log(connection: sqlite3.Connection, run_id: str, after: int) -> Log:
    """The run and its events after slot ``after``. Raises ``RunNotFoundError``."""
    run = read_run(connection, run_id)
    # The log may have grown since; what the caller gets ends where the run says.
    return Log(run, events(connection, run_id, after, run.slot))


def read_runs(
    connection: sqlite3.Connection, status: RunStatus | None, workflow: str | None, limit: int
) -> list[RunInfo]:
    """Runs, newest first."""
    wanted = {"status": status and status.value, "workflow": workflow}
    named = {name: value for name, value in wanted.items() if value is not None}
    where = " WHERE " + " AND ".join(f"{name} = :{name}" for name in named) if named else ""
    statement = f"{sql.RUN}{where} ORDER BY created_at DESC, seq DESC LIMIT :limit"
    return [sql.run_of(row) for row in connection.execute(statement, {**named, "limit": max(limit, 0)})]


def read_outlook(connection: sqlite3.Connection, is_alive: Callable[[str], bool]) -> Outlook:
    """What the queue holds for a receiver."""
    dead = []
    owner = ""
    while (owner := connection.execute(sql.NEXT_OWNER, (owner,)).fetchone()[0]) is not None:
        if not is_alive(owner):
            dead.append(owner)
    return Outlook(connection.execute(sql.NEXT_READY).fetchone()[0], tuple(dead))


def claim_goes_on(connection: sqlite3.Connection, claim: Claim) -> bool:
    """Whether the claim still holds, and its run has not ended."""
    row = connection.execute(sql.CLAIMED_RUN_STATUS, (claim.message_id, claim.owner, claim.number)).fetchone()
    return row is not None and not (row[0] is not None and RunStatus(row[0]).ended)
