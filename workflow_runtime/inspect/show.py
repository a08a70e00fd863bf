"""The sub-commands of ``inspect``, each over an open world."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from workflow_runtime.errors import RunNotFoundError
from workflow_runtime.events import Event, EventKind
from workflow_runtime.ids import retry_run_id
from workflow_runtime.inspect import as_json, following
from workflow_runtime.inspect.asking import Filter, find_id, find_runs
from workflow_runtime.seeing.held import A_WHILE, NOT_HELD, Held, pauses
from workflow_runtime.seeing.payloads import show as shown
from workflow_runtime.seeing.payloads import visible
from workflow_runtime.seeing.phrases import name_of
from workflow_runtime.seeing.reading import read_children, read_held, read_list, read_run
from workflow_runtime.seeing.rows import OPEN, Row, RunView
from workflow_runtime.seeing.standing import Standing, standing, waiting_since
from workflow_runtime.worlds.base import World
from workflow_runtime.worlds.types import RunStatus

_CLEAR = "\x1b[H\x1b[J"
_RUNS_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be shown, and how."""

    what: str
    wanted: Filter
    run: str | None = None
    """The run's id, or its beginning."""
    stream: str | None = None
    json: bool = False
    follow: bool = False


async def show(world: World, request: Request) -> None:
    """Show it. Raises ``RunNotFoundError``, ``WorkflowError`` when the run's id is ambiguous."""
    shows: Mapping[str, Callable[[World, Request], Awaitable[None]]] = {
        "runs": _runs,
        "run": _run,
        "steps": _steps,
        "events": _events,
        "hooks": _hooks,
        "streams": _streams,
    }
    await shows[request.what](world, request)


async def _runs(world: World, request: Request) -> None:
    if not request.follow:
        await _runs_once(world, request)
    elif request.json or not sys.stdout.isatty():
        await _runs_as_they_change(world, request)
    else:
        while True:
            found = await _listed(world, request)
            sys.stdout.write(_CLEAR)
            _print_runs(*found)
            await asyncio.sleep(following.LOOK_AGAIN * 2)


async def _runs_once(world: World, request: Request) -> None:
    runs, more = await _listed(world, request)
    if request.json:
        listed = [as_json.run_json(view.info, said) for view, said in runs]
        print(as_json.document(runs=listed, before=more))
    else:
        _print_runs(runs, more)


async def _listed(world: World, request: Request) -> tuple[list[tuple[RunView, Standing]], str | None]:
    infos, more = await find_runs(world, request.wanted)
    paused = await world.paused()
    return [(view, await _stands(world, view, paused)) for view in await read_list(world, infos)], more


async def _stands(world: World, view: RunView, paused: Sequence[str]) -> Standing:
    now, since = time.time(), waiting_since(view)
    is_stuck = since is not None and now - since >= A_WHILE
    held = await read_held(world, view.info, paused) if is_stuck else Held(pauses(view.info, paused))
    return standing(view, now, held=held, zone=None)


def _print_runs(runs: list[tuple[RunView, Standing]], more: str | None) -> None:
    from workflow_runtime.inspect.paper import Paper
    from workflow_runtime.inspect.tables import runs_table

    runs_table(Paper(), runs, time.time(), None, more)


async def _runs_as_they_change(world: World, request: Request) -> None:
    """A line for each run, and another one whenever its status has changed."""
    seen: dict[str, RunStatus] = {}
    while True:
        infos, _ = await find_runs(world, request.wanted)
        paused = await world.paused()
        changed = [info for info in reversed(infos) if seen.get(info.id) != info.status]
        for info, view in zip(changed, await read_list(world, changed), strict=True):
            seen[info.id] = info.status
            said = await _stands(world, view, paused)
            if request.json:
                print(as_json.line(run=as_json.run_json(info, said)), flush=True)
            else:
                print(visible(f"{info.status.value:<9}  {view.name}  {info.id}  {said.text}".rstrip()), flush=True)
        await asyncio.sleep(following.LOOK_AGAIN)


async def _run(world: World, request: Request) -> None:
    run_id = await _id(world, request)
    if request.follow and (request.json or not sys.stdout.isatty()):
        await _events(world, request)
        return
    while True:
        view = await read_children(world, await read_run(world, run_id))
        held = NOT_HELD if view.status.ended else await read_held(world, view.info, await world.paused())
        now = time.time()
        said, retried = standing(view, now, held=held, zone=None), await retried_as(world, run_id)
        if request.json:
            print(as_json.document(run=as_json.view_json(view, said, retried)))
            return
        from workflow_runtime.inspect.heading import Looked
        from workflow_runtime.inspect.paper import Paper
        from workflow_runtime.inspect.picture import draw

        if request.follow:
            sys.stdout.write(_CLEAR)
        draw(Paper(), Looked(view, said, now, None, retried))
        if not request.follow or view.status.ended:
            return
        await asyncio.sleep(following.LOOK_AGAIN)


