"""``list_runs`` and ``count_runs`` in SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace

from workflow_runtime.worlds.base import RunInfo, RunStatus
from workflow_runtime.worlds.encoding import storable
from workflow_runtime.worlds.listing import Wanted, after_prefix
from workflow_runtime.worlds.sqlite import statements as sql
from workflow_runtime.worlds.sqlite.reads import read_run

_Condition = tuple[str, tuple[object, ...]]


def read_runs(connection: sqlite3.Connection, wanted: Wanted) -> list[RunInfo]:
    """Runs, newest first. Raises ``RunNotFoundError`` when ``before`` is not there."""
    if wanted.before is not None:
        read_run(connection, wanted.before)
    found, values = _found(wanted)
    if values is None:
        return []
    order = _age(wanted).replace(",", " DESC,") + " DESC"
    statement = f"{sql.RUN_COLUMNS} {found} ORDER BY {order} LIMIT ?"
    return [sql.run_of(row) for row in connection.execute(statement, (*values, wanted.limit))]


def count_runs(connection: sqlite3.Connection, wanted: Wanted) -> dict[RunStatus, int]:
    """How many runs of each status fit, each counted up to ``limit``."""
    counts = dict.fromkeys(RunStatus, 0)
    for status in RunStatus:
        found, values = _found(replace(wanted, statuses=(status,)))
        if values is not None:
            statement = f"SELECT count(*) FROM (SELECT 1 {found} LIMIT ?)"
            counts[status] = connection.execute(statement, (*values, wanted.limit)).fetchone()[0]
    return counts


def _age(wanted: Wanted) -> str:
    """What runs are sorted by: from an index over what is looked for, so that nothing has to be sorted."""
    return "run_created_at, run" if wanted.attributes else "created_at, seq"


def _found(wanted: Wanted) -> tuple[str, list[object] | None]:
    """The clauses FROM and WHERE, and their values: None when no run can fit."""
    conditions = list(_conditions(wanted, _age(wanted)))
    values = [value for _, values in conditions for value in values]
    if not all(storable(value) for value in values if isinstance(value, str)):
        return "", None  # nothing can be called so
    runs = "attributes CROSS JOIN runs ON runs.seq = attributes.run" if wanted.attributes else "runs"
    where = " WHERE " + " AND ".join(condition for condition, _ in conditions) if conditions else ""
    return f"FROM {runs}{where}", values


def _conditions(wanted: Wanted, age: str) -> Iterator[_Condition]:
    for number, attribute in enumerate(wanted.attributes.items()):
        if number == 0:
            yield "attributes.name = ? AND attributes.value = ?", attribute
        else:
            yield (
                "EXISTS (SELECT 1 FROM attributes AS more WHERE more.run = runs.seq AND more.name = ? AND more.value = ?)",
                attribute,
            )
    if wanted.statuses is not None:
        marks = ", ".join("?" * len(wanted.statuses))
        yield f"status IN ({marks})", tuple(status.value for status in wanted.statuses)
    if wanted.workflow is not None:
        yield "workflow = ?", (wanted.workflow,)
    if wanted.parent is not None:
        yield "parent = ?", (wanted.parent,)
    created_at = age.partition(",")[0]
    if wanted.since is not None:
        yield f"{created_at} >= ?", (wanted.since,)
    if wanted.until is not None:
        yield f"{created_at} < ?", (wanted.until,)
    if wanted.prefix:
        yield "id >= ?", (wanted.prefix,)
        if (end := after_prefix(wanted.prefix)) is not None:
            yield "id < ?", (end,)
    if wanted.before is not None:
        yield f"({age}) < (SELECT created_at, seq FROM runs WHERE id = ?)", (wanted.before,)
