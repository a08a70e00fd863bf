"""One run as its templates show it: the head, what is wrong or awaited, and the details of each of its rows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from workflow_runtime.builtin import NO_EVENTS
from workflow_runtime.errors import RunNotFoundError
from workflow_runtime.events import Json
from workflow_runtime.seeing.errors import ErrorView, Frame, error_view
from workflow_runtime.seeing.held import NOT_HELD, Held
from workflow_runtime.seeing.payloads import shortened, visible
from workflow_runtime.seeing.rows import Row, RowKind, RunView, State
from workflow_runtime.web.gaps import idle_gaps
from workflow_runtime.web.lines import Line, bracketed, lines_of, state_of
from workflow_runtime.web.manifests import parameters_of, retries_of, short_path
from workflow_runtime.web.runs_list import paused_told
from workflow_runtime.web.showing import cancel_command, resume_command
from workflow_runtime.web.site import Site
from workflow_runtime.web.standings import Now, now_of
from workflow_runtime.web.values import Leaf, call_trees, tree
from workflow_runtime.worlds.base import RunStatus

HOOKS = 20
"""Hooks that a form offers to resume."""
CHILDREN = 8
"""Child runs that are shown in place."""
CHILD_EVENTS = 3000
"""Events that the log of such a one has at most."""
ATTEMPTS = 30
"""Attempts that are told one by one: the first, and the last of them."""


def head_of(view: RunView, held: Held = NOT_HELD) -> dict[str, Any]:
    """The head of the page: what changes with the run, and with what holds it up."""
    info, now = view.info, time.time()
    stand = now_of(view, now, held)
    begun = info.started_at or info.created_at
    tags = [(shortened(key, 60), shortened(value, 120)) for key, value in info.attributes.items()]
    return {
        "id": info.id,
        "name": view.name,
        "workflow": visible(info.workflow),
        "state": stand.state,
        "status": info.status.value,
        "ended": info.status.ended,
        "created": info.created_at,
        "begun": begun,
        "ended_at": info.ended_at,
        "took": info.ended_at - begun if info.ended_at is not None else None,
        "queued": begun - info.created_at if begun - info.created_at > 1 else None,
        "attributes": tags[:12],
        "parent": info.parent,
        "continues": view.continues,
        "successor": view.successor,
        "retries": view.retries,
        "bundle": info.bundle,
        "events": view.events,
        "now": stand.parts,
        "hooks": [(row.id, visible(row.token or "")) for row in view.rows if row.token in stand.tokens][:HOOKS],
        "commands": _commands(info.id, stand, held),
        "lacked": stand.lacked,
        "error": error_of(view.error) if info.status is RunStatus.FAILED else None,
        "failed_row": view.failed_row,
        "failed_name": _label(view, view.failed_row),
        "decided": view.decided_at - view.started if view.decided_at is not None else None,
        "reason": shortened(view.reason, 500) if view.reason else "",
    }


def _commands(run_id: str, stand: Now, held: Held) -> list[str]:
    """What one may type for the run to go on, or to give it up."""
    found = [command for _, command in paused_told(held.paused) if command]
    if stand.lacked:
        found.append(cancel_command(run_id))
    return found + [resume_command(token) for token in stand.tokens if visible(token) == token][:1]


def error_of(data: Json) -> dict[str, Any]:
    """An error as its template shows it: the innermost own frame is what one looks for first."""
    error = error_view(data)
    return {"chain": [_error(one, at) for at, one in enumerate(error.chain[:10])], "line": error.line}


def _error(error: ErrorView, at: int) -> dict[str, Any]:
    return {
        "type": error.type or error.name,
        "name": error.name,
        "message": error.message,
        "notes": error.notes,
        "own": _frames(error.own_frames or error.frames[-1:]),
        "library": _frames(error.library_frames if error.own_frames else error.frames[:-1]),
        "members": [member.line for member in error.members],
        "joint": "" if at == 0 else "caused by",
    }


def _frames(frames: Sequence[Frame]) -> list[Frame]:
    """Innermost first, with paths from the folder of the project, where that is known."""
    return [replace(frame, path=short_path(frame.path)) for frame in reversed(frames)]


def _label(view: RunView, row_id: str | None) -> str:
    row = view.row(row_id) if row_id else None
    return row.label if row is not None else ""


async def children_of(site: Site, view: RunView) -> dict[str, RunView]:
    """The first of the runs that the workflow started, if they are not too long."""
    found: dict[str, RunView] = {}
    started = [row.run for row in view.rows if row.kind is RowKind.CHILD and row.run]
    for run_id in started[:CHILDREN]:
        try:
            info = (await site.world.load(run_id, after=NO_EVENTS)).run
            if info.slot <= CHILD_EVENTS:
                found[run_id] = await site.views.of(run_id)
        except RunNotFoundError:  # it was removed, or is not there yet
            continue
    return found


def lines_with_brackets(view: RunView, children: Mapping[str, RunView]) -> list[Line]:
    """The lines of the run and of its children."""
    lines = lines_of(view, children)
    rows = {row.id: row for row in view.rows}
    for child in children.values():
        rows |= {f"{child.id}/{row.id}": row for row in child.rows}
    bracketed(lines, rows)
    return lines


def timeline_data(view: RunView, lines: Sequence[Line], children: Mapping[str, RunView]) -> dict[str, Any]:
    """What the page's script draws from."""
    now = time.time()
    decided = None if view.decided_at is None else round((view.decided_at - view.started) * 1000)
    return {
        "id": view.id,
        "origin": view.started,
        "end": None if view.info.ended_at is None else round((view.info.ended_at - view.started) * 1000),
        "gaps": idle_gaps(view, children.values(), now),
        "decided": decided,
        "lines": lines,
    }


