"""``list_runs`` in SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from workflow_runtime.worlds.base import RunInfo
from workflow_runtime.worlds.encoding import storable
from workflow_runtime.worlds.listing import Wanted
from workflow_runtime.worlds.sqlite import statements as sql
from workflow_runtime.worlds.sqlite.reads import read_run

_Condition = tuple[str, tuple[object, ...]]


def read_runs(connection: sqlite3.Connection, wanted: Wanted) -> list[RunInfo]:
    """Runs, newest first. Raises ``RunNotFoundError`` when ``before`` is not there."""
    if wanted.before is not None:
        read_run(connection, wanted.before)
    # The order comes from an index over what is looked for, so that nothing has to be sorted.
    age = "run_created_at, run" if wanted.attributes else "created_at, seq"
    conditions = list(_conditions(wanted, age))
    values = [value for _, values in conditions for value in values]
    if not all(storable(value) for value in values if isinstance(value, str)):
        return []  # nothing can be called so
    runs = "attributes CROSS JOIN runs ON runs.seq = attributes.run" if wanted.attributes else "runs"
    where = " WHERE " + " AND ".join(condition for condition, _ in conditions) if conditions else ""
    order = age.replace(",", " DESC,") + " DESC"
    statement = f"{sql.RUN_COLUMNS} FROM {runs}{where} ORDER BY {order} LIMIT ?"
    return [sql.run_of(row) for row in connection.execute(statement, (*values, wanted.limit))]


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
    if wanted.before is not None:
        yield f"({age}) < (SELECT created_at, seq FROM runs WHERE id = ?)", (wanted.before,)
