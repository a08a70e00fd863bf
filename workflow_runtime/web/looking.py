"""What is to be seen under each path."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from workflow_runtime.errors import RunNotFoundError
from workflow_runtime.events import Json
from workflow_runtime.http import HttpResponse, HttpStream
from workflow_runtime.seeing.held import NOT_HELD, Held
from workflow_runtime.seeing.payloads import show, visible
from workflow_runtime.seeing.reading import read_held
from workflow_runtime.seeing.rows import RunView
from workflow_runtime.web import chronicle, graphs, guard, run_page, stream_page
from workflow_runtime.web.finding import search_of
from workflow_runtime.web.lines import FOLD_AT_MOST, member_details
from workflow_runtime.web.live import event_stream
from workflow_runtime.web.live_run import RunWatch, children_mark, children_slots, held_mark
from workflow_runtime.web.rendering import answer as respond
from workflow_runtime.web.rendering import html, render
from workflow_runtime.web.request import Request, whole
from workflow_runtime.web.runs_list import change_of, list_page
from workflow_runtime.web.site import Site
from workflow_runtime.web.values import LINES_ALONE, call_trees, tree

Answer: TypeAlias = HttpResponse | HttpStream | None
Show: TypeAlias = Callable[..., Awaitable[Answer]]
"""Takes the site, the request, the run, and further parts of the path."""
THEMES = ("light", "dark")
VIEWS = ("timeline", "graph", "events", "streams")
FIRST_LINES = 45
"""Lines of a timeline that stand in the page itself."""
_SAID = {
    "cancelled": "The run was cancelled.",
    "ended": "The run had ended already.",
    "resumed": "The payload was sent.",
    "retried": "This run goes on where the other one ended.",
    "no-hook": "The run does not wait for that any more.",
}
_RAW_LIMIT, _RAW_DEPTH = 5_000_000, 100  # characters and levels of a value as Python text


async def answer(site: Site, request: Request) -> Answer:
    """The page, the part of one or the stream of changes that a path stands for; None when there is no such path."""
    match request.parts:
        case ():
            return await _list(site, request)
        case ("live",):
            return _list_changes(site, request)
        case ("runs", run_id):
            return await _found(site, request, run_id, _run)
        case ("runs", run_id, "live"):
            return await _run_changes(site, request, run_id)
        case ("runs", run_id, "at", key):
            return await _found(site, request, run_id, _row, key)
        case ("runs", run_id, "members", key):
            return await _found(site, request, run_id, _members, key)
        case ("runs", run_id, "value", key, what):
            return await _found(site, request, run_id, _value, key, what)
    return None


def theme_of(request: Request) -> str:
    """The theme that the reader chose; empty for the system's."""
    theme = request.cookies.get("workflow_web_theme", "")
    return theme if theme in THEMES else ""


def frame(site: Site, request: Request, csrf: str = "") -> dict[str, Any]:
    """What all pages show around what is theirs."""
    said = request.query.get("said", "")
    return {
        "root": request.root,
        "world": visible(site.name),
        "theme": theme_of(request),
        "said": _SAID.get(said, ""),
        "bad": said in ("ended", "no-hook"),
        "csrf": guard.csrf_field(csrf) if csrf else "",
    }


async def _list(site: Site, request: Request) -> HttpResponse:
    search = search_of(request.query)
    page = await list_page(site.world, search, site.standings, site.name)
    site.remember(page)
    text = render(
        "runs",
        **frame(site, request),
        heading=page.heading,
        counts=page.counts,
        rows=page.rows,
        older=page.older,
        newest=f"?{search.query(before='')}" if search.before else "",
        nothing=page.nothing,
        paused=page.paused,
        q=search.text,
        status=search.status or "",
        query=search.query(mark=page.mark),
    )
    return html(request, text)


def _list_changes(site: Site, request: Request) -> HttpStream:
    search = search_of(request.query)
    mark = request.query.get("mark", "")
    shown = site.remembered(mark)

    async def look() -> Mapping[str, Any]:
        nonlocal shown
        before, shown = shown, await list_page(site.world, search, site.standings, site.name)
        if before is None and shown.mark == mark:  # another process of the app has made the page
            return {}
        return change_of(before, shown)

    return event_stream(look)


async def _found(site: Site, request: Request, run_id: str, show_it: Show, *more: str) -> Answer:
    """What ``show_it`` makes of the run; a page that says so when there is no such run."""
    try:
        view = await site.views.of(run_id)
    except RunNotFoundError:
        text = render(
            "alone",
            **frame(site, request),
            title=f"No run {visible(run_id)[:80]} in this world",
            text=f"The world is {site.name}.",
        )
        return html(request, text, 404)
    return await show_it(site, request, view, *more)


