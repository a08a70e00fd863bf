"""What each run does now, in a line: looked up once for each change of its log, with the times in it left to tick in the page."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from workflow_runtime.errors import RunNotFoundError
from workflow_runtime.seeing.phrases import lasting, moment
from workflow_runtime.seeing.reading import read_briefly
from workflow_runtime.seeing.rows import RowKind, RunView, State
from workflow_runtime.seeing.standing import standing
from workflow_runtime.seeing.timeline import open_rows
from workflow_runtime.web.manifests import retries_of
from workflow_runtime.worlds.base import RunInfo, RunStatus, World

_KEPT = 2000


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a sentence. One with a time is for the page to tell: how long it is since ``since`` or until ``until``, or when ``at`` is, in
    the reader's own zone.
    """

    text: str
    since: float | None = None
    until: float | None = None
    at: float | None = None


@dataclass(frozen=True, slots=True)
class Now:
    """Where a run stands: a word for its state, and a sentence."""

    state: str
    parts: Sequence[Part]
    tokens: tuple[str, ...] = ()
    """Of the hooks that it waits for."""

    @property
    def text(self) -> str:
        """The sentence as it was when it was looked up."""
        return "".join(part.text for part in self.parts)


class Standings:
    """Remembers where runs stand, as long as their logs do not grow."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: OrderedDict[tuple[str, int, RunStatus], Now] = OrderedDict()

    async def of(self, run: RunInfo) -> Now:
        """Where the run stands."""
        key = (run.id, run.slot, run.status)
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        try:
            found = now_of(await read_briefly(self._world, run), time.time())
        except RunNotFoundError:  # it was removed a moment ago
            return Now(run.status.value, ())
        self._known[key] = found
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return found


def now_of(view: RunView, at: float) -> Now:
    """Where the run stood at that time."""
    retried = {row.function for row in open_rows(view) if row.kind is RowKind.STEP and row.state is State.WAITING}
    most = {function: number for function in retried if (number := retries_of(function)) is not None}
    found = standing(view, at, retries=most)
    return Now(_state(view, waits=found.waits), _parts(view, found.text, at), found.tokens)


def _state(view: RunView, *, waits: bool) -> str:
    if view.status is not RunStatus.RUNNING or not waits:
        return view.status.value
    rows = open_rows(view)
    if any(row.kind is RowKind.STEP and row.state is State.WAITING for row in rows):
        return "retrying"
    return "waiting" if any(row.state is State.WAITING for row in rows) or not rows else "queued"


def _parts(view: RunView, text: str, at: float) -> tuple[Part, ...]:
    """The text, cut where it tells a length of time that changes by itself."""
    ticking: dict[str, Part] = {}
    for row in open_rows(view):
        if row.until is not None and row.until > at:
            words = f"in {lasting(row.until - at)}"
            ticking[words] = Part(words, until=row.until)
            ticking[moment(row.until, at)] = Part(moment(row.until, at), at=row.until)
        else:
            words = f"({lasting(at - row.created)})"
            ticking[words] = Part(words, since=row.created)
    if not ticking:
        return (Part(text),) if text else ()
    pieces = re.split(f"({'|'.join(map(re.escape, ticking))})", text)
    return tuple(ticking.get(piece) or Part(piece) for piece in pieces if piece)
