"""What a build is at, for whoever waits at a terminal. Short builds show nothing, and nothing stays in the end."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from workflow_build.telling import Tell, tell_nobody

if TYPE_CHECKING:
    from rich.status import Status

AFTER_SECONDS = 0.5
"""Nothing is shown before a build has taken so long."""


@contextmanager
def progress(*, is_wanted: bool) -> Iterator[Tell]:
    """While this lasts, show on standard error what is told. Only on a terminal, and not when ``CI`` is set."""
    if not is_wanted or os.environ.get("CI") or not sys.stderr.isatty():
        yield tell_nobody
        return
    line = _Line()
    timer = threading.Timer(AFTER_SECONDS, line.show)
    timer.daemon = True
    timer.start()
    try:
        yield line.tell
    finally:
        timer.cancel()
        timer.join()
        line.hide()


class _Line:
    """One line at the bottom of the terminal."""

    def __init__(self) -> None:
        self._stage = ""
        self._status: Status | None = None

    def tell(self, stage: str) -> None:
        """The build begins with this."""
        self._stage = stage
        if self._status is not None:
            self._status.update(stage)

    def show(self) -> None:
        """Begin to show what is told."""
        from rich.console import Console  # what most builds go without: they are done before it is loaded

        console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        if console.is_dumb_terminal:
            return
        status = console.status(self._stage, spinner="line")  # made of characters that each encoding has
        status.start()
        self._status = status
        status.update(self._stage)

    def hide(self) -> None:
        """Remove the line."""
        if self._status is not None:
            self._status.stop()