def row_details(view: RunView, row: Row) -> dict[str, Any]:
    """All that a panel says of a row."""
    names = parameters_of(row.function, view.info.bundle, view.info.workflow) if row.function else ()
    return {
        "key": row.id,
        "run": view.id,
        "name": row.name,
        "detail": row.detail,
        "kind": row.kind.value,
        "state": state_of(row),
        "function": visible(row.function),
        "offset": row.created - view.started,
        "created": row.created,
        "started": row.started,
        "ended": row.ended,
        "took": None if row.ended is None else row.ended - (row.started or row.created),
        "queued": row.started - row.created if row.started is not None and row.started - row.created > 0.002 else None,
        "until": row.until,
        "late": row.late,
        "let_go": row.let_go,
        "retries": retries_of(row.function) if row.kind is RowKind.STEP and len(row.attempts) > 1 else None,
        "attempts": _attempts(row, view.started),
        "arguments": call_trees(row.input, names),
        "output": tree(row.output) if _has_output(row) else None,
        "error": error_of(row.error) if row.error is not None else None,
        "token": visible(row.token) if row.token is not None else None,
        "metadata": tree(row.metadata) if row.metadata is not None else None,
        "payloads": [
            {"time": one.time, "offset": one.time - view.started, "value": tree(one.value)}
            for one in row.payloads[-20:]
        ],
        "child": row.run,
        "waits": row.state is State.WAITING,
        "slots": (row.slot, row.end_slot),
    }


def _has_output(row: Row) -> bool:
    return row.state is State.COMPLETED and row.kind in (RowKind.STEP, RowKind.CHILD, RowKind.WATCH)


def _attempts(row: Row, origin: float) -> list[dict[str, Any]]:
    told = row.attempts
    if len(told) > ATTEMPTS:
        told = (told[0], *told[-(ATTEMPTS - 1) :])
    return [
        {
            "number": attempt.number,
            "state": "failed"
            if attempt.state is State.FAILED
            else "cancelled"
            if attempt.state is State.LOST
            else attempt.state.value,
            "word": attempt.state.value,
            "offset": attempt.started - origin,
            "took": None if attempt.ended is None else attempt.ended - attempt.started,
            "since": attempt.started if attempt.ended is None else None,
            "error": error_of(attempt.error) if attempt.error is not None else None,
            "counted": attempt.counted,
            "open": attempt is row.attempts[-1] and attempt.state is State.FAILED,
        }
        for attempt in told
    ]


def run_values(view: RunView) -> dict[str, Any]:
    """What went into the run and what came out of it."""
    arguments: list[Leaf] = call_trees(
        view.input, parameters_of(view.info.workflow, view.info.bundle, view.info.workflow)
    )
    return {
        "arguments": arguments,
        "output": tree(view.output) if view.status is RunStatus.COMPLETED else None,
    }
