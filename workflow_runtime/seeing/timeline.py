"""A run as people look at it: what it did, in the order in which its workflow called for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from workflow_runtime.events import EventKind, Json
from workflow_runtime.seeing.folding import Draft, Fold, is_open
from workflow_runtime.seeing.payloads import brief, shortened
from workflow_runtime.seeing.phrases import name_of
from workflow_runtime.seeing.rows import OPEN, Row, RowKind, RunView, State
from workflow_runtime.worlds.types import Log, RunInfo, RunStatus

_LOOKED_AT = 4
"""How many arguments are looked at for one that tells siblings apart."""


def timeline(log: Log) -> RunView:
    """The run that the log tells of. A log that lacks its beginning gives the rows that the rest tells of. Linear in the log."""
    fold = Fold()
    fold.take(log.events)
    drafts = _distinct(fold)
    details = _details(drafts)
    error = fold.end.data.get("error") if fold.end is not None and fold.end.kind is EventKind.RUN_FAILED else None
    culprit = None if error is None else _culprit(drafts, error)
    # What the workflow decided after its step's failure shows that it went on: then nobody knows what it still used.
    decided = culprit is not None and fold.last_decision < culprit.end_slot
    late_after = culprit.end_slot if culprit is not None and decided else None
    ended = log.run.status.ended
    rows = tuple(_row(draft, details.get(draft.id, ""), late_after, ended=ended) for draft in drafts)
    end = fold.end.data if fold.end is not None else {}
    return RunView(
        log.run,
        shortened(name_of(log.run.workflow), 200),
        rows,
        log.run.slot,
        fold.created.get("input"),
        end.get("output"),
        error,
        end.get("reason"),
        fold.created.get("continues"),
        end.get("run") if log.run.status is RunStatus.CONTINUED else None,
        fold.created.get("retries"),
        fold.created.get("began"),
        None if culprit is None else culprit.id,
        culprit.ended if culprit is not None and decided else None,
    )


def with_children(view: RunView, children: Iterable[RunInfo]) -> RunView:
    """The run with what its children themselves say, where its own log does not: those whose end it does not await."""
    known = {child.id: child for child in children}
    states = {
        RunStatus.COMPLETED: State.COMPLETED,
        RunStatus.FAILED: State.FAILED,
        RunStatus.CANCELLED: State.CANCELLED,
    }

    def told(row: Row) -> Row:
        child = known.get(row.run or "") if row.kind is RowKind.CHILD and row.state is State.STARTED else None
        if child is None:
            return row
        return replace(row, state=states.get(child.status, State.RUNNING), ended=child.ended_at)

    return replace(view, rows=tuple(told(row) for row in view.rows))


def _distinct(fold: Fold) -> list[Draft]:
    """A child and its watch share a draft; it stands where the child was started."""
    return [draft for entity, draft in fold.drafts.items() if draft.id == entity]


def _row(draft: Draft, detail: str, late_after: int | None, *, ended: bool) -> Row:
    let_go = ended and is_open(draft)
    attempts = draft.attempts
    if let_go and attempts and attempts[-1].state is State.RUNNING:
        attempts = [*attempts[:-1], replace(attempts[-1], state=State.CANCELLED)]
    return Row(
        draft.id,
        draft.kind,
        draft.name,
        detail,
        draft.function,
        State.CANCELLED if let_go else draft.state,
        draft.created,
        draft.started,
        draft.ended,
        draft.slot,
        draft.end_slot,
        draft.batch,
        tuple(attempts),
        payloads=tuple(draft.payloads),
        let_go=let_go,
        late=late_after is not None and draft.end_slot > late_after,
        **draft.more,
    )


def _details(drafts: Iterable[Draft]) -> dict[str, str]:
    """For rows of the same name, the first argument that tells them apart, or else the first."""
    siblings: dict[tuple[str, str], list[Draft]] = {}
    for draft in drafts:
        if draft.function:
            siblings.setdefault((draft.kind, draft.function), []).append(draft)
    details: dict[str, str] = {}
    for rows in siblings.values():
        if len(rows) > 1:
            details |= _told_apart(rows)
    return details


def _told_apart(rows: list[Draft]) -> Mapping[str, str]:
    first: dict[str, str] = {}
    for at in range(_LOOKED_AT):
        texts = {row.id: _argument(row.more.get("input"), at) for row in rows}
        if len(set(texts.values())) > 1:
            return texts
        if not any(texts.values()):
            break
        first = first or texts
    return first


def _argument(call: Json, at: int) -> str:
    if type(call) is not dict:
        return ""
    args, kwargs = call.get("args"), call.get("kwargs")
    positional = args if type(args) is list else []
    if at < len(positional):
        return brief(positional[at])
    named = list(kwargs.values()) if type(kwargs) is dict else []
    at -= len(positional)
    return brief(named[at]) if at < len(named) else ""


def _culprit(drafts: list[Draft], error: Json) -> Draft | None:
    """The last row whose error is the run's, or behind it."""
    wanted: list[tuple[Json, Json]] = []
    while type(error) is dict and len(wanted) < 20:
        wanted.append((error.get("type"), error.get("message")))
        error = error.get("cause", error.get("context"))
    failed = [draft for draft in drafts if draft.state is State.FAILED and type(draft.more.get("error")) is dict]
    for kind, message in wanted:
        for draft in reversed(failed):
            theirs = draft.more["error"]
            if theirs.get("type") == kind and theirs.get("message") == message:
                return draft
    return None


def open_rows(view: RunView) -> tuple[Row, ...]:
    """The rows that something can still come of, in order."""
    return tuple(row for row in view.rows if row.state in OPEN)