async def _run(site: Site, request: Request, view: RunView) -> HttpResponse:
    csrf = guard.csrf_cookie(request)
    which = request.query.get("view", "timeline")
    which = which if which in VIEWS else "timeline"
    shown = await _view(site, request, view, which)
    children = shown.pop("children", {})
    held = await read_held(site.world, view.info, await site.world.paused())
    text = render(
        f"run_{shown.pop('template')}",
        **frame(site, request, csrf),
        head=run_page.head_of(view, held),
        which=which,
        streams=await site.world.list_streams(view.id),
        live=_live_query(which, shown, children, view, await children_slots(site.world, view.id), held),
        **shown,
    )
    cookie = f"{guard.CSRF_COOKIE}={csrf}; path=/; max-age={guard.SESSION_SECONDS}; httponly; samesite=strict"
    return html(request, text, headers={"set-cookie": cookie + ("; secure" if request.secure else "")})


def _live_query(
    which: str,
    shown: Mapping[str, Any],
    children: Mapping[str, Any],
    view: RunView,
    slots: Mapping[str, int],
    held: Held,
) -> str:
    """Where the page hears of changes from what it shows now on; empty when nothing can change any more."""
    open_stream = which == "streams" and shown["shown"] and not shown["shown"]["closed"]
    if view.status.ended and not open_stream and all(child.status.ended for child in children.values()):
        return ""
    more = f"&children={children_mark(slots)}" if which == "timeline" else ""
    if which == "streams" and shown["shown"]:
        more = f"&name={shown['shown']['quoted']}&start={shown['shown']['next']}"
    if held != NOT_HELD:
        more += f"&held={held_mark(held)}"
    return f"{view.id}/live?view={which}&slot={view.info.slot}{more}"


async def _view(site: Site, request: Request, view: RunView, which: str) -> dict[str, Any]:
    match which:
        case "events":
            return {"template": "events", **await chronicle.events_page(site.world, view, request.query)}
        case "streams":
            return {"template": "streams", **await stream_page.streams_page(site.world, view, request.query)}
        case "graph":
            return {"template": "graph", **graphs.graph_page(view)}
    children = await run_page.children_of(site, view)
    lines = run_page.lines_with_brackets(view, children)
    data = run_page.timeline_data(view, lines, children)
    return {
        "template": "timeline",
        "lines": lines[:FIRST_LINES],
        "count": len(lines),
        "data": data,
        "children": children,
        "values": run_page.run_values(view),
    }


async def _run_changes(site: Site, request: Request, run_id: str) -> Answer:
    try:
        watch = await RunWatch.begin(site, run_id, request.query)
    except RunNotFoundError:
        return None
    return event_stream(watch.look)


async def _row(site: Site, request: Request, view: RunView, key: str) -> HttpResponse:
    row = view.row(key)
    if row is None:
        return html(
            request,
            render("alone", **frame(site, request), title=f"Nothing called {visible(key)[:80]} in this run", text=""),
            404,
        )
    details = run_page.row_details(view, row)
    if request.headers.get("x-part"):
        return html(request, render("panel", row=details, root=request.root))
    held = await read_held(site.world, view.info, await site.world.paused())
    text = render("row_alone", **frame(site, request), head=run_page.head_of(view, held), row=details)
    return html(request, text)


async def _members(site: Site, request: Request, view: RunView, key: str) -> Answer:
    """What a folded line leaves out, for as many rows as are asked for."""
    ids = [row.id for row in view.rows]
    if key not in ids:
        return None
    at = ids.index(key)
    rows = view.rows[at : at + min(whole(request.query.get("count")), FOLD_AT_MOST)]
    body = json.dumps(member_details(rows, view.started), separators=(",", ":")).encode()
    return respond(request, 200, "application/json", body)


async def _value(site: Site, request: Request, view: RunView, key: str, what: str) -> Answer:
    """A value as JSON or Python text to copy, or on a page of its own."""
    held = _values_of(view, key)
    if what not in held:
        return None
    value = held[what]
    form = request.query.get("as", "")
    if form == "json":
        return respond(request, 200, "text/plain; charset=utf-8", json.dumps(value, indent=2).encode())
    if form == "python":
        text = show(value, limit=_RAW_LIMIT, depth=_RAW_DEPTH, indent=True).text
        return respond(request, 200, "text/plain; charset=utf-8", text.encode("utf-8", "replace"))
    trees = call_trees(value, lines=LINES_ALONE) if what == "input" else [tree(value, lines=LINES_ALONE)]
    title = f"{what} of {visible(key)}"
    page = render("value", **frame(site, request), title=title, trees=trees, run=view.id, key=key, what=what)
    return html(request, page)


def _values_of(view: RunView, key: str) -> Mapping[str, Json]:
    """The encoded values of the run, or of one of its rows, by what they are."""
    if key == "run":
        return {"input": view.input, "output": view.output, "error": view.error}
    row = view.row(key)
    if row is None:
        return {}
    payloads = [one.value for one in row.payloads]
    return {
        "input": row.input,
        "output": row.output,
        "error": row.error,
        "metadata": row.metadata,
        "payload": payloads[0] if len(payloads) == 1 else payloads,
    }
