"""``workflow-build --watch``: a calm line for each rebuild, until Ctrl-C."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from types import FrameType

import click

from workflow_build import report
from workflow_build.build import Options, Result
from workflow_build.commands.options import console
from workflow_build.commands.progress import progress
from workflow_build.errors import BuildError
from workflow_build.ignores import ROUTES_FROM
from workflow_build.model import Diagnostic
from workflow_build.session import Session
from workflow_build.watch import Rebuilt, rebuilds
from workflow_build.watch_routes import RouteReader


def watch(session: Session, options: Options, verbosity: int) -> None:
    """Build, then again whenever something changes. Returns when the user has had enough."""
    stop = threading.Event()
    reader = RouteReader()
    teller = _Teller(verbosity)
    with _stopped_by_signals(stop):
        try:
            for rebuilt in rebuilds(session, stop, partial(progress, is_wanted=verbosity >= 0)):
                if rebuilt is not None:
                    teller.rebuilt(rebuilt)
                    if options.with_routes and rebuilt.result is not None and teller.needs_routes(rebuilt):
                        reader.ask(session.routes(options))
                teller.routes(reader.result())
        finally:
            reader.close()
            session.close()
    teller.line("stopped")


class _Teller:
    """Says what has changed since it last said something."""

    def __init__(self, verbosity: int) -> None:
        self._screen = console()
        self._verbosity = verbosity
        self._shown: tuple[Diagnostic, ...] = ()
        self._is_good = True
        self._routes: tuple[str, ...] = ()
        self._has_told_of_reloading = False
        self._route_files: frozenset[str] | None = None
        """What the app imports; None when that is not known, and any file may be it."""

    def line(self, text: str) -> None:
        """One line, with the time of day."""
        if self._verbosity >= 0:
            click.echo(f"{time.strftime('%H:%M:%S')}  {text}")

    def rebuilt(self, rebuilt: Rebuilt) -> None:
        """What a build found and did."""
        result, took = rebuilt.result, f"  ({rebuilt.seconds * 1000:.0f} ms)"
        if result is None:
            self.line(f"{rebuilt.problem}{self._staying(is_good=False)}")
            return
        self._findings(result)
        self.line(f"{report.summary(result)}{self._staying(is_good=not result.stopped)}{took}")
        if not self._has_told_of_reloading and not result.stopped and result.config.app and find_spec("uvicorn"):
            self._has_told_of_reloading = True
            factory = " --factory" if result.config.app.endswith("()") else ""
            app = result.config.app.removesuffix("()")
            self.line(f"with uvicorn: uvicorn {app}{factory} --reload")

    def routes(self, read: Result | Exception | None) -> None:
        """What the reading of routes gave, if there is something new."""
        if isinstance(read, BuildError):
            self.line(f"routes: {read}")
        elif isinstance(read, Exception):
            self.line(f"routes: {type(read).__name__}: {read}")
        elif read is not None:
            self._route_files = _imported(read)
            self._show([found for found in read.diagnostics if found.code >= ROUTES_FROM], read)
            paths = tuple(sorted({route.path for one in read.routes for route in one.routes}))
            if paths != self._routes or read.output.written:
                self._routes = paths
                self.line(f"routes: {', '.join(paths) or 'none could be read'}")

    def needs_routes(self, rebuilt: Rebuilt) -> bool:
        """Whether the routes may be others than those that were read last."""
        result = rebuilt.result
        if result is None or result.stopped or not result.config.app or not result.config.targets:
            return False
        if not rebuilt.changed or self._route_files is None or result.output.written or result.output.removed:
            return True
        return not self._route_files.isdisjoint(rebuilt.changed)

    def _staying(self, *, is_good: bool) -> str:
        """Said when it begins that the output is not the source's any more."""
        was_good, self._is_good = self._is_good, is_good
        return "; what was written before stays" if was_good and not is_good else ""

    def _findings(self, result: Result) -> None:
        """Those that have not been shown just now."""
        fresh = [found for found in result.diagnostics if found not in self._shown]
        self._shown = result.diagnostics
        self._show(fresh, result)

    def _show(self, findings: Sequence[Diagnostic], result: Result) -> None:
        report.print_diagnostics(self._screen, findings, result.config.project, self._verbosity)


def _imported(read: Result) -> frozenset[str] | None:
    files = [one.files for one in read.routes]
    if not all(files):
        return None
    return frozenset(str(read.config.project / name) for names in files for name in names)


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Ctrl-C and a polite kill end the watching; a second Ctrl-C ends what is being done, too."""

    def end(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            signal.default_int_handler(number, frame)
        stop.set()

    numbers = [signal.SIGINT, signal.SIGTERM]
    before: list[tuple[int, object]] = [(number, signal.signal(number, end)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in before:
            if handler is None or callable(handler) or isinstance(handler, signal.Handlers):
                signal.signal(number, handler if handler is not None else signal.SIG_DFL)
