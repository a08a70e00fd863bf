"""The head of the picture of one run: what it is, what it waits for, what to type, and what went wrong."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo

from rich.text import Text

from workflow_runtime.inspect.paper import STYLES, Paper
from workflow_runtime.seeing.errors import ErrorView, error_view
from workflow_runtime.seeing.payloads import shortened, show, show_call, visible
from workflow_runtime.seeing.phrases import counted, lasting, moment, unpause_command
from workflow_runtime.seeing.rows import RunView
from workflow_runtime.seeing.standing import Standing

_FRAMES = 8
_STEPS = 5


@dataclass(frozen=True, slots=True)
class Looked:
    """A run, and when and where it is looked at."""

    view: RunView
    standing: Standing
    now: float
    zone: tzinfo | None
    retried_as: str | None = None
    """The run that runs this one again."""


def draw_head(paper: Paper, looked: Looked) -> None:
    """Print the lines above the rows of a run."""
    view, standing = looked.view, looked.standing
    status = standing.status_of(view)
    end = looked.now if view.info.ended_at is None else view.info.ended_at
    times = moment(view.info.created_at, looked.now, looked.zone)
    if view.info.ended_at is not None:
        times += f" {paper.glyphs.arrow} {moment(view.info.ended_at, looked.now, looked.zone)}"
    attributes = [f"{shortened(name, 60)}={shortened(value, 60)}" for name, value in view.info.attributes.items()]
    parts: list[Text | str] = [
        Text(view.name, "bold"),
        "  ",
        Text(status, STYLES.get(status, "")),
        f"  {lasting(end - view.info.created_at)}  {view.id}",
    ]
    rest = [f"  {times}", *(["  " + " ".join(attributes)] if attributes else [])]
    if Text.assemble(*parts, *rest).cell_len <= paper.width:
        paper.line(*parts, *rest)
    else:
        paper.line(*parts)
        paper.line(*rest)
    for said in _relations(looked):
        paper.line(Text(said, "dim"))
    if standing.text and view.error is None:
        paper.line(Text(standing.text, STYLES.get(status, "")))
    for said in _remedies(looked):
        paper.line(Text(said, "dim"))
    if view.input is not None:
        paper.line(Text("input  ", "dim"), show_call(view.input, limit=300).text)
    if view.output is not None:
        paper.line(Text("result ", "dim"), show(view.output, limit=300).text)


def _remedies(looked: Looked) -> Iterator[str]:
    """What to type, or else to do, for the run to go on."""
    view, standing = looked.view, looked.standing
    for paused in standing.paused:
        yield f"unpause it: {visible(unpause_command(paused))}"
    steps = [row.function for row in view.rows if row.id in standing.handed_back]
    for step in list(dict.fromkeys(steps))[:_STEPS]:
        yield f"put {shortened(step, 200)} back under that name, or start a worker that has it"
    if steps:
        yield "the log of the workers says whether it is that"
        yield f"or give the run up: python -m workflow_runtime cancel {_shell(view.id)}"
    for token in standing.tokens[:1]:
        yield f"resume it: python -m workflow_runtime resume {_shell(token)} JSON"


def _relations(looked: Looked) -> Iterator[str]:
    view = looked.view
    if view.info.parent is not None:
        yield f"started by {view.info.parent}"
    if view.continues is not None:
        yield f"goes on for {view.continues}"
    if view.retries is not None:
        yield f"runs {view.retries} again"
    if looked.retried_as is not None:
        yield f"run again as {looked.retried_as}"


def draw_error(paper: Paper, view: RunView) -> None:
    """Print the error that the run ended with, and those behind it."""
    row = view.row(view.failed_row) if view.failed_row is not None else None
    errors = error_view(view.error).chain
    for at, error in enumerate(errors):
        if at:
            how = "from" if errors[at - 1].is_cause else "while handling"
            paper.line(Text(f"{how} ", "dim"), Text(error.line, "red"))
        else:
            where = f"  in {row.label} ({row.id})" if row is not None else ""
            paper.line()
            paper.lines(f"{error.name}: {error.message}" if error.message else error.name, "red")
            if where:
                paper.line(Text(where, "dim"))
        _frames(paper, error)


def _frames(paper: Paper, error: ErrorView) -> None:
    for note in error.notes:
        paper.lines(note, "dim", "  ")
    for frame in error.own_frames[-_FRAMES:]:
        paper.line("  ", Text(frame.place, "cyan"), f" in {frame.function}" if frame.function else "")
        if frame.source:
            paper.line("    ", frame.source.split("\n", 1)[0].strip())
    if library := error.library_frames:
        paper.line(Text(f"  {counted(len(library), 'library frame')}", "dim"))


def _shell(token: str) -> str:
    return shlex.quote(shortened(token, 200))
