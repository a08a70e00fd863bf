"""What is wrong with our routes as a table has them: missing, twice there, shadowed, for the wrong method, out of reach."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from workflow_build.adapters.probe import Get
from workflow_build.adapters.table import KINDS, Row, Table
from workflow_build.model import Diagnostic, Route, Routes
from workflow_build.rules import routes as rules

BEHIND_SOMETHING = frozenset({301, 302, 307, 308, 400, 401, 403, 407, 429})
"""Answers of middleware that stands before all routes: they say nothing about where ours are."""
UNTOLD = frozenset({"HEAD", "OPTIONS"})
"""Methods that frameworks add by themselves."""
LAST_PARAMETER = re.compile(r"\{[^{}]*\}$")


def our_rows(table: Table, module: str) -> tuple[Row, ...]:
    """The rows whose endpoints are those of the handler module."""
    return tuple(row for row in table.rows if row.module == module and row.kind)


def check(target: str, table: Table, app: object, module: str, build: str) -> Routes:
    """Our routes in the table, each confirmed by a request to ``app`` if nothing is wrong with it."""
    ours = our_rows(table, module)
    probe = Probe(app, table.root, build, table.get)
    checked = tuple(_check(row, table, probe) for row in ours)
    findings = tuple(dict.fromkeys(finding for _, found in checked for finding in found))
    findings = (*_twice(ours, table.root), *_without_lifespan(ours, module), *findings)
    return Routes(target, tuple(route for route, _ in checked), findings)


class Probe:
    """Asks the health route that stands beside a route, once per place, whether this build answers there."""

    def __init__(self, app: object, root: str, build: str, get: Get) -> None:
        self.app = app
        self.root = root
        self.build = build
        self.get = get
        self.answers: dict[tuple[str, str | None], Diagnostic | None] = {}

    def problem(self, prefix: str, host: str | None) -> Diagnostic | None:
        """Why the routes below that prefix can not be taken for reached; None when they can."""
        place = (prefix, host)
        if place not in self.answers:
            self.answers[place] = self._ask(f"{self.root}{prefix}/health", host)
            # A proxy may strip the root path before the app sees it: one of both ways must lead to us.
            if self.root and self.answers[place] and not self._ask(f"{prefix}/health", host):
                self.answers[place] = None
        return self.answers[place]

    def _ask(self, path: str, host: str | None) -> Diagnostic | None:
        try:
            answer = self.get(self.app, path, host)
        except Exception as error:  # noqa: BLE001 - whatever the user's middleware raises is the finding
            what = f"the app raised {type(error).__name__}: {error}"
            return unconfirmed(path, what, "the app is not started for this; code before the routes may need it")
        found = answer.headers.get("x-workflow-build")
        if found == self.build:
            return None
        if found is not None:
            return rules.OUT_OF_REACH.at(
                None,
                problem=f"GET {path} is answered by another build ({found}, expected {self.build})",
                advice="look for a second copy of the output folder on sys.path",
            )
        if answer.status in BEHIND_SOMETHING or answer.status >= 500:
            what = f"something before the routes answered with status {answer.status}"
            return unconfirmed(path, what, "let this path pass, or check that your queue gets through")
        return rules.OUT_OF_REACH.at(
            None,
            problem=f"GET {path} does not reach the workflow routes (status {answer.status})",
            advice="another route or a wrapping app takes the path; mount the workflow routes before it",
        )


def unconfirmed(path: str, what: str, advice: str) -> Diagnostic:
    """The finding that says why nothing is sure of the route."""
    return rules.UNCONFIRMED.at(None, path=path, what=what, advice=advice)


def _check(row: Row, table: Table, probe: Probe) -> tuple[Route, tuple[Diagnostic, ...]]:
    """The route of one row, and what is wrong with it."""
    tail, method = KINDS[row.kind]
    path = LAST_PARAMETER.sub("{token}", row.path) if method is None else row.path
    prefix = path.removesuffix(f"/{tail}")
    problem: Diagnostic | None
    if row.methods and (
        method not in row.methods if method else not row.methods >= (row.widest or table.widest or {"any"})
    ):
        problem = _wrong_method(row, method or "any method")
    elif re.search(r"[{}<>()^$\\]", prefix):
        problem = unconfirmed(table.root + path, "the path has parameters", "mount the routes under a fixed path")
    else:
        problem = _shadow(row, table, (method,) if method else ("GET", "POST")) or probe.problem(prefix, row.host)
    route = Route(
        kind=row.kind,
        path=table.root + path,
        methods=tuple(sorted(row.methods - UNTOLD)) if method else tuple(sorted(row.methods)),
        source=table.source,
        host=row.host,
        confirmed=problem is None,
    )
    return route, () if problem is None else (problem,)


def _shadow(row: Row, table: Table, methods: Sequence[str]) -> Diagnostic | None:
    """What takes requests of one of ``methods`` before the row can. The first of two equal mounts answers for both: that is WB502."""
    path = LAST_PARAMETER.sub("token", row.path)
    for method in methods:
        taker = table.taker(path, method, row.host)
        if taker is not None and taker.endpoint != row.endpoint:
            problem = f"{method} {row.path} is shadowed: {taker.endpoint} at {taker.path} takes it first"
            return rules.OUT_OF_REACH.at(None, problem=problem, advice=table.remedy)
    return None


def _wrong_method(row: Row, method: str) -> Diagnostic:
    return rules.WRONG_METHOD.at(None, path=row.path, methods=", ".join(sorted(row.methods)), method=method)


def _twice(ours: Iterable[Row], root: str) -> tuple[Diagnostic, ...]:
    flows = [f"{row.host or ''}{root}{row.path}" for row in ours if row.kind == "flow"]
    if len(flows) < 2:
        return ()
    return (rules.MOUNTED_TWICE.at(None, count=str(len(flows)), places=", ".join(flows)),)


def _without_lifespan(ours: Iterable[Row], module: str) -> tuple[Diagnostic, ...]:
    """Servers run the lifespan of the outermost app alone: somewhere the routes must be in that one."""
    mounts = [row.below for row in ours if row.kind == "flow"]
    if not mounts or None in mounts:
        return ()
    return (rules.LIFESPAN_NOT_RUN.at(None, path=str(mounts[0]), package=module.rpartition(".")[0]),)
