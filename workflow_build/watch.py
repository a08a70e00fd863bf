"""Watch: build again whenever the source changes, until told to stop. Prints nothing, and ends for no error in user code."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

from workflow_build.build import Options, Result
from workflow_build.errors import BuildError
from workflow_build.session import Session
from workflow_build.walk import ENVIRONMENT, SKIPPED_FOLDERS

DEBOUNCE_MS = 400
"""Changes that go on, as a checkout's do, are gathered for at most so long."""

STEP_MS = 10
"""A change counts as over when nothing follows within this time."""

IDLE_MS = 250
"""How long to wait for a change before looking at other things."""

AGAIN_SECONDS = 0.5
"""How long to wait for a folder that has vanished to come back."""

FILES = Options(with_routes=False)

SETTINGS = frozenset({"pyproject.toml", ".gitignore", ENVIRONMENT})


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """One build."""

    seconds: float
    result: Result | None
    problem: str | None
    """Why there is no result: what a single build would have ended with."""
    changed: frozenset[str] | None
    """The files that have changed; None when everything was looked at."""


@dataclass(frozen=True, slots=True)
class _Changes:
    files: frozenset[str]
    """Those that a build may depend on."""
    folders: bool
    """Whether folders came or went, so that others must be watched."""


def rebuilds(session: Session, stop: threading.Event) -> Iterator[Rebuilt | None]:
    """Build, then build again after each change, without reading routes; now and then None, while nothing happens.

    Ends when ``stop`` is set, or a signal interrupts it.
    """
    last: Rebuilt | None = None
    while not stop.is_set():
        folders = _folders(session)
        notify = _watcher(folders)
        # The watcher is there before the build looks: no change falls between the two.
        now = _built(session, None)
        if last is None or session.is_new or now.problem != last.problem:
            yield now
        last = now
        if notify is None:
            stop.wait(AGAIN_SECONDS)
            continue
        with notify:
            while _folders(session) == folders:
                changes = _changes(notify, stop, session)
                if changes is None:
                    return
                if changes.folders:
                    break
                if changes.files:
                    last = _built(session, changes.files)
                yield last if changes.files else None


def _built(session: Session, changed: frozenset[str] | None) -> Rebuilt:
    started = time.perf_counter()
    result, problem = None, None
    try:
        result = session.build(FILES, changed)
    except BuildError as error:
        problem = str(error)
    except OSError as error:  # a folder that went while it was looked at
        problem = f"{error.filename or session.project}: {error.strerror or error}"
    return Rebuilt(time.perf_counter() - started, result, problem, changed)


def _folders(session: Session) -> list[str]:
    """What to watch: the folder of pyproject.toml, and those that hold source, one by one, since ignored ones stand between them."""
    return sorted({os.fspath(session.project), *session.folders})


def _watcher(folders: list[str]) -> RustNotify | None:
    """None when a folder has vanished."""
    try:
        return RustNotify(folders, False, False, 300, False, True)
    except (OSError, WatchfilesRustInternalError):
        return None


def _changes(notify: RustNotify, stop: threading.Event, session: Session) -> _Changes | None:
    """Wait for something to happen. None when told to stop."""
    events = notify.watch(DEBOUNCE_MS, STEP_MS, IDLE_MS, stop)
    if events in ("stop", "signal"):
        return None
    if isinstance(events, str):  # nothing for a while
        return _Changes(frozenset(), folders=not session.project.is_dir())
    paths = {path for _, path in events if not _is_beside_the_point(path, session)}
    files = {path for path in paths if path.endswith(".py") or Path(path).name in SETTINGS}
    known = set(_folders(session))
    return _Changes(frozenset(files), folders=any(path in known or Path(path).is_dir() for path in paths - files))


def _is_beside_the_point(path: str, session: Session) -> bool:
    """Whether it is our own output, or hidden, or in a folder that is never looked into."""
    name = Path(path).name
    out = session.out
    hidden = name.startswith(".") and name not in SETTINGS
    return hidden or name in SKIPPED_FOLDERS or (out is not None and Path(path).is_relative_to(out))
