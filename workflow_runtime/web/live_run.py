"""What the page of one run is told while it is open."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workflow_runtime.builtin import NO_EVENTS
from workflow_runtime.seeing.held import ASK_AGAIN, NOT_HELD, Held, pauses
from workflow_runtime.seeing.reading import read_handed_back
from workflow_runtime.seeing.rows import RunView
from workflow_runtime.web import graphs, stream_page
from workflow_runtime.web.lines import Line
from workflow_runtime.web.rendering import render
from workflow_runtime.web.request import whole
from workflow_runtime.web.run_page import children_of, head_of, lines_with_brackets, run_values, timeline_data
from workflow_runtime.web.site import Site
from workflow_runtime.worlds.base import RunInfo, World

_CHILDREN = 20  # that are looked at for changes


async def children_slots(world: World, run_id: str) -> dict[str, int]:
    """How far the first children of the run have come; below zero for one that has ended."""
    children = await world.list_runs(parent=run_id, limit=_CHILDREN)
    return {child.id: -child.slot if child.status.ended else child.slot for child in children}


def children_mark(slots: Mapping[str, int]) -> str:
    """Another one for anything else that the children may have come to; empty without children."""
    return hashlib.sha256(repr(sorted(slots.items())).encode()).hexdigest()[:16] if slots else ""


def held_mark(held: Held) -> str:
    """Another one for anything else that may hold the run up; empty when nothing does."""
    if held == NOT_HELD:
        return ""
    shown = repr((held.paused, sorted(held.handed_back.items())))
    return hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()[:16]


@dataclass(slots=True)
class RunWatch:
    """Follows a run for one page, and remembers what that shows."""

    site: Site
    info: RunInfo
    which: str
    stream: str
    start: int
    seen: int
    """The slot up to which the page knows the run."""
    children: str
    """How far its children had come then; see ``children_mark``."""
    held: str
    """What held it up then; see ``held_mark``."""
    _lines: dict[str, Line] = field(default_factory=dict)
    _order: list[str] = field(default_factory=list)
    _handed_back: Mapping[str, int] = field(default_factory=dict)
    _asked: float = -math.inf
    _notice: str = ""
    _acts: tuple[bool, bool] | None = None
    _is_over: bool = False

    @staticmethod
    async def begin(site: Site, run_id: str, query: Mapping[str, str]) -> RunWatch:
        """A watch for a page that was made at slot ``slot``. Raises ``RunNotFoundError``."""
        info = (await site.world.load(run_id, after=NO_EVENTS)).run
        which, stream = query.get("view", "timeline"), query.get("name", "")
        start, slot = whole(query.get("start")), whole(query.get("slot"))
        return RunWatch(site, info, which, stream, start, slot, query.get("children", ""), query.get("held", ""))

    async def look(self) -> Mapping[str, Any] | None:
        """What is new; None when nothing can be new any more."""
        if self._is_over:
            return None
        info = (await self.site.world.load(self.info.id, after=NO_EVENTS)).run
        change: dict[str, Any] = {}
        slots = await children_slots(self.site.world, info.id) if self.which == "timeline" else {}
        held = await self._held(info)
        if info.slot != self.seen or children_mark(slots) != self.children:
            change = await self._changed(info, held)
        elif held_mark(held) != self.held:
            before, change = self._notice, self._headed(await self.site.views.of(info.id), held)
            if self._notice == before:  # it was handed back once more, which nothing on the page tells
                change = {}
        self.seen, self.children, self.held = info.slot, children_mark(slots), held_mark(held)
        self.info = info
        if self.which == "streams" and not self.stream and await self.site.world.list_streams(info.id):
            change["streams"] = True  # the first one: the page has to be made anew
        if self.which == "streams" and self.stream:
            told, self.start, closed = await stream_page.news(self.site.world, info.id, self.stream, self.start)
            if told:
                change["chunks"] = told
            self._is_over = closed and info.status.ended and not told
        else:
            self._is_over = info.status.ended and all(slot < 0 for slot in slots.values())
        return change

    async def _held(self, info: RunInfo) -> Held:
        """What holds the run up; how often it was handed back is asked for only now and then."""
        if info.status.ended:
            return NOT_HELD
        if time.monotonic() - self._asked >= ASK_AGAIN:
            self._handed_back = await read_handed_back(self.site.world, info.id)
            self._asked = time.monotonic()
        return Held(pauses(info, await self.site.world.paused()), self._handed_back)

    def _headed(self, view: RunView, held: Held) -> dict[str, Any]:
        """The top of the page, which tells what holds the run up."""
        head = head_of(view, held)
        self._notice = render("notice", head=head)
        change: dict[str, Any] = {
            "head": render("head", head=head, root="../"),
            "notice": self._notice,
            "state": head["state"],
            "events": view.events,
        }
        acts = (head["ended"], bool(head["hooks"]))
        if acts != self._acts:
            change["acts"] = True
            self._acts = acts
        return change

    async def _changed(self, info: RunInfo, held: Held) -> dict[str, Any]:
        view = await self.site.views.of(info.id)
        change = self._headed(view, held)
        if self.which == "graph":
            change["graph"] = render("graph", **graphs.graph_page(view))
        elif self.which == "timeline":
            change |= await self._timeline(view)
        return change

    async def _timeline(self, view: RunView) -> dict[str, Any]:
        children = await children_of(self.site, view)
        lines = lines_with_brackets(view, children)
        data = timeline_data(view, lines, children)
        now = {line["k"]: line for line in lines}
        data["lines"] = [line for line in lines if self._lines.get(line["k"]) != line]
        order = list(now)
        if order[: len(self._order)] != self._order or not self._order:
            data["order"] = order  # what is only added at the end needs no telling where all else stands
        self._lines, self._order = now, order
        told: dict[str, Any] = {"timeline": data}
        if view.status.ended:
            told["values"] = render("run_values", values=run_values(view), id=view.id)
        return told
