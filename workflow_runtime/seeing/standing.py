"""What a run waits for now, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo

from workflow_runtime.seeing.errors import error_line
from workflow_runtime.seeing.held import NOT_HELD, Held
from workflow_runtime.seeing.payloads import shortened
from workflow_runtime.seeing.phrases import counted, lasting, moment, short_id
from workflow_runtime.seeing.rows import Row, RowKind, RunView, State
from workflow_runtime.seeing.timeline import open_rows
from workflow_runtime.worlds.types import RunStatus

_NAMED = 3
"""How many things of one kind are named."""
_OVERDUE = 10.0
"""Seconds by which a worker that runs is hardly ever late."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a run stands. ``text`` is empty when the status says it all."""

    text: str
    waits: bool
    """Whether it is running, and no step of it is: it waits for a time, a payload, a run, a retry or a worker."""
    until: float | None
    """Unix time of the next thing that is known to happen."""
    tokens: tuple[str, ...] = ()
    """The tokens of the hooks that it waits for."""
    paused: tuple[str, ...] = ()
    """What has to be unpaused for it to go on: its workflow's id, an empty text for everything."""
    handed_back: Mapping[str, int] = field(default_factory=dict)
    """How often workers handed back each step, by the row's id, that no running one seems to have."""

    def status_of(self, view: RunView) -> str:
        """The run's status, but ``paused`` when it could go on and is paused, ``waiting`` when it runs and no step of it does."""
        if self.paused and self.waits:
            return "paused"
        return "waiting" if self.waits and view.status is RunStatus.RUNNING else view.status.value


def standing(
    view: RunView,
    now: float,
    *,
    held: Held = NOT_HELD,
    retries: Mapping[str, int] | None = None,
    zone: tzinfo | None = UTC,
) -> Standing:
    """Where the run stands at ``now`` (unix seconds). ``held``: what keeps its messages from workers. ``retries``: how often each step, by id,
    is retried at most, where that is known.
    """
    if view.status.ended:
        return Standing(_end(view), False, None)
    parts = ["paused"] if held.paused else []
    if view.status is RunStatus.PENDING:
        return Standing("; ".join([*parts, _not_begun(held)]), True, None, paused=held.paused)
    rows = open_rows(view)
    running = [row for row in rows if row.kind is RowKind.STEP and row.state is State.RUNNING]
    lacked = {row.id: row for row in rows if row.id in held.handed_back and _waits_for_worker(row, now)}
    waiting = _waiting(view, [row for row in rows if row.id not in lacked], now, retries or {}, zone, held)
    parts += [f"runs {_named([row.label for row in running], view)}"] if running else []
    parts += [_lacked(list(lacked.values()), view, held)] if lacked else []
    times = [row.until for row in rows if row.until is not None]
    tokens = tuple(row.token for row in _hooks(view, rows) if row.token is not None)
    return Standing(
        "; ".join(parts + waiting),
        not running and bool(held.paused or lacked or waiting),
        min(times, default=None),
        tokens,
        held.paused,
        {row_id: held.handed_back[row_id] for row_id in lacked},
    )


def waiting_since(view: RunView) -> float | None:
    """Since when, or from when on, something of the run waits for a worker, as far as its log tells; None when nothing does."""
    if view.status is RunStatus.PENDING:
        return view.info.created_at
    steps = [row for row in open_rows(view) if row.kind is RowKind.STEP and row.state is not State.RUNNING]
    return min((row.created if row.until is None else row.until for row in steps), default=None)


def _waits_for_worker(row: Row, now: float) -> bool:
    """Whether it is a step that a worker could begin now."""
    is_due = row.state is State.WAITING and row.until is not None and row.until <= now
    return row.kind is RowKind.STEP and (row.state is State.QUEUED or is_due)


def _not_begun(held: Held) -> str:
    if held.paused:
        return "it has not begun"
    times = held.handed_back.get("", 0)
    return (
        f"handed back {times} times before it began; the log of the workers says why" if times else "waits for a worker"
    )


