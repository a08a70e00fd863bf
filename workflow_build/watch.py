"""Watch: build again whenever the source changes, until told to stop. Prints nothing, and ends for no error in user code."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from watchfiles import Change
from watchfiles import watch as changes_below

from workflow_build.build import Options, Result
from workflow_build.errors import BuildError
from workflow_build.session import Session
from workflow_build.telling import Telling, nobody_told
from workflow_build.walk import ENVIRONMENT, SKIPPED_FOLDERS

DEBOUNCE_MS = 400
"""Changes that go on, as a checkout's do, are gathered for at most so long."""

STEP_MS = 5
"""A change counts as over when nothing follows within this time."""

IDLE_MS = 50
"""How long to wait for a change before looking at other things."""

AGAIN_SECONDS = 0.5
"""How long to wait for a folder that has vanished to come back."""

NOTHING_KNOWN: frozenset[str] = frozenset()
"""Which files have changed: everything is looked at, and compiled even if the cache knows it, to be ready for edits."""

SETTINGS = frozenset({"pyproject.toml", ".gitignore", ENVIRONMENT})

ADVICE = "raise the limit, or have the folders looked through again and again: WATCHFILES_FORCE_POLLING=1"

Events = Generator[set[tuple[Change, str]], None, None]
"""What happens in the watched folders; now and then nothing."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """One build."""

    seconds: float
    result: Result | None
    problem: str | None
    """Why there is no result: what a single build would have ended with."""
    changed: frozenset[str] | None
    """The files that have changed; None or empty when everything was looked at."""


@dataclass(frozen=True, slots=True)
class _Changes:
    files: frozenset[str]
    """Those that a build may depend on."""
    folders: bool
    """Whether folders came or went, so that others must be watched."""


def rebuilds(session: Session, stop: threading.Event, telling: Telling = nobody_told) -> Iterator[Rebuilt | None]:
    """Build, then build again after each change, without reading routes; now and then None, while nothing happens.

    ``telling`` is told what each build is at. Ends when ``stop`` is set. Raises ``BuildError`` when the system does not let the
    folders be watched.
    """
    last: Rebuilt | None = None
    while not stop.is_set():
        folders = _folders(session)
        # The watcher is there before the build looks: no change falls between the two.
        events = _watching(folders, stop)
        now = _built(session, None if last is None else NOTHING_KNOWN, telling)
        if last is not None:
            gc.collect()
            gc.freeze()  # what the builds remember lasts: collecting garbage need not look at it again and again
            gc.enable()  # which a process does not begin with
        if last is None or session.is_new or now.problem != last.problem:
            yield now
        last = now
        if events is None:
            stop.wait(AGAIN_SECONDS)
            continue
        with closing(events):
            for happened in events:
                changes = _changes(happened, session)
                if changes.files and not changes.folders:
                    last = _built(session, changes.files, telling)
                yield last if changes.files and not changes.folders else None
                if changes.folders or _folders(session) != folders:
                    break


def _built(session: Session, changed: frozenset[str] | None, telling: Telling) -> Rebuilt:
    started = time.perf_counter()
    result, problem = None, None
    try:
        with telling() as tell:
            result = session.build(Options(with_routes=False, tell=tell), changed)
    except BuildError as error:
        problem = str(error)
    except OSError as error:  # a folder that went while it was looked at
        problem = f"{error.filename or session.project}: {error.strerror or error}"
    return Rebuilt(time.perf_counter() - started, result, problem, changed)


def _folders(session: Session) -> list[str]:
    """What to watch: the project's folder, and those that hold source, each alone, since ignored ones stand between them."""
    return sorted({os.fspath(session.project), *session.folders})


def _watching(folders: list[str], stop: threading.Event) -> Events | None:
    """What happens in the folders from now on, until told to stop. None when one of them has vanished."""
    if not all(Path(folder).is_dir() for folder in folders):
        return None
    events = changes_below(
        *folders,
        watch_filter=None,
        debounce=DEBOUNCE_MS,
        step=STEP_MS,
        stop_event=stop,
        rust_timeout=IDLE_MS,
        yield_on_timeout=True,
        recursive=False,
        ignore_permission_denied=True,
    )
    try:
        next(events, None)  # it begins to watch when it is first asked
    except FileNotFoundError:
        return None
    except (OSError, RuntimeError) as error:
        raise BuildError(f"{len(folders)} folders can not be watched: {error}; {ADVICE}") from error
    return events


def _changes(happened: set[tuple[Change, str]], session: Session) -> _Changes:
    if not happened:
        return _Changes(frozenset(), folders=not session.project.is_dir())
    paths = {path for _, path in happened if not _is_beside_the_point(path, session)}
    files = {path for path in paths if path.endswith(".py") or Path(path).name in SETTINGS}
    known = set(_folders(session))
    return _Changes(frozenset(files), folders=any(path in known or Path(path).is_dir() for path in paths - files))


def _is_beside_the_point(path: str, session: Session) -> bool:
    """Whether it is our own output, or hidden, or in a folder that is never looked into."""
    name = Path(path).name
    out = session.out
    hidden = name.startswith(".") and name not in SETTINGS
    return hidden or name in SKIPPED_FOLDERS or (out is not None and Path(path).is_relative_to(out))
