"""What a queue that pushes does: brings the messages that are due in a SQLite world to targets without a worker."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx

from workflow_runtime.http import SIGNATURE_HEADER, sign

DUE = "SELECT id FROM messages WHERE ready_at <= ? ORDER BY ready_at, seq"
PUSHES = 4
"""How many requests are on their way at once."""
PAUSE = 0.05


def due_messages(database: Path) -> list[str]:
    """The ids of all messages that are due, those included that somebody has in hand: pushing these does nothing."""
    found: list[tuple[str]] = []
    place = f"file:{database}?mode=ro"
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(place, uri=True)) as connection:
        found = connection.execute(DUE, (time.time(),)).fetchall()  # unless no process has made the database yet
    return [message for (message,) in found]


@contextmanager
def pushing(database: Path, flow: str, secret: str) -> Iterator[None]:
    """Push what is due to the URL ``flow`` while the context is open, each message again and again until it is gone."""
    over, under_way = threading.Event(), set[str]()

    def push(message: str) -> None:
        body = json.dumps({"id": message}).encode()
        try:
            with suppress(httpx.TransportError):  # the server was killed
                httpx.post(flow, content=body, headers={SIGNATURE_HEADER: sign(secret, body, time.time())}, timeout=60)
        finally:
            under_way.discard(message)

    def look() -> None:
        with ThreadPoolExecutor(PUSHES) as pushes:
            while not over.wait(PAUSE):
                for message in set(due_messages(database)) - under_way:
                    under_way.add(message)
                    pushes.submit(push, message)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield
    finally:
        over.set()
        looking.join()
