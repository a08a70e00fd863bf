"""The events of a run, a page of them at a time, each with the name of what it is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflow_runtime.events import Event, EventKind
from workflow_runtime.seeing.errors import error_line
from workflow_runtime.seeing.payloads import shortened, show, show_call
from workflow_runtime.seeing.phrases import name_of
from workflow_runtime.seeing.rows import RunView
from workflow_runtime.web.request import whole
from workflow_runtime.worlds.base import World

PAGE = 120
"""Events on one page: it stays below the limit of nodes."""
_TEXT = 160
_STATES = {
    "completed": "completed",
    "failed": "failed",
    "retrying": "retrying",
    "cancelled": "cancelled",
    "conflict": "failed",
    "started": "running",
    "received": "completed",
    "continued": "continued",
}


async def events_page(world: World, view: RunView, query: Mapping[str, str]) -> dict[str, Any]:
    """What the template of the events shows: those after slot ``after``, or of the row ``of``."""
    wanted = query.get("of", "")
    after = whole(query.get("after"))
    row = view.row(wanted) if wanted else None
    if row is not None:
        log = await world.load(view.id, max(0, row.slot - 1), limit=5000)
        events = [event for event in log.events if event.entity == wanted][:PAGE]
        more = False
    else:
        log = await world.load(view.id, after, limit=PAGE)
        events = list(log.events)
        more = bool(events) and events[-1].slot < view.info.slot
    names = {one.id: one.label for one in view.rows}
    return {
        "entries": [_entry(event, view, names) for event in events],
        "of": wanted if row is not None else "",
        "of_name": row.label if row is not None else "",
        "first": after == 0,
        "earlier": max(0, after - PAGE),
        "next_after": events[-1].slot if more else 0,
        "last_page": max(0, (view.info.slot - 1) // PAGE * PAGE) if view.info.slot > PAGE else 0,
        "total": view.info.slot,
    }


def _entry(event: Event, view: RunView, names: Mapping[str, str]) -> dict[str, Any]:
    happened = event.kind.value.partition("_")[2]
    return {
        "slot": event.slot,
        "time": event.time,
        "ms": f"{event.time % 1:.3f}"[1:],
        "offset": event.time - view.started,
        "kind": event.kind.value.replace("_", " "),
        "state": _STATES.get(happened, "pending"),
        "name": names.get(event.entity, "") if event.entity else view.name,
        "key": event.entity if event.entity in names else "",
        "entity": shortened(event.entity, 60),
        "text": _text(event),
    }


def _text(event: Event) -> str:
    data = event.data
    if "error" in data:
        return error_line(data["error"])
    match event.kind:
        case EventKind.RUN_CREATED | EventKind.STEP_CREATED | EventKind.CHILD_CREATED:
            return shortened(
                f"{name_of(str(data.get('step', data.get('workflow', ''))))}({show_call(data.get('input'), limit=_TEXT).text})",
                _TEXT,
            )
        case EventKind.STEP_STARTED:
            return f"attempt {data.get('attempt')}"
        case EventKind.RUN_CANCELLED:
            return shortened(str(data.get("reason") or ""), _TEXT)
        case EventKind.HOOK_CREATED | EventKind.HOOK_CONFLICT:
            return shortened(str(data.get("token")), _TEXT)
    for name in ("output", "payload", "attributes"):
        if name in data:
            return shortened(show(data[name], limit=_TEXT).text, _TEXT)
    return shortened(str(data["run"]), _TEXT) if "run" in data else ""
