"""The list of runs, as its template shows it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workflow_runtime.errors import RunNotFoundError
from workflow_runtime.seeing.payloads import shortened, visible
from workflow_runtime.seeing.phrases import counted, name_of, unpause_command
from workflow_runtime.web.finding import PAGE, Search, count, find
from workflow_runtime.web.rendering import render
from workflow_runtime.web.standings import Standings
from workflow_runtime.worlds.base import RunInfo, RunStatus, World

_ORDER = (
    RunStatus.RUNNING,
    RunStatus.PENDING,
    RunStatus.FAILED,
    RunStatus.COMPLETED,
    RunStatus.CANCELLED,
    RunStatus.CONTINUED,
)
_TAGS, _TAG_LENGTH = 4, 40
_LONGEST_BAR = 86400.0  # seconds
_COUNTED = 10_000
_PAUSED = 10


@dataclass(frozen=True, slots=True)
class ListPage:
    """All that the list shows."""

    heading: str
    counts: Sequence[Mapping[str, Any]]
    rows: Sequence[Mapping[str, Any]]
    older: str
    nothing: str
    paused: Sequence[tuple[str, str]] = ()
    """What is paused, and the command that takes it back."""

    @property
    def mark(self) -> str:
        """Another one for anything else that the list may show."""
        shown = repr((self.heading, self.counts, self.rows, self.paused))
        return hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()[:16]


async def list_page(world: World, search: Search, standings: Standings, name: str) -> ListPage:
    """The list as the world has it now."""
    try:
        runs = await find(world, search, PAGE + 1)
    except RunNotFoundError:
        runs = []
    counts = await count(world, search)
    shown, more = runs[:PAGE], len(runs) > PAGE
    paused = await world.paused()
    rows = [await _row(run, standings, paused) for run in shown]
    return ListPage(
        _heading(search, counts, len(runs)),
        _counts(search, counts),
        rows,
        f"?{search.query(before=shown[-1].id)}" if more else "",
        _nothing(search, name),
        paused_told(paused),
    )


def change_of(before: ListPage | None, after: ListPage) -> dict[str, Any]:
    """What a page that shows ``before`` has to be told to show ``after``; empty when nothing."""
    known = {row["id"]: row for row in before.rows} if before else {}
    rows = {row["id"]: row_html(row) for row in after.rows if known.get(row["id"]) != row}
    change: dict[str, Any] = {"rows": rows} if rows else {}
    if list(known) != [row["id"] for row in after.rows]:
        change["order"] = [row["id"] for row in after.rows]
    if before is None or before.counts != after.counts:
        change["counts"] = render("counts", entries=after.counts)
    if before is None or before.paused != after.paused:
        change["paused"] = render("paused", entries=after.paused)
    if before is None or before.heading != after.heading:
        change["heading"] = after.heading
    return change


def paused_told(paused: Sequence[str]) -> list[tuple[str, str]]:
    """What of it is shown: a name, and the command that takes it back; empty where that could not be shown as it is."""
    return [
        (shortened(name_of(name), 80) or "everything", command if visible(command) == command else "")
        for name, command in ((name, unpause_command(name)) for name in paused[:_PAUSED])
    ]


def row_html(row: Mapping[str, Any]) -> str:
    """One row of the table."""
    return render("run_row", row=row)


async def _row(run: RunInfo, standings: Standings, paused: Sequence[str]) -> dict[str, Any]:
    now = await standings.of(run, paused)
    started = run.started_at or run.created_at
    took = (run.ended_at - started) if run.ended_at else None
    tags = [(shortened(key, _TAG_LENGTH), shortened(value, _TAG_LENGTH)) for key, value in run.attributes.items()]
    return {
        "id": run.id,
        "state": now.state,
        "workflow": visible(run.workflow),
        "name": shortened(name_of(run.workflow), 80),
        "now": now.text,
        "parts": now.parts,
        "attributes": tags[:_TAGS],
        "started": started,
        "since": None if run.ended_at or run.status is RunStatus.PENDING else started,
        "took": took,
        "share": None if took is None else _share(took),
    }


def _share(seconds: float) -> int:
    """The length of a bar on a logarithmic scale from 10 ms to a day, in percent."""
    return round(100 * min(1.0, max(0.02, math.log10(max(seconds, 0.01) / 0.01) / math.log10(_LONGEST_BAR / 0.01))))


def _heading(search: Search, counts: Mapping[RunStatus, int] | None, found: int) -> str:
    if counts is None:
        return counted(found, "run")
    total = sum(counts.values()) if search.status is None else counts[search.status]
    return counted(total, "run") + ("" if total < _COUNTED else " or more")


def _counts(search: Search, counts: Mapping[RunStatus, int] | None) -> list[dict[str, Any]]:
    if counts is None:
        return []
    entries = [
        {
            "status": status.value,
            "count": counts[status],
            "shown": f"{counts[status]:,}" + ("+" if counts[status] >= _COUNTED else ""),
            "href": f"?{search.query(status='' if search.status is status else status.value, before='')}",
            "current": search.status is status,
        }
        for status in _ORDER
    ]
    return [
        one for one in entries if one["count"] or one["current"] or one["status"] in ("running", "failed", "completed")
    ]


def _nothing(search: Search, name: str) -> str:
    if search.is_all and search.status is None:
        return f"No runs in {name} yet. They appear here by themselves."
    what = " ".join(
        part for part in (search.status or "", f"that fit “{visible(search.text)}”" if search.text else "") if part
    )
    return f"No runs {what} in {name}."