async def retried_as(world: World, run_id: str) -> str | None:
    """The run that runs that one again, if there is one."""
    try:
        return (await world.load(retry_run_id(run_id), after=2**62)).run.id
    except RunNotFoundError:
        return None


async def _steps(world: World, request: Request) -> None:
    view = await read_run(world, await _id(world, request))
    if request.json:
        print(as_json.document(run=as_json.run_json(view.info), rows=[as_json.row_json(row) for row in view.rows]))
        return
    from workflow_runtime.inspect.paper import Paper
    from workflow_runtime.inspect.tables import steps_table

    steps_table(Paper(), view, time.time())


async def _events(world: World, request: Request) -> None:
    run_id = await _id(world, request)
    names: dict[str, str] = {}
    events = following.events(world, run_id, follow=request.follow)
    if request.json and request.follow:
        async for event in events:
            print(as_json.line(event=as_json.event_json(event, _named(names, event))), flush=True)
        return
    if request.json:
        found = [as_json.event_json(event, _named(names, event)) async for event in events]
        print(as_json.document(run=run_id, events=found))
        return
    from workflow_runtime.inspect.paper import Paper
    from workflow_runtime.inspect.tables import event_line

    paper, start = Paper(), None
    async for event in events:
        start = event.time if start is None else start
        event_line(paper, event, _named(names, event), start, zone=None)
        if request.follow:
            sys.stdout.flush()


def _named(names: dict[str, str], event: Event) -> str:
    """What the event's step, hook or child is called."""
    data = event.data
    if event.kind in (EventKind.STEP_CREATED, EventKind.CHILD_CREATED, EventKind.RUN_CREATED):
        names[event.entity] = name_of(str(data.get("step") or data.get("workflow")))
    elif event.kind in (EventKind.HOOK_CREATED, EventKind.HOOK_CONFLICT):
        names[event.entity] = "hook" if data.get("webhook") is None else "webhook"
    return names.get(event.entity, "") if event.entity or event.kind is EventKind.RUN_CREATED else ""


async def _hooks(world: World, request: Request) -> None:
    """The hooks of one run, or the open ones of all that fit."""
    if request.run is not None:
        view = await read_run(world, await _id(world, request))
        found = [(view, row) for row in view.rows if row.token is not None]
    else:
        found = await _open_hooks(world, request.wanted)
    if request.json:
        print(as_json.document(hooks=[as_json.hook_json(view.info, row) for view, row in found]))
        return
    from workflow_runtime.inspect.paper import Paper
    from workflow_runtime.inspect.tables import hooks_table

    hooks_table(Paper(), found, time.time())


async def _open_hooks(world: World, wanted: Filter) -> list[tuple[RunView, Row]]:
    found: list[tuple[RunView, Row]] = []
    page = replace(wanted, status=wanted.status or (RunStatus.RUNNING,), limit=_RUNS_AT_ONCE)
    while len(found) < wanted.limit:
        infos, before = await find_runs(world, page)
        views = await read_list(world, [info for info in infos if not info.status.ended])
        found += [(view, row) for view in views for row in view.rows if row.token is not None and _can_have_more(row)]
        if before is None:
            break
        page = replace(page, before=before)
    return found[: wanted.limit]


def _can_have_more(row: Row) -> bool:
    return not row.disposed and (row.state in OPEN or bool(row.payloads))


async def _streams(world: World, request: Request) -> None:
    run_id = await _id(world, request)
    if request.stream is not None:
        await _chunks(world, run_id, request)
        return
    infos = await world.list_streams(run_id)
    if request.json:
        print(as_json.document(run=run_id, streams=[as_json.stream_json(info) for info in infos]))
        return
    from workflow_runtime.inspect.paper import Paper
    from workflow_runtime.inspect.tables import streams_table

    streams_table(Paper(), infos)


async def _chunks(world: World, run_id: str, request: Request) -> None:
    """One line a chunk; text as it is, but safe."""
    async for index, chunk in following.chunks(world, run_id, request.stream or "", follow=request.follow):
        if request.json:
            print(as_json.line(**as_json.chunk_json(index, chunk)), flush=True)
        else:
            value = as_json.encoded_chunk(chunk)
            print(visible(value) if type(value) is str else shown(value).text, flush=True)


async def _id(world: World, request: Request) -> str:
    return await find_id(world, request.run or "")
