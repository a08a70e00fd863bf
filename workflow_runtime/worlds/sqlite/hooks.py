"""Hooks and watches in SQL: ``HookRecords`` and ``WatchRecords``, on a connection of either kind."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from workflow_runtime.worlds.base import HookInfo
from workflow_runtime.worlds.encoding import encode_data, storable
from workflow_runtime.worlds.records import Watch
from workflow_runtime.worlds.sqlite import statements as sql


@dataclass(frozen=True, slots=True)
class SqliteHooks:
    """See ``HookRecords``."""

    connection: sqlite3.Connection

    def by_token(self, token: str) -> HookInfo | None:
        """See ``HookRecords``."""
        row = self.connection.execute(sql.HOOK_BY_TOKEN, (token,)).fetchone() if storable(token) else None
        return sql.hook_of(row) if row else None

    def of_run(self, run_id: str) -> list[HookInfo]:
        """The live hooks of a run, in the order in which they were created."""
        rows = self.connection.execute(sql.HOOKS_OF_RUN, (run_id,)).fetchall() if storable(run_id) else []
        return [sql.hook_of(row) for row in rows]

    def has(self, run_id: str, hook_id: str) -> bool:
        """See ``HookRecords``."""
        return self.connection.execute(sql.HAS_HOOK, (run_id, hook_id)).fetchone() is not None

    def add(self, hook: HookInfo, slot: int) -> None:
        """See ``HookRecords``."""
        info = encode_data([hook.metadata, hook.webhook])
        self.connection.execute(sql.ADD_HOOK, (hook.token, hook.run_id, hook.hook_id, info, hook.created_at, slot))

    def remove(self, run_id: str, hook_id: str) -> None:
        """See ``HookRecords``."""
        self.connection.execute(sql.REMOVE_HOOK, (run_id, hook_id))

    def remove_all(self, run_id: str) -> None:
        """See ``HookRecords``."""
        self.connection.execute(sql.REMOVE_HOOKS, (run_id,))

    def has_had(self, run_id: str, hook_id: str, key: str) -> bool:
        """See ``HookRecords``."""
        return self.connection.execute(sql.HAS_KEY, (run_id, hook_id, key)).fetchone() is not None

    def keep_key(self, run_id: str, hook_id: str, key: str) -> None:
        """See ``HookRecords``."""
        self.connection.execute(sql.KEEP_KEY, (run_id, hook_id, key))


@dataclass(frozen=True, slots=True)
class SqliteWatches:
    """See ``WatchRecords``."""

    connection: sqlite3.Connection

    def get(self, run_id: str, watch_id: str) -> Watch | None:
        """See ``WatchRecords``."""
        row = self.connection.execute(sql.WATCH_BY_ID, (run_id, watch_id)).fetchone()
        return _watch(row) if row else None

    def save(self, watch: Watch) -> None:
        """See ``WatchRecords``."""
        self.connection.execute(sql.SAVE_WATCH, (watch.run_id, watch.watch_id, watch.target, watch.done))

    def of(self, target: str) -> Sequence[Watch]:
        """See ``WatchRecords``."""
        return [_watch(row) for row in self.connection.execute(sql.WATCHES_OF, (target,)).fetchall()]


def _watch(row: tuple[str, str, str | None, int]) -> Watch:
    return Watch(row[0], row[1], row[2], bool(row[3]))
