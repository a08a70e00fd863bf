"""What each run does now, in a line: looked up once for each change of its log, with the times in it left to tick in the page."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from workflow_runtime.errors import RunNotFoundError
from workflow_runtime.seeing.held import A_WHILE, ASK_AGAIN, NOT_HELD, Held, pauses
from workflow_runtime.seeing.payloads import shortened
from workflow_runtime.seeing.phrases import lasting, moment
from workflow_runtime.seeing.reading import read_briefly, read_handed_back
from workflow_runtime.seeing.rows import RowKind, RunView, State
from workflow_runtime.seeing.standing import Standing, standing, waiting_since
from workflow_runtime.seeing.timeline import open_rows
from workflow_runtime.web.manifests import retries_of
from workflow_runtime.worlds.base import RunInfo, RunStatus, World

_KEPT = 2000
_LACKED = 5


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
    lacked: tuple[str, ...] = ()
    """The ids of steps that no running worker seems to have."""

    @property
    def text(self) -> str:
        """The sentence as it was when it was looked up."""
        return "".join(part.text for part in self.parts)


@dataclass(frozen=True, slots=True)
class _Known:
    """Where a run stood, and what that was found from."""

    now: Now
    held: Held
    since: float | None
    """Since when something of it waits for a worker."""
    asked: float
    """When the queue was asked what it says of the run."""


class Standings:
    """Remembers where runs stand, as long as their logs do not grow, and nothing else holds them up."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._known: OrderedDict[tuple[str, int, RunStatus], _Known] = OrderedDict()

    async def of(self, run: RunInfo, paused: Sequence[str] = ()) -> Now:
        """Where the run stands. ``paused`` is what ``World.paused`` gives."""
        key = (run.id, run.slot, run.status)
        known = self._known.get(key)
        try:
            found = await self._look(run, known, pauses(run, paused))
        except RunNotFoundError:  # it was removed a moment ago
            return Now(run.status.value, ())
        self._known[key] = found
        self._known.move_to_end(key)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return found.now

    async def _look(self, run: RunInfo, known: _Known | None, paused: tuple[str, ...]) -> _Known:
        at, view = time.time(), None
        if known is None:
            view = await read_briefly(self._world, run)
            known = _Known(now_of(view, at), NOT_HELD, waiting_since(view), 0.0)
        held, asked = replace(known.held, paused=paused), known.asked
        if known.since is not None and at - known.since >= A_WHILE and at - asked >= ASK_AGAIN:
            held, asked = Held(paused, await read_handed_back(self._world, run.id)), at
        if held == known.held:
            return replace(known, asked=asked)
        view = view or await read_briefly(self._world, run)
        return _Known(now_of(view, at, held), held, known.since, asked)


def now_of(view: RunView, at: float, held: Held = NOT_HELD) -> Now:
    """Where the run stood at that time."""
    retried = {row.function for row in open_rows(view) if row.kind is RowKind.STEP and row.state is State.WAITING}
    most = {function: number for function in retried if (number := retries_of(function)) is not None}
    found = standing(view, at, held=held, retries=most)
    return Now(_state(view, found), _parts(view, found.text, at), found.tokens, _lacked(view, found))


def _lacked(view: RunView, found: Standing) -> tuple[str, ...]:
    """The steps that no running worker seems to have."""
    steps = [shortened(row.function, 200) for row in view.rows if row.id in found.handed_back]
    return tuple(dict.fromkeys(steps))[:_LACKED]


def _state(view: RunView, found: Standing) -> str:
    if found.paused and found.waits:
        return "paused"
    if view.status is not RunStatus.RUNNING or not found.waits:
        return view.status.value
    rows = open_rows(view)
    if any(row.kind is RowKind.STEP and row.state is State.WAITING for row in rows):
        return "retrying"
    is_busy = not found.handed_back and rows and all(row.state is not State.WAITING for row in rows)
    return "queued" if is_busy else "waiting"


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
