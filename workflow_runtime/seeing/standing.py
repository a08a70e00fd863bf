"""What a run waits for now, in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, tzinfo

from workflow_runtime.seeing.errors import error_line
from workflow_runtime.seeing.payloads import shortened
from workflow_runtime.seeing.phrases import counted, lasting, moment, short_id
from workflow_runtime.seeing.rows import Row, RowKind, RunView, State
from workflow_runtime.seeing.timeline import open_rows
from workflow_runtime.worlds.types import RunStatus

_NAMED = 3
"""How many things of one kind are named."""


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


def standing(
    view: RunView, now: float, *, retries: Mapping[str, int] | None = None, zone: tzinfo | None = UTC
) -> Standing:
    """Where the run stands at ``now`` (unix seconds). ``retries``: how often each step, by id, is retried at most, where that is known."""
    if view.status.ended:
        return Standing(_end(view), False, None)
    if view.status is RunStatus.PENDING:
        return Standing("waits for a worker", True, None)
    rows = open_rows(view)
    running = [row for row in rows if row.kind is RowKind.STEP and row.state is State.RUNNING]
    waiting = _waiting(view, rows, now, retries or {}, zone)
    parts = [f"runs {_named([row.label for row in running])}"] if running else []
    text = "; ".join(parts + waiting)
    times = [row.until for row in rows if row.until is not None]
    tokens = tuple(row.token for row in _hooks(view, rows) if row.token is not None)
    return Standing(text, not running and bool(waiting), min(times, default=None), tokens)


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
    view: RunView, rows: Sequence[Row], now: float, retries: Mapping[str, int], zone: tzinfo | None
) -> list[str]:
    parts = [_retry(row, now, retries) for row in rows if row.kind is RowKind.STEP and row.state is State.WAITING]
    if len(parts) > _NAMED:
        parts = [*parts[:_NAMED], f"{len(parts) - _NAMED:,} more retries"]
    queued = [row.label for row in rows if row.state is State.QUEUED]
    if queued:
        parts.append(f"{_named(queued)} {'waits' if len(queued) == 1 else 'wait'} for a worker")
    for_what = []
    if hooks := _hooks(view, rows):
        names = [f"{row.kind} {row.name}{_since(row, now)}" for row in hooks]
        for_what.append(_named(names, "or"))
    if runs := [row for row in rows if row.run is not None]:
        for_what.append(_named([_awaited_run(row, now) for row in runs], "and"))
    if waits := [row.until for row in rows if row.kind is RowKind.WAIT and row.until is not None]:
        until = min(waits)
        for_what.append(f"until {moment(until, now, zone)} ({_in(until, now)})")
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


def _named(names: Sequence[str], joint: str = "and") -> str:
    """``a, b and c``, or the first few and how many more."""
    if len(names) > _NAMED:
        return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED:,} more"
    return f" {joint} ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
