"""Runs as they were last read, so that a look at one more step of a long run, or at what is new in it, does not read all of it again."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass

from workflow_runtime.builtin import NO_EVENTS
from workflow_runtime.events import Event
from workflow_runtime.seeing.rows import RunView
from workflow_runtime.seeing.timeline import timeline
from workflow_runtime.worlds.base import Log, World

_PAGE = 5000
_KEPT_EVENTS = 100_000
"""Events of all runs that are kept, the last one's aside."""
_IN_A_THREAD = 2000
"""Events from which on the rows are made in a thread: meanwhile the app that the page stands in goes on."""


@dataclass(frozen=True, slots=True)
class _Kept:
    events: tuple[Event, ...]
    view: RunView


class Views:
    """The runs of one world, read once for each change."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def of(self, run_id: str) -> RunView:
        """The run as it is now, whole. Raises ``RunNotFoundError``."""
        info = (await self._world.load(run_id, after=NO_EVENTS)).run
        kept = self._kept.get(run_id)
        if kept is not None and kept.view.info == info:
            self._kept.move_to_end(run_id)
            return kept.view
        events = list(kept.events) if kept is not None and len(kept.events) <= info.slot else []
        while len(events) < info.slot:
            log = await self._world.load(run_id, len(events), limit=_PAGE)
            if not log.events:
                break
            events += log.events
        log = Log(info, tuple(events))
        view = timeline(log) if len(events) < _IN_A_THREAD else await asyncio.to_thread(timeline, log)
        self._keep(run_id, _Kept(log.events, view))
        return view

    def _keep(self, run_id: str, kept: _Kept) -> None:
        self._kept[run_id] = kept
        self._kept.move_to_end(run_id)
        while len(self._kept) > 1 and sum(len(one.events) for one in self._kept.values()) > _KEPT_EVENTS:
            self._kept.popitem(last=False)
