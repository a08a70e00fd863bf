"""One run as a picture of lines: what it did, when, and how it ended."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from rich.text import Text

from workflow_runtime.inspect.axis import Axis
from workflow_runtime.inspect.heading import Looked, draw_error, draw_head
from workflow_runtime.inspect.paper import STYLES, Paper
from workflow_runtime.seeing.errors import error_line
from workflow_runtime.seeing.payloads import shortened, show
from workflow_runtime.seeing.phrases import counted, lasting, moment, short_id
from workflow_runtime.seeing.rows import OPEN, Attempt, Row, RowKind, State

_FOLDED_FROM = 12
"""So many rows of one function, or hooks or sleeps in one state, in a row are one line."""
_LABEL = 40
_PIPED_LABEL = 200
_PIPED_BAR = 40


def draw(paper: Paper, looked: Looked) -> None:
    """Print the whole picture."""
    draw_head(paper, looked)
    if looked.view.error is not None:
        draw_error(paper, looked.view)
    if looked.view.rows:
        paper.line()
        _rows(paper, looked)


def _rows(paper: Paper, looked: Looked) -> None:
    groups = list(_groups(looked.view.rows))
    brackets = _brackets(groups, paper)
    heads = [_head(paper, group, bracket, looked) for group, bracket in zip(groups, brackets, strict=True)]
    durations = [_duration(group, looked.now) for group in groups]
    label = max(head.cell_len for head in heads)
    taken = label + max(len(text) for text in durations) + 12
    room = _PIPED_BAR if not paper.is_terminal else min(80, (paper.width - taken - 2) * 2 // 3)
    axis = Axis(looked.view.rows, looked.view.started, looked.view.ended_or(looked.now), room) if room >= 10 else None
    width = max(len(text) for text in durations)
    for group, head, duration in zip(groups, heads, durations, strict=True):
        offset = (group[0].started or group[0].created) - looked.view.started
        bar = _bar(paper, axis, group) if axis is not None else Text()
        bar.append(" " * (room - bar.cell_len) if axis is not None else "")
        paper.line(
            Text(f"{max(0.0, offset):8.1f}  ", "dim"),
            head,
            " " * (label - head.cell_len + 1),
            f"{duration:>{width}}  ",
            bar,
            "  " if axis is not None else "",
            Text(_remark(group, looked), "red" if group[-1].state is State.FAILED else "dim"),
        )


def _groups(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Each row alone, but many that are alike in a row together."""
    at = 0
    while at < len(rows):
        end, alike = at + 1, _alike(rows[at])
        while end < len(rows) and alike and _alike(rows[end]) == alike:
            end += 1
        if end - at >= _FOLDED_FROM:
            yield rows[at:end]
        else:
            yield from ([row] for row in rows[at:end])
        at = end


def _alike(row: Row) -> str:
    """The same for rows that are one line when they are many; empty for one that stands for itself."""
    if row.function:
        return row.function
    return f"{row.kind} {row.state}" if row.kind in (RowKind.HOOK, RowKind.WEBHOOK, RowKind.WAIT) else ""


def _brackets(groups: Sequence[Sequence[Row]], paper: Paper) -> list[str]:
    """What was decided together stands behind one bracket."""
    batches = [group[0].batch if len(group) == 1 else 0 for group in groups]
    signs: list[str] = []
    for at, batch in enumerate(batches):
        before = at > 0 and batch and batches[at - 1] == batch
        after = at + 1 < len(batches) and batch and batches[at + 1] == batch
        glyphs = paper.glyphs
        signs.append(glyphs.middle if before and after else glyphs.last if before else glyphs.first if after else " ")
    return signs


def _head(paper: Paper, group: Sequence[Row], bracket: str, looked: Looked) -> Text:
    row = group[0]
    states = [member.state for member in group]
    worst = State.FAILED if State.FAILED in states else next((s for s in states if s in OPEN), states[0])
    what = {RowKind.WAIT: "", RowKind.HOOK: "hook ", RowKind.WEBHOOK: "webhook ", RowKind.ATTRIBUTES: "set "}
    label = what.get(row.kind, "") + row.label
    if len(group) > 1:
        label = f"{row.name if row.function or row.kind is RowKind.WAIT else row.kind} x {len(group):,}"
    elif row.kind is RowKind.WAIT and row.until is not None:
        label = f"sleep {lasting(row.until - row.created)}"
    elif row.run is not None and row.kind in (RowKind.CHILD, RowKind.WATCH):
        label += f"  {short_id(row.run) if paper.is_terminal else shortened(row.run, 100)}"
    if len(row.attempts) > 1 and len(group) == 1:
        label += f"  {counted(len(row.attempts), 'attempt')}"
    return Text.assemble(
        paper.glyph(worst), f" {bracket} ", paper.fit(Text(label), _LABEL if paper.is_terminal else _PIPED_LABEL)
    )


