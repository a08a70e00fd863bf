"""From hand to hand: a run is started on the event loop where a receiver waits, and its message goes straight to that one.

It is created with its message in hand already, in one transaction, and so needs no way through the queue, nor a second wait for the disk.
"""

from __future__ import annotations

from workflow_runtime.worlds.base import RunInfo
from workflow_runtime.worlds.delivery import Claim, ClaimKeeper, HeldMessage, log_of_new
from workflow_runtime.worlds.encoding import EncodedRun
from workflow_runtime.worlds.entities import new_run
from workflow_runtime.worlds.postgres import log as logs
from workflow_runtime.worlds.postgres.arguments import run_json
from workflow_runtime.worlds.postgres.connect import Connection
from workflow_runtime.worlds.postgres.hatch import Hatch
from workflow_runtime.worlds.postgres.lane import Lane
from workflow_runtime.worlds.postgres.rows import run_of
from workflow_runtime.worlds.postgres.service import QUEUE
from workflow_runtime.worlds.postgres.session import Session
from workflow_runtime.worlds.postgres.taking import claim_numbers
from workflow_runtime.worlds.postgres.texts import stored


async def begin_run(session: Session, hatch: Hatch, new: EncodedRun, keeper: ClaimKeeper) -> RunInfo:
    """Create the run, as ``World.create_run`` does; its message is handed to a receiver that waits at the hatch."""
    claim = Claim(new.message.id, session.service.worker, next(claim_numbers))
    hatch.promised += 1

    async def begin(lane: Lane) -> RunInfo:
        in_hand = False
        try:
            run, in_hand, queued = await lane.patiently(lambda c, again: _create(session, c, again, new, claim))
        finally:
            hatch.promised -= 1
            if not in_hand:
                session.service.wake([QUEUE])  # what was kept free for it is free
        if in_hand:
            session.service.knows(run)
            held = HeldMessage(new.message, 1, claim, keeper, log_of_new(run, new))
            if not hatch.hand(held):
                session.begin_apart(lambda _: held.again())
        elif queued:
            session.sent(0.0)
        return run

    return await session.begin(begin)


async def _create(
    session: Session, connection: Connection, again: bool, new: EncodedRun, claim: Claim
) -> tuple[RunInfo, bool, bool]:
    """The run; whether its message is in hand; whether it is in the queue. What a try took in hand whose answer was lost is handed back."""
    if again:
        await connection.fetchval(session.sql.release, claim.owner, claim.number)
        run, _ = await logs.create_run(session.sql, connection, new, (), ())
        return run, False, True
    in_hand = await connection.fetchval(session.sql.begin_run, run_json(new), claim.owner, claim.number)
    if in_hand is None:
        return run_of(await connection.fetchrow(session.sql.run, stored(new.id))), False, False
    return new_run(new.id, new.created.event), in_hand, not in_hand
