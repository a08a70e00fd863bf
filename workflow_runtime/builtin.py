"""What the runtime asks of the world on a user's behalf. In workflow code each of these is a step of its own.

Elsewhere they are called as they are. What is not there is None and not an error: an error would be retried.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

from workflow_runtime import clock
from workflow_runtime.chunks import chunk_of
from workflow_runtime.context import current_step
from workflow_runtime.errors import RunNotFoundError, StreamClosedError
from workflow_runtime.events import Event, EventKind, Json
from workflow_runtime.handler.ends import cancel, last_event, wake_up
from workflow_runtime.machine.current import running_machine
from workflow_runtime.marking import step
from workflow_runtime.process import process_world
from workflow_runtime.project import Registrations, register_steps
from workflow_runtime.values import decode, encode_call, return_hint
from workflow_runtime.worlds.base import HookInfo, RunInfo, RunStatus, StreamInfo

P = ParamSpec("P")
R = TypeVar("R")

NO_EVENTS = 2**62
"""``load(run_id, after=NO_EVENTS)`` gives a run without its log."""
LIVE = (RunStatus.PENDING, RunStatus.RUNNING)
_PAGE = 100
_TRIES = 3  # a token may go from one run to another between the look and the write


def _id_of(function: Callable[..., object]) -> str:
    return f"step//workflow_runtime//{function.__name__}"


@step
async def find_run(run_id: str) -> RunInfo | None:
    """The run; None when there is none."""
    try:
        return (await (await process_world()).load(run_id, after=NO_EVENTS)).run
    except RunNotFoundError:
        return None


@step
async def find_successor(run_id: str) -> str:
    """The run that goes on in the place of that one, which was continued."""
    world = await process_world()
    run = (await world.load(run_id, after=NO_EVENTS)).run
    successor: str = (await last_event(world, run)).data["run"]
    return successor


@step
async def find_runs(
    status: Sequence[RunStatus] | None,
    workflow: str | None,
    parent: str | None,
    attributes: Mapping[str, str] | None,
    before: str | None,
    limit: int,
) -> list[RunInfo]:
    """What ``World.list_runs`` gives."""
    world = await process_world()
    return await world.list_runs(
        status=status, workflow=workflow, parent=parent, attributes=attributes, before=before, limit=limit
    )


@step
async def cancel_run(run_id: str, reason: str | None) -> bool | None:
    """Cancel the run, or the one that goes on in its place. False when it has ended, None when there is none."""
    try:
        return await cancel(await process_world(), run_id, reason)
    except RunNotFoundError:
        return None


@step
async def cancel_runs(
    status: Sequence[RunStatus],
    workflow: str | None,
    attributes: Mapping[str, str] | None,
    reason: str | None,
    limit: int | None,
) -> int:
    """Cancel the runs that fit all that is given, newest first; how many were cancelled."""
    world = await process_world()
    cancelled, before = 0, None
    while limit is None or cancelled < limit:
        size = _PAGE if limit is None else min(_PAGE, limit - cancelled)
        page = await world.list_runs(status=status, workflow=workflow, attributes=attributes, before=before, limit=size)
        if not page:
            break
        cancelled += sum(await asyncio.gather(*(cancel(world, run.id, reason) for run in page)))
        before = page[-1].id
    return cancelled


@step
async def retry_run(run_id: str, current_code: bool) -> str | None:
    """Run the run again; the new one's id, None when there is no such run."""
    from workflow_runtime.retrying.renewing import retry  # which needs the handler, and that the steps of this module

    try:
        return (await retry(await process_world(), run_id, current_code=current_code)).id
    except RunNotFoundError:
        return None


@step
async def find_hook(token: str) -> HookInfo | None:
    """The live hook with the token; None when there is none."""
    return await (await process_world()).hook_by_token(token)


@step
async def send_payload(token: str, payload: Json, key: str | None) -> str | None:
    """Hand the encoded payload to the live hook with the token; the hook's run, None when there is no such hook."""
    world = await process_world()
    running = current_step.get()
    if key is None and running is not None and running.name == _id_of(send_payload):
        key = f"$step:{running.idempotency_key}"  # its process may die before the outcome is recorded
    for _ in range(_TRIES):
        hook = await world.hook_by_token(token)
        if hook is None:
            return None
        received = Event(EventKind.HOOK_RECEIVED, clock.now(), hook.hook_id, {"payload": payload, "key": key})
        recorded = await world.record(hook.run_id, received, sends=[wake_up(hook.run_id)])
        if recorded.landed or recorded.repeated:
            return hook.run_id
    return None


@step
async def find_streams(run_id: str) -> list[StreamInfo] | None:
    """The run's streams, by name; None when there is no such run."""
    try:
        return await (await process_world()).list_streams(run_id)
    except RunNotFoundError:
        return None


@step
async def write_reply(run_id: str, stream: str, reply: Json) -> bool:
    """Write the one chunk of the stream that answers a request. False when that has happened, or the run has ended."""
    world = await process_world()
    try:
        first = await world.write_chunks(run_id, stream, [chunk_of(reply, "reply")])
        await world.close_stream(run_id, stream)
    except StreamClosedError:
        return False
    return first == 0


BUILT_IN = Registrations()
"""The steps of this module, by id."""
for _function in (
    *(find_run, find_successor, find_runs, cancel_run, cancel_runs, retry_run),
    *(find_hook, send_payload, find_streams, write_reply),
):
    BUILT_IN.add(_id_of(_function), _function)
register_steps(BUILT_IN)


async def ask(function: Callable[P, Coroutine[Any, Any, R]], *args: P.args, **kwargs: P.kwargs) -> R:
    """What ``function``, one of the above, gives: in workflow code as a step, elsewhere at once."""
    machine = running_machine()
    if machine is None:
        return await function(*args, **kwargs)
    name = function.__name__
    call = encode_call(args, kwargs, where=name)
    output = await machine.step(_id_of(function), call, machine.here())
    result: R = decode(output, return_hint(function), where=f"result of {name}")
    return result