def _length(row: Row, now: float) -> float | None:
    if row.started is None:
        return None
    end = row.ended
    if end is None:
        if row.state not in OPEN:
            return None
        end = now
    return end - row.started


def _duration(group: Sequence[Row], now: float) -> str:
    lengths = [length for row in group if (length := _length(row, now)) is not None]
    if not lengths or group[0].kind is RowKind.ATTRIBUTES:
        return ""
    if len(group) == 1:
        return lasting(lengths[0])
    return " / ".join(lasting(value) for value in (min(lengths), statistics.median(lengths), max(lengths)))


def _bar(paper: Paper, axis: Axis, group: Sequence[Row]) -> Text:
    cells: list[tuple[str, str]] = [(" ", "")] * axis.width
    for row in group:
        if row.attempts:
            if row.ended is not None or row.state in OPEN:
                last = row.attempts[-1].ended
                _draw(
                    cells, axis, row.attempts[0].started, axis.end if last is None else last, paper.glyphs.pause, "dim"
                )
            for attempt in row.attempts:
                _draw(cells, axis, attempt.started, attempt.ended, *_sign(paper, attempt))
            if row.state is State.WAITING:
                _draw(cells, axis, row.attempts[-1].ended or axis.end, None, paper.glyphs.pause, "dim")
        elif row.kind is not RowKind.ATTRIBUTES and row.started is not None and (row.ended or row.state in OPEN):
            _draw(cells, axis, row.started, row.ended, paper.glyphs.waited, STYLES[row.state])
    bar = Text()
    for char, style in cells:
        bar.append(char, style)
    bar.rstrip()
    return bar


def _sign(paper: Paper, attempt: Attempt) -> tuple[str, str]:
    glyphs = paper.glyphs
    signs = {State.FAILED: glyphs.failed, State.LOST: glyphs.lost}
    return signs.get(attempt.state, glyphs.worked), STYLES[attempt.state]


def _draw(cells: list[tuple[str, str]], axis: Axis, start: float, end: float | None, char: str, style: str) -> None:
    first = min(axis.width - 1, int(axis.column(start)))
    last = max(first + 1, round(axis.column(axis.end if end is None else end)))
    for at in range(first, min(axis.width, last)):
        cells[at] = (char, style)


def _remark(group: Sequence[Row], looked: Looked) -> str:
    """What there is to say behind the bar."""
    row = group[0]
    if len(group) > 1:
        failed = sum(member.state is State.FAILED for member in group)
        still = sum(member.state in OPEN for member in group)
        return ", ".join([f"{failed} failed"] * bool(failed) + [f"{still:,} open"] * bool(still))
    if row.let_go:
        return "let go at the run's end"
    if row.late:
        return "not used: the run had failed"
    if row.error is not None:
        return error_line(row.error)
    if row.state is State.WAITING and row.until is not None:
        verb = "until" if row.kind is RowKind.WAIT else "again at"
        return f"{verb} {moment(row.until, looked.now, looked.zone)}"
    if row.kind in (RowKind.HOOK, RowKind.WEBHOOK):
        return f"the token is taken by {row.run}" if row.run else _payloads(row)
    if row.kind is RowKind.ATTRIBUTES:
        return shortened(" ".join(f"{k}={v}" for k, v in (row.attributes or {}).items()), 200)
    errors = [attempt.error for attempt in row.attempts if attempt.error is not None]
    return error_line(errors[-1]) if errors else ""


def _payloads(row: Row) -> str:
    if not row.payloads:
        return ""
    last = show(row.payloads[-1].value, limit=60).text
    return last if len(row.payloads) == 1 else f"{counted(len(row.payloads), 'payload')}, the last: {last}"
