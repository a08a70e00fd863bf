"""The lines of a timeline as the page's script draws them: short, since a run may have 10,000 steps. Times are ms since the run began."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from statistics import median
from typing import Any, TypeAlias

from workflow_runtime.seeing.errors import error_line
from workflow_runtime.seeing.phrases import lasting
from workflow_runtime.seeing.rows import Attempt, Row, RowKind, RunView, State

Line: TypeAlias = dict[str, Any]
"""``k`` key, ``g`` kind, ``n`` name, ``d`` detail, ``s`` state, ``p`` depth, ``b`` place in a bracket, ``t`` begin and end, ``a`` pieces of
the bar, ``x`` attempts, ``e`` what went wrong, ``u`` due, ``m`` moments, ``r`` run. A group has ``c`` count, ``f`` failures, ``st`` the least,
median and greatest duration, ``i`` the members' numbers, ``ts`` their begins, ``ds`` durations (all as differences) and ``z`` states.
"""

FOLD_FROM = 6
"""Siblings that are folded into one line, at least."""
FOLD_AT_MOST = 500
"""Members of one line: what changes in it is told anew as a whole."""
_LETTERS = {
    State.COMPLETED: "c",
    State.FAILED: "f",
    State.RUNNING: "r",
    State.WAITING: "w",
    State.QUEUED: "q",
    State.CANCELLED: "x",
}
_OPEN_HOOKS = (RowKind.HOOK, RowKind.WEBHOOK)


def lines_of(view: RunView, children: Mapping[str, RunView] | None = None) -> list[Line]:
    """The lines of the run, each child's behind the child's own."""
    return list(_lines(view, view.started, 0, "", children or {}))


def _lines(view: RunView, origin: float, depth: int, prefix: str, children: Mapping[str, RunView]) -> Iterator[Line]:
    rows = [row for row in view.rows if row.kind is not RowKind.ATTRIBUTES]
    for folded in _folded(rows):
        if len(folded) > 1:
            yield _group(folded, origin, depth, prefix)
            continue
        row = folded[0]
        line = _line(row, origin, depth, prefix)
        yield line
        child = children.get(row.run or "") if row.kind is RowKind.CHILD else None
        if child is not None and depth == 0:
            inner = list(_lines(child, origin, depth + 1, f"{child.id}/", {}))
            line["in"] = len(inner)
            yield from inner


def bracketed(lines: list[Line], rows: Mapping[str, Row]) -> None:
    """Mark neighbours that were decided together: first, middle, last."""
    for _, together in groupby(lines, key=lambda line: _batch_of(line, rows)):
        same = list(together)
        if len(same) > 1 and _batch_of(same[0], rows):
            for at, line in enumerate(same):
                line["b"] = "f" if at == 0 else "l" if at == len(same) - 1 else "m"


def _batch_of(line: Line, rows: Mapping[str, Row]) -> int:
    row = rows.get(line["k"])
    return row.batch if row is not None else 0


def _folded(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows one by one, and neighbours that call the same step in lists: by what was started together where that is many, else by number."""
    for (kind, function), neighbours in groupby(rows, key=lambda row: (row.kind, row.function)):
        same = list(neighbours)
        if len(same) < FOLD_FROM or kind not in (RowKind.STEP, RowKind.CHILD) or not function:
            yield from ([row] for row in same)
            continue
        batches = [list(batch) for _, batch in groupby(same, key=lambda row: row.batch)]
        parts = batches if len(same) / len(batches) >= FOLD_FROM else [same]
        for part in parts:
            yield from (part[at : at + FOLD_AT_MOST] for at in range(0, len(part), FOLD_AT_MOST))


def _line(row: Row, origin: float, depth: int, prefix: str) -> Line:
    line: Line = {
        "k": prefix + row.id,
        "g": row.kind.value,
        "n": row.name,
        "s": state_of(row),
        "t": [_ms(row.created, origin), _end(row, origin)],
        "a": pieces(row, origin),
    }
    if row.detail:
        line["d"] = row.detail
    elif row.kind is RowKind.WAIT and row.until is not None:
        line["d"] = lasting(_plainly(row.until - row.created))
    if depth:
        line["p"] = depth
    if len(row.attempts) > 1:
        line["x"] = len(row.attempts)
    if noted := _note(row):
        line["e"] = noted
    if row.until is not None and row.state is State.WAITING:
        line["u"] = _ms(row.until, origin)
    if row.payloads:
        line["m"] = [_ms(payload.time, origin) for payload in row.payloads]
    if row.kind is RowKind.CHILD and row.run:
        line["r"] = row.run
    return line


def _plainly(seconds: float) -> float:
    """What was asked for: the moment of the decision is some milliseconds before that of its commit."""
    return float(round(seconds)) if abs(seconds - round(seconds)) < 0.08 and seconds > 0.9 else seconds


