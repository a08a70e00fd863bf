"""Making the new run: its log, its messages, and first the children that have to be run again with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from workflow_runtime import clock
from workflow_runtime.errors import RunNotFoundError, WorkflowError
from workflow_runtime.events import STEP_ENDS, WAIT_ENDS, Event, EventKind, Json
from workflow_runtime.handler.drive import load_whole
from workflow_runtime.handler.ends import cancel_started_by, cancelled_with, last_event
from workflow_runtime.ids import new_message_id, retry_run_id, wait_key
from workflow_runtime.machine.machine import Machine
from workflow_runtime.project import bundle_hash_of, run_limit_of
from workflow_runtime.publishing import find_bundle
from workflow_runtime.retrying.cut import Cut, find_cut
from workflow_runtime.retrying.replaying import created_of, good_log, renamed
from workflow_runtime.sandbox.program import load_program
from workflow_runtime.worlds.base import Log, Message, World
from workflow_runtime.worlds.types import RunInfo, RunStatus

_RETRIED = (RunStatus.FAILED, RunStatus.CANCELLED)


async def retry(world: World, run_id: str, *, current_code: bool = False, parent: str | None = None) -> RunInfo:
    """Run a run again that has failed or was cancelled; gives the new run, and the same one whenever it is asked for again. Of a run that was
    continued, that which goes on in its place is run again.

    With ``current_code`` by the workflow's code as it is built now, else by that which the run had. ``parent`` is the new parent, when that is
    run again, too. Raises ``RunNotFoundError``; ``WorkflowError`` when the run has not failed, or would only fail again;
    ``WorkflowNotRegisteredError`` when its code is not here; ``ReplayDivergenceError`` when the code decides otherwise than the log says.
    """
    run_id = await _end_of_chain(world, run_id)
    new_id = retry_run_id(run_id)
    if (known := await _info(world, new_id)) is not None:
        return known
    log = await load_whole(world, run_id)
    if log.run.status not in _RETRIED:
        raise WorkflowError(
            f"run {run_id} is {log.run.status}; only a run that has failed or was cancelled can be retried"
        )
    cut = find_cut(log.events)
    names = await _children_again(world, log, cut)
    events = renamed(log.events, names)
    bundle = bundle_hash_of(log.run.workflow) if current_code else log.run.bundle
    created = _created(log, events, names, bundle, parent)
    kept, before = await _replayed(world, log.run, new_id, [created, *events[1:]], cut, bundle)
    kept[0] = _with_calls(kept, before, log.run.id)
    await _refuse_lost_tokens(world, run_id, kept)
    for old, new in names.items():
        if any(event.kind is EventKind.CHILD_CREATED and event.data["run"] == new for event in kept):
            await _retry_child(world, old, new, new_id, current_code=current_code)
    message = Message(new_message_id(), new_id, limit=run_limit_of(log.run.workflow))
    return await world.create_run(new_id, kept[0], message, log=kept[1:], sends=_messages(new_id, kept))


async def _end_of_chain(world: World, run_id: str) -> str:
    info = await _info(world, run_id)
    while info is not None and info.status is RunStatus.CONTINUED:
        run_id = (await last_event(world, info)).data["run"]
        info = await _info(world, run_id)
    return run_id


async def _info(world: World, run_id: str) -> RunInfo | None:
    try:
        return (await world.load(run_id, after=2**62)).run
    except RunNotFoundError:
        return None


async def _children_again(world: World, log: Log, cut: Cut) -> dict[str, str]:
    """The children that are run again with their parent, and the ids that they will have.

    Those whose failure is the parent's, those that it still waited for and that did not come to a good end, and those that were cancelled
    with it. What the parent was told of, and went on, is over.
    """
    if log.run.status is RunStatus.CANCELLED:
        await cancel_started_by(world, log)  # which a message is to do, and may not have yet
    told = {
        event.entity for event in log.events if event.kind is EventKind.WATCH_COMPLETED and event.slot not in cut.undone
    }
    awaited = {
        event.data["run"] for event in log.events if event.kind is EventKind.WATCH_CREATED and event.entity not in told
    }
    names: dict[str, str] = {}
    children = [event.data["run"] for event in log.events if event.kind is EventKind.CHILD_CREATED]
    for child in children:
        last = await _last_of(world, child)
        if last is None or not (child in awaited or await _cancelled_with(world, log.run, last)):
            continue
        if last.status in _RETRIED:
            names[child] = retry_run_id(last.id)
        elif last.id != child:
            names[child] = last.id
    return names


async def _cancelled_with(world: World, parent: RunInfo, child: RunInfo) -> bool:
    return child.status is RunStatus.CANCELLED and (await last_event(world, child)).data.get(
        "reason"
    ) == cancelled_with(parent.id)


async def _last_of(world: World, run_id: str) -> RunInfo | None:
    """The last of those that go on in its place or run it again, or itself; None when there is no such run."""
    info = await _info(world, run_id)
    while info is not None:
        continued = info.status is RunStatus.CONTINUED
        after = await _info(world, (await last_event(world, info)).data["run"] if continued else retry_run_id(info.id))
        if after is None:
            break
        info = after
    return info


async def _retry_child(world: World, old: str, new: str, parent: str, *, current_code: bool) -> None:
    last = await _last_of(world, old)
    if last is not None and last.id != new:
        await retry(world, last.id, current_code=current_code, parent=parent)


def _created(log: Log, events: Sequence[Event], names: dict[str, str], bundle: str, parent: str | None) -> Event:
    """The first event of the new run: the old one's, with what makes the code decide the same under another id."""
    first = created_of(events)
    children = {event.entity: event.data["run"] for event in events if event.kind is EventKind.CHILD_CREATED}
    data: dict[str, Json] = {**first.data, "bundle": bundle, "retries": log.run.id}
    data["began"] = first.data.get("began", first.time)
    if children:
        data["children"] = children
    if parent is not None:
        data |= {"parent": parent}
    return Event(EventKind.RUN_CREATED, clock.now(), "", data, 1)