def _lacked(rows: Sequence[Row], view: RunView, held: Held) -> str:
    times = max(held.handed_back[row.id] for row in rows)
    one = len(rows) == 1
    return (
        f"{_named([row.label for row in rows], view)} {'has' if one else 'have'} been handed back {times} times:"
        f" it looks as if no running worker has {'this step' if one else 'these steps'}"
    )


def _end(view: RunView) -> str:
    match view.status:
        case RunStatus.FAILED:
            return error_line(view.error) if view.error is not None else ""
        case RunStatus.CANCELLED:
            return shortened(view.reason or "", 200)
        case RunStatus.CONTINUED:
            return f"goes on as {short_id(view.successor or '?')}"
    return ""


def _hooks(view: RunView, rows: Sequence[Row]) -> list[Row]:
    """The hooks that wait for a payload; when nothing else is open, those that can have more, too."""
    found = [row for row in rows if row.token is not None]
    if found or rows:
        return found
    return [row for row in view.rows if row.payloads and not row.disposed and row.token is not None]


def _waiting(
    view: RunView, rows: Sequence[Row], now: float, retries: Mapping[str, int], zone: tzinfo | None, held: Held
) -> list[str]:
    parts = [_retry(row, now, retries) for row in rows if row.kind is RowKind.STEP and row.state is State.WAITING]
    if len(parts) > _NAMED:
        parts = [*parts[:_NAMED], f"{len(parts) - _NAMED:,} more retries"]
    queued = [row.label for row in rows if row.state is State.QUEUED]
    if queued:
        verb = "waits" if len(queued) == 1 else "wait"
        parts.append(f"{_named(queued, view)} {verb} {'in the queue' if held.paused else 'for a worker'}")
    for_what = []
    if hooks := _hooks(view, rows):
        names = [f"{row.kind} {row.name}{_since(row, now)}" for row in hooks]
        for_what.append(_named(names, view, "or"))
    if runs := [row for row in rows if row.run is not None]:
        for_what.append(_named([_awaited_run(row, now) for row in runs], view))
    if waits := [row.until for row in rows if row.kind is RowKind.WAIT and row.until is not None]:
        until = min(waits)
        late = now - until
        when = f"{lasting(late)} ago: does a worker run?" if late > _OVERDUE else _in(until, now)
        for_what.append(f"until {moment(until, now, zone)} ({when})")
    if for_what:
        only_time = len(for_what) == 1 and for_what[0].startswith("until ")
        parts.append(f"waits {for_what[0]}" if only_time else f"waits for {', or '.join(for_what)}")
    return parts


def _since(row: Row, now: float) -> str:
    if row.payloads:
        return f" ({counted(len(row.payloads), 'payload')} so far)"
    return f" ({lasting(now - row.created)})"


def _awaited_run(row: Row, now: float) -> str:
    name = f"{row.name} " if row.kind is RowKind.CHILD else ""
    return f"run {name}{short_id(row.run or '')} ({lasting(now - row.created)})"


def _retry(row: Row, now: float, retries: Mapping[str, int]) -> str:
    most = retries.get(row.function)
    of = f" of {most}" if most else ""
    error = error_line(row.attempts[-1].error) if row.attempts else ""
    when = _in(row.until, now) if row.until is not None else "soon"
    number = sum(attempt.counted for attempt in row.attempts if attempt.state is State.FAILED)
    what = f"retry {number}{of} of {row.label}" if number else f"{row.label} is asked again"
    return f"{what} {when}" + (f": {error}" if error else "")


def _in(time: float, now: float) -> str:
    return f"in {lasting(time - now)}" if time > now else "now"


def _named(names: Sequence[str], view: RunView, joint: str = "and") -> str:
    """``a, b and c``, or the first few and how many more, if that is known: not when only the end of the log was read."""
    if len(names) > _NAMED:
        rest = f"{len(names) - _NAMED:,} more" if view.input is not None else "more"
        return f"{', '.join(names[:_NAMED])} and {rest}"
    return f" {joint} ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
