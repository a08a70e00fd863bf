"""Lists in the terminal: runs, steps, events, hooks, streams."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from rich.text import Text

from workflow_runtime.events import Event, EventKind
from workflow_runtime.inspect.paper import STYLES, Paper
from workflow_runtime.seeing.errors import error_line
from workflow_runtime.seeing.payloads import brief, shortened, show, show_call, visible
from workflow_runtime.seeing.phrases import lasting, moment, name_of, short_id, unpause_command
from workflow_runtime.seeing.rows import OPEN, Row, RunView
from workflow_runtime.seeing.standing import Standing
from workflow_runtime.worlds.types import StreamInfo

_NARROW = 120
_VALUE = 120
"""Characters of a value in a list."""


def runs_table(
    paper: Paper, runs: Sequence[tuple[RunView, Standing]], now: float, zone: tzinfo | None, more: str | None
) -> None:
    """One line a run: where it stands, and what it waits for. On a narrow terminal, ids are shortened, and attributes left out."""
    narrow = paper.width < _NARROW
    rows: list[Sequence[Text | str]] = []
    for view, standing in runs:
        status = standing.status_of(view)
        end = now if view.info.ended_at is None else view.info.ended_at
        attributes = " ".join(
            f"{shortened(name, 40)}={shortened(value, 40)}" for name, value in view.info.attributes.items()
        )
        rows.append(
            [
                Text.assemble(paper.glyph(status), " ", (status, STYLES.get(status, ""))),
                Text(view.name, "bold"),
                short_id(view.id) if narrow else shortened(view.id, 100),
                moment(view.info.created_at, now, zone),
                lasting(end - view.info.created_at),
                *([] if narrow else [attributes]),
                Text(standing.text, "red" if status == "failed" else ""),
            ]
        )
    if not rows:
        paper.line("no runs fit")
        return
    head = ["status", "workflow", "run", "created", "took", *([] if narrow else ["attributes"]), "now"]
    paper.table(head, rows, right=(4,))
    for paused in dict.fromkeys(name for _, standing in runs for name in standing.paused):
        paper.line(Text(f"unpause {name_of(visible(paused)) or 'everything'}: {unpause_command(paused)}", "dim"))
    if more is not None:
        paper.line(Text(f"more: --before {more}", "dim"))


def steps_table(paper: Paper, view: RunView, now: float) -> None:
    """One line for all that the run did, in the order of the calls."""
    rows: list[Sequence[Text | str]] = []
    for row in view.rows:
        took = (
            ""
            if row.started is None
            else lasting((row.ended or (now if row.state in OPEN else row.started)) - row.started)
        )
        rows.append(
            [
                row.id,
                Text.assemble(paper.glyph(row.state), " ", (row.state.value, STYLES[row.state])),
                Text.assemble("" if row.function else f"{row.kind} ", (row.name, "bold")),
                took,
                str(len(row.attempts) or ""),
                show_call(row.input, limit=_VALUE).text if row.input is not None else "",
                _came(row),
            ]
        )
    if not rows:
        paper.line("nothing yet")
        return
    paper.table(("id", "state", "name", "took", "runs", "arguments", "result"), rows, right=(3, 4))


def _came(row: Row) -> Text | str:
    if row.error is not None:
        return Text(error_line(row.error), "red")
    if row.payloads:
        return show(row.payloads[-1].value, limit=_VALUE).text
    return show(row.output, limit=_VALUE).text if row.output is not None else ""


def event_line(paper: Paper, event: Event, name: str, start: float, *, zone: tzinfo | None) -> None:
    """One event on one line: slot, time, offset, kind, what it is about, and what it says."""
    clock = datetime.fromtimestamp(event.time, UTC).astimezone(zone)
    paper.line(
        Text(f"{event.slot:6}  {clock:%H:%M:%S}.{clock.microsecond // 1000:03}  {event.time - start:+9.3f}  ", "dim"),
        Text(f"{event.kind.value:<16}", _STYLE.get(event.kind, "")),
        f"  {event.entity:<18}  {shortened(name, 40):<20}  ",
        _said(event),
    )


_STYLE = {
    EventKind.STEP_FAILED: "red",
    EventKind.RUN_FAILED: "red",
    EventKind.STEP_RETRYING: "yellow",
    EventKind.STEP_COMPLETED: "green",
    EventKind.RUN_COMPLETED: "green",
}


def _said(event: Event) -> str:
    data = event.data
    if data.get("error") is not None:
        return error_line(data["error"])
    parts = []
    if "attempt" in data and event.kind is EventKind.STEP_STARTED:
        parts.append(f"attempt {data['attempt']}")
    if data.get("input") is not None:
        parts.append(f"({show_call(data['input'], limit=_VALUE).text})")
    parts += [show(data[name], limit=_VALUE).text for name in ("output", "payload") if data.get(name) is not None]
    if isinstance(data.get("attributes"), dict):
        parts.append(" ".join(f"{shortened(k, 40)}={brief(v)}" for k, v in data["attributes"].items()))
    parts += [shortened(str(data[name]), 200) for name in ("token", "run", "reason") if data.get(name)]
    if isinstance(data.get("until"), int | float):
        parts.append(f"for {lasting(data['until'] - event.time)}")
    return " ".join(part for part in parts if part)


def hooks_table(paper: Paper, hooks: Sequence[tuple[RunView, Row]], now: float) -> None:
    """One line a hook."""
    rows = [
        [
            Text(row.name, "bold"),
            row.kind.value,
            Text.assemble(paper.glyph(row.state), " ", (row.state.value, STYLES[row.state])),
            lasting(now - row.created),
            str(len(row.payloads)),
            view.name,
            view.id,
            show(row.metadata, limit=_VALUE).text if row.metadata is not None else "",
        ]
        for view, row in hooks
    ]
    if not rows:
        paper.line("no hooks")
        return
    head = ("token", "kind", "state", "age", "payloads", "workflow", "run", "metadata")
    paper.table(head, rows, right=(3, 4), grow=-1)


def streams_table(paper: Paper, streams: Sequence[StreamInfo]) -> None:
    """One line a stream."""
    rows = [[shortened(one.name, 200), f"{one.length:,}", "closed" if one.closed else "open"] for one in streams]
    if not rows:
        paper.line("no streams")
        return
    paper.table(("stream", "chunks", ""), rows, right=(1,))