def _with_calls(kept: Sequence[Event], before: Mapping[str, str], old_id: str) -> Event:
    """The first event of the new run, when it is known what stands of the old one's log: whose children these are, and by which names
    others know the calls of steps that are made once more.
    """
    first = kept[0]
    data = {name: value for name, value in first.data.items() if name not in ("children", "calls")}
    known = first.data.get("calls", {})
    calls = {}
    for step in _open_steps(kept):
        entity = before.get(step.entity, step.entity)
        calls[step.entity] = known.get(entity, f"{old_id}:{entity}")
    children = {event.entity: event.data["run"] for event in kept if event.kind is EventKind.CHILD_CREATED}
    data |= {name: found for name, found in (("children", children), ("calls", calls)) if found}
    return replace(first, data=data)


def _open_steps(kept: Sequence[Event]) -> list[Event]:
    ended = {event.entity for event in kept if event.kind in STEP_ENDS}
    return [event for event in kept if event.kind is EventKind.STEP_CREATED and event.entity not in ended]


async def _replayed(
    world: World, run: RunInfo, new_id: str, events: Sequence[Event], cut: Cut, bundle_hash: str
) -> tuple[list[Event], dict[str, str]]:
    bundle, root = await find_bundle(world, run.workflow, bundle_hash)
    machine = Machine(new_id, load_program(bundle, root, new_id))
    try:
        kept, before = good_log(machine, events, cut)
        if machine.ended and machine.commands and machine.commands[-1].kind is EventKind.RUN_FAILED:
            raise WorkflowError(
                f"run {run.id} would fail again as it did: no step failed in it, but its workflow's code; correct that, "
                "build it, and retry with the current code (current_code=True, --current-code)"
            )
        return kept, before
    finally:
        machine.drop()


async def _refuse_lost_tokens(world: World, run_id: str, kept: Sequence[Event]) -> None:
    for event in kept:
        if event.kind is EventKind.HOOK_CREATED:
            owner = await world.hook_by_token(event.data["token"])
            if owner is not None:
                raise WorkflowError(
                    f"run {run_id} can not be retried now: run {owner.run_id} has the token {event.data['token']!r:.200} that "
                    "it had; wait for that one's end, or cancel it"
                )


def _messages(run_id: str, kept: Sequence[Event]) -> list[Message]:
    """What has to be sent for that which is open."""
    messages = [Message(new_message_id(), run_id, step.entity, step.data["step"]) for step in _open_steps(kept)]
    over = {event.entity for event in kept if event.kind in WAIT_ENDS}
    for event in kept:
        if event.kind is EventKind.WAIT_CREATED and event.entity not in over:
            key = wait_key(run_id, event.entity)
            messages.append(Message(new_message_id(), run_id, key=key, due=event.data["until"]))
    return messages
