"""The embedded world: one SQLite file, safe across the processes of one machine."""

from workflow_runtime.worlds.sqlite.world import SqliteWorld

__all__ = ["SqliteWorld"]
