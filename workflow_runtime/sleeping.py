"""``sleep``: a wait that survives crashes and deploys."""

from __future__ import annotations

import asyncio

from workflow_runtime.durations import Duration, when
from workflow_runtime.errors import WorkflowError
from workflow_runtime.machine.current import running_machine


async def sleep(duration: Duration) -> None:
    """Wait, in workflow code, for seconds, a timedelta, text as in "2 days", or until a datetime (UTC when it has no
    zone).

    ``asyncio.sleep`` is as durable there; this adds the other ways to say how long. Raises ``WorkflowError`` outside of
    workflow code and ``ValueError`` or ``TypeError`` for what is no duration.
    """
    machine = running_machine()
    if machine is None:
        raise WorkflowError("sleep() was called outside of workflow code; elsewhere use asyncio.sleep()")
    await asyncio.sleep(when(duration, machine.clock) - machine.clock)
