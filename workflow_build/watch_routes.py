"""Read routes beside the watching: a slow app must not hold up a rebuild."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

from workflow_build.build import Result

Reading = Callable[[threading.Event], Result]
"""Reads routes, and stops early when the event is set."""


class RouteReader:
    """One reading at a time; of those asked for meanwhile only the latest is done."""

    def __init__(self) -> None:
        """Nothing is read yet."""
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._next: Reading | None = None
        self._thread: threading.Thread | None = None
        self._results: SimpleQueue[Result | Exception] = SimpleQueue()

    def ask(self, reading: Reading) -> None:
        """Do this as soon as what is being read is done."""
        with self._lock:
            self._next = reading
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="workflow-build routes", daemon=True)
                self._thread.start()

    def result(self) -> Result | Exception | None:
        """What a reading gave, or why it gave nothing; once. None when nothing new has been read."""
        try:
            return self._results.get_nowait()
        except Empty:
            return None

    def close(self) -> None:
        """Stop the reading that goes on, its process included."""
        self._stop.set()
        with self._lock:
            self._next = None
        thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            with self._lock:
                reading, self._next = self._next, None
                if reading is None:
                    self._thread = None
                    return
            try:
                self._results.put(reading(self._stop))
            except Exception as error:  # noqa: BLE001 it is handed over, and told where there is a screen
                self._results.put(error)
