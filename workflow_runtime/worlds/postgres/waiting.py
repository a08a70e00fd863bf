"""Waiting for the end of a run."""

from __future__ import annotations

import time

from workflow_runtime.worlds.base import RunInfo
from workflow_runtime.worlds.postgres.reads import read_run
from workflow_runtime.worlds.postgres.session import Session


async def wait_for_end(session: Session, run_id: str, timeout: float | None) -> RunInfo:
    """See ``World.wait_for_end``. The server is not asked about a run that this process knows to go on, or to have ended."""
    deadline = None if timeout is None else time.monotonic() + timeout
    while True:
        with session.signals.ticket(run_id) as ticket:
            run, rest = session.known(run_id)
            if run is None:
                run = await session.ask(lambda c, _: read_run(session.sql, c, run_id))
            if run.status.ended:
                return run
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                raise TimeoutError(f"run {run_id} has not ended within {timeout} seconds")
            await ticket.wait(min(session.at_most(left), rest))
