"""What brings messages to targets without a worker: a worker that pushes, as a process of its own."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from tests import serving

DUE = "SELECT id FROM messages WHERE ready_at <= ? ORDER BY ready_at, seq"


def due_messages(database: Path) -> list[str]:
    """The ids of all messages that are due, those included that somebody has in hand: pushing these does nothing."""
    found: list[tuple[str]] = []
    place = f"file:{database}?mode=ro"
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(place, uri=True)) as connection:
        found = connection.execute(DUE, (time.time(),)).fetchall()  # unless no process has made the database yet
    return [message for (message,) in found]


@contextmanager
def pushing(database: Path, flow: str, secret: str) -> Iterator[None]:
    """Push what is due in a SQLite world to the URL ``flow`` while the context is open."""
    settings = {"WORKFLOW_WORLD": f"sqlite:///{database}", "WORKFLOW_SECRET": secret}
    command = [sys.executable, "-m", "workflow_runtime", "worker", "--push", flow, "--grace", "1", "--concurrency", "4"]
    log = database.with_name("pusher.log")
    with log.open("ab") as output:
        process = subprocess.Popen(
            command, cwd=database.parent, env=serving.environment(settings), stdout=output, stderr=output
        )
    try:
        yield
    finally:
        process.terminate()
        assert process.wait(serving.PATIENCE) == 0, serving.tail(log)
