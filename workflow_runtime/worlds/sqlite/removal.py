"""Removing ended runs from the file."""

from __future__ import annotations

import sqlite3

from workflow_runtime.worlds.sqlite import statements as sql


def delete_ended(connection: sqlite3.Connection, before: float, limit: int) -> int:
    """See ``World``."""
    runs = connection.execute(sql.ENDED, (before, max(limit, 0))).fetchall()
    for run in runs:
        for statement in sql.DELETE_RUN:
            connection.execute(statement, run)
    return len(runs)