def state_of(row: Row) -> str:
    """The state as a word that the page has a shape for."""
    if row.state is State.WAITING and row.kind is RowKind.STEP:
        return "retrying"
    if row.state is State.WAITING and row.kind is RowKind.WAIT:
        return "sleeping"
    return "running" if row.state is State.STARTED else row.state.value


def pieces(row: Row, origin: float) -> list[list[Any]]:
    """The bar, as ``[what, begin, end]`` from left to right; the end is None while it goes on.

    ``q`` queue, ``o`` done, ``r`` running, ``f`` failed, ``b`` between attempts, ``x`` cancelled or lost, ``w`` sleep, ``h`` hook, ``n`` run.
    """
    if row.kind is RowKind.STEP:
        return list(_attempt_pieces(row, origin))
    what = "h" if row.kind in _OPEN_HOOKS else "w" if row.kind is RowKind.WAIT else "n"
    what = "f" if row.state is State.FAILED and what == "n" else what
    return [[what, _ms(row.created, origin), _end(row, origin)]]


def _attempt_pieces(row: Row, origin: float) -> Iterator[list[Any]]:
    begun = row.attempts[0].started if row.attempts else row.ended
    if begun is None or begun - row.created > 0.002:
        yield ["q", _ms(row.created, origin), None if begun is None else _ms(begun, origin)]
    last: Attempt | None = None
    for attempt in row.attempts:
        if last is not None and last.ended is not None:
            yield ["b", _ms(last.ended, origin), _ms(attempt.started, origin)]
        end = attempt.ended if attempt.ended is not None else row.ended
        yield [_PIECES[attempt.state], _ms(attempt.started, origin), None if end is None else _ms(end, origin)]
        last = attempt
    if last is not None and last.ended is not None and row.state is State.WAITING:
        yield ["b", _ms(last.ended, origin), None]


_PIECES = {
    State.COMPLETED: "o",
    State.RUNNING: "r",
    State.FAILED: "f",
    State.CANCELLED: "x",
    State.LOST: "x",
    State.QUEUED: "q",
    State.WAITING: "b",
    State.STARTED: "n",
}


def _note(row: Row) -> str:
    if row.late:
        return "came late: not used"
    if row.error is not None:
        return error_line(row.error)
    if row.let_go:
        return "open when the run ended"
    errors = [attempt.error for attempt in row.attempts if attempt.error is not None]
    return error_line(errors[-1]) if errors else ""


def _group(rows: Sequence[Row], origin: float, depth: int, prefix: str) -> Line:
    starts = [_ms(row.created if row.started is None else row.started, origin) for row in rows]
    ends = [None if row.ended is None else _ms(row.ended, origin) for row in rows]
    took = [end - start for start, end in zip(starts, ends, strict=True) if end is not None]
    failed = sum(row.state is State.FAILED for row in rows)
    still = [row for row in rows if row.ended is None and not row.let_go]
    line: Line = {
        "k": f"{prefix}{rows[0].id}+",
        "g": "group",
        "n": rows[0].name,
        "s": _group_state(rows, failed, still=bool(still)),
        "t": [min(starts), None if still else max((end for end in ends if end is not None), default=max(starts))],
        "c": len(rows),
        "i": _differences([int(row.id.rpartition("_")[2]) for row in rows]),
        "j": rows[0].id.rpartition("_")[0],
        "ts": _differences(starts),
        "ds": [-1 if end is None else end - start for start, end in zip(starts, ends, strict=True)],
        "z": "".join(_LETTERS.get(row.state, "x") for row in rows),
    }
    if took:
        line["st"] = [min(took), round(median(took)), max(took)]
    if failed:
        line["f"] = failed
    if depth:
        line["p"] = depth
    return line


def _group_state(rows: Sequence[Row], failed: int, *, still: bool) -> str:
    if still:
        return "running" if any(row.state is State.RUNNING for row in rows) else "queued"
    return "failed" if failed else "cancelled" if all(row.state is State.CANCELLED for row in rows) else "completed"


def member_details(rows: Iterable[Row], origin: float) -> list[list[Any]]:
    """What a group's line leaves out of each member: detail, attempts, what went wrong, and the bar of one that was tried again."""
    return [
        [row.detail, len(row.attempts), _note(row), pieces(row, origin) if len(row.attempts) > 1 else None]
        for row in rows
    ]


def _differences(numbers: Sequence[int]) -> list[int]:
    return [number - before for before, number in zip([0, *numbers[:-1]], numbers, strict=True)] if numbers else []


def _ms(time: float, origin: float) -> int:
    return round((time - origin) * 1000)


def _end(row: Row, origin: float) -> int | None:
    return None if row.ended is None else _ms(row.ended, origin)
