"""FastAPI: reads ``app.routes`` through nested routers, mounts, hosts and wrapping middleware."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from workflow_build.adapters import asgi_probe
from workflow_build.model import Diagnostic, Route, Routes
from workflow_build.rules import routes as rules

KINDS: dict[str, tuple[str, str | None]] = {
    "flow": ("flow", "POST"),
    "health": ("health", "GET"),
    "manifest": ("manifest.json", "GET"),
    "webhook": ("webhook/{token}", None),
}
"""Our endpoints by name: the last part of the path, and the method that must reach it, None for any."""

WRAPPERS = ("app", "asgi_app", "wsgi_app", "wsgi_application")
BEHIND_SOMETHING = frozenset({301, 302, 307, 308, 400, 401, 403, 407, 429})
"""Answers of middleware that stands before all routes: they say nothing about where ours are."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the app's table, in the order in which the app tries them; ``methods`` is empty for any method."""

    path: str
    methods: frozenset[str]
    endpoint: object
    host: str | None
    below: str | None = None
    """The path of the mount that it is in, when that has an app of its own."""

    @property
    def name(self) -> str:
        """Where the endpoint is, for messages."""
        qualname = getattr(self.endpoint, "__qualname__", type(self.endpoint).__qualname__)
        return f"{_module_of(self.endpoint)}.{qualname}"

    def takes(self, path: str, method: str, host: str | None) -> bool:
        """Whether a request would end here if nothing earlier took it."""
        from starlette.routing import compile_path

        if self.methods and method not in self.methods:
            return False
        return self.host in (None, host) and compile_path(self.path)[0].match(path) is not None


@dataclass(frozen=True, slots=True)
class FastAPIAdapter:
    """Everything about FastAPI."""

    name: str = "fastapi"
    template: str = "fastapi.py.jinja"
    packages: tuple[str, ...] = ("fastapi",)
    app_classes: tuple[str, ...] = ("FastAPI",)
    entrypoint_key: tuple[str, ...] = ("tool", "fastapi", "entrypoint")

    def mount_lines(self, module: str) -> tuple[str, ...]:
        """One import and one call."""
        return (f"from {module} import mount", "mount(app)")

    def read_routes(self, app: object, module: str, build: str) -> Routes:
        """Our routes as FastAPI has them; a finding for each that is missing, twice there, shadowed, or out of reach."""
        inner = _unwrap(app)
        if inner is None:
            return Routes(self.name, (), (_not_an_app(app),))
        rows = tuple(_walk(cast(Any, inner).routes, "", None))
        ours = tuple(row for row in rows if _module_of(row.endpoint) == module and _endpoint_name(row) in KINDS)
        if not any(_endpoint_name(row) == "flow" for row in ours):
            return Routes(self.name, (), (self._not_mounted(module),))
        root = str(getattr(inner, "root_path", "") or "").rstrip("/")
        probe = _Probe(cast(asgi_probe.ASGIApp, app), root, build)
        checked = tuple(_check(row, rows, probe) for row in ours)
        findings = tuple(dict.fromkeys(finding for _, found in checked for finding in found))
        findings = (*_twice(ours, root), *_without_lifespan(ours, module), *findings)
        return Routes(self.name, tuple(route for route, _ in checked), findings)

    def _not_mounted(self, module: str) -> Diagnostic:
        first, second = self.mount_lines(module)
        return rules.NOT_MOUNTED.at(None, first=first, second=second)


ADAPTER = FastAPIAdapter()


class _Probe:
    """Asks the health route that stands beside a route, once per place, whether this build answers there."""

    def __init__(self, app: asgi_probe.ASGIApp, root: str, build: str) -> None:
        self.app = app
        self.root = root
        self.build = build
        self.answers: dict[tuple[str, str | None], Diagnostic | None] = {}

    def problem(self, prefix: str, host: str | None) -> Diagnostic | None:
        place = (prefix, host)
        if place not in self.answers:
            self.answers[place] = self._ask(f"{self.root}{prefix}/health", host)
            # A proxy may strip the root path before the app sees it: one of both ways must lead to us.
            if self.root and self.answers[place] and not self._ask(f"{prefix}/health", host):
                self.answers[place] = None
        return self.answers[place]

    def _ask(self, path: str, host: str | None) -> Diagnostic | None:
        try:
            answer = asgi_probe.get(self.app, path, host)
        except Exception as error:  # noqa: BLE001 - whatever the user's middleware raises is the finding
            what = f"the app raised {type(error).__name__}: {error}"
            return _unconfirmed(
                path, what, "the app's lifespan is not run for this; code before the routes may need it"
            )
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
            return _unconfirmed(path, what, "let this path pass, or check that your queue gets through")
        return rules.OUT_OF_REACH.at(
            None,
            problem=f"GET {path} does not reach the workflow routes (status {answer.status})",
            advice="another route or a wrapping app takes the path; mount the workflow routes before it",
        )


def _check(row: Row, rows: Sequence[Row], probe: _Probe) -> tuple[Route, tuple[Diagnostic, ...]]:
    """The route of one row, and what is wrong with it."""
    kind = _endpoint_name(row)
    tail, method = KINDS[kind]
    prefix = row.path.removesuffix(f"/{tail}")
    problem: Diagnostic | None
    if row.methods and method not in row.methods:
        problem = _wrong_method(row, method or "any method")
    elif "{" in prefix:
        problem = _unconfirmed(probe.root + row.path, "the path has parameters", "mount the routes under a fixed path")
    else:
        problem = _shadow(row, rows, (method,) if method else ("GET", "POST")) or probe.problem(prefix, row.host)
    route = Route(
        kind=kind,
        path=probe.root + row.path,
        methods=tuple(sorted(row.methods - {"HEAD"})),
        source=_source(),
        host=row.host,
        confirmed=problem is None,
    )
    return route, () if problem is None else (problem,)


def _shadow(row: Row, rows: Sequence[Row], methods: Iterable[str]) -> Diagnostic | None:
    """What takes requests of one of ``methods`` before the row can. The first of two equal mounts answers for both: that is WB502."""
    path = row.path.replace("{token}", "token")
    for method in methods:
        taker = next(other for other in rows if other is row or other.takes(path, method, row.host))
        if taker.endpoint is not row.endpoint:
            return _shadowed(row, taker, method)
    return None


def _twice(ours: Iterable[Row], root: str) -> tuple[Diagnostic, ...]:
    flows = [f"{row.host or ''}{root}{row.path}" for row in ours if _endpoint_name(row) == "flow"]
    if len(flows) < 2:
        return ()
    return (rules.MOUNTED_TWICE.at(None, count=str(len(flows)), places=", ".join(flows)),)


def _without_lifespan(ours: Iterable[Row], module: str) -> tuple[Diagnostic, ...]:
    """Servers run the lifespan of the outermost app alone: somewhere the routes must be in that one."""
    mounts = [row.below for row in ours if _endpoint_name(row) == "flow"]
    if not mounts or None in mounts:
        return ()
    return (rules.LIFESPAN_NOT_RUN.at(None, path=str(mounts[0]), package=module.rpartition(".")[0]),)


def _walk(routes: Iterable[Any], prefix: str, host: str | None) -> Iterator[Row]:
    """All rows in the order in which they are tried; a mount's rest comes after its own routes."""
    from starlette.routing import Host, Mount

    for context in _flat(routes):
        original = getattr(context, "original_route", context)
        path = prefix + (getattr(context, "path", None) or "")
        if isinstance(original, Host):
            yield from _below(_walk(_routes_of(original.app), prefix, original.host), original.host)
        elif isinstance(original, Mount):
            yield from _below(_walk(_routes_of(original.app), path.rstrip("/"), host), path or "/")
            yield Row(path.rstrip("/") + "/{path:path}", frozenset(), original.app, host)
        elif getattr(context, "endpoint", None) is not None and _is_http(original):
            yield Row(path, frozenset(getattr(context, "methods", None) or ()), context.endpoint, host)


def _below(rows: Iterable[Row], place: str) -> Iterator[Row]:
    """The rows of an app that is mounted there; the outermost mount counts."""
    return (replace(row, below=place) for row in rows)


def _flat(routes: Iterable[Any]) -> Iterable[Any]:
    """From 0.137 on included routers are nested, and this is the public way to see through them; before, the table is flat."""
    from fastapi import routing

    contexts = getattr(routing, "iter_route_contexts", None)
    return cast("Iterable[Any]", contexts(routes)) if contexts else routes


def _is_http(route: object) -> bool:
    from starlette.routing import WebSocketRoute

    return not isinstance(route, WebSocketRoute)


def _source() -> str:
    from fastapi import routing

    return (
        "fastapi.routing.iter_route_contexts" if hasattr(routing, "iter_route_contexts") else "fastapi.FastAPI.routes"
    )


def _routes_of(app: object) -> Sequence[Any]:
    return getattr(_unwrap(app), "routes", ())


def _unwrap(app: object) -> object | None:
    """The first object with a route table, through middleware that keeps what it wraps in an attribute."""
    seen: set[int] = set()
    while app is not None and id(app) not in seen:
        seen.add(id(app))
        if isinstance(getattr(app, "routes", None), list | tuple):
            return app
        app = next((getattr(app, name) for name in WRAPPERS if getattr(app, name, None) is not None), None)
    return None


def _module_of(endpoint: object) -> str:
    return str(getattr(endpoint, "__module__", None) or type(endpoint).__module__)


def _endpoint_name(row: Row) -> str:
    return str(getattr(row.endpoint, "__name__", "")).lower()  # an endpoint for any method is a class


def _not_an_app(app: object) -> Diagnostic:
    """A function with parameters is the most common one: those without are called as factories before."""
    if inspect.isfunction(app):
        needed = [item.name for item in inspect.signature(app).parameters.values() if item.default is item.empty]
        given = f" that needs {', '.join(needed)}" if needed else ""
        what = f"{'an async' if inspect.iscoroutinefunction(app) else 'a plain'} function{given}"
        advice = "a function that makes the app takes no arguments and is not async; name one, or the app, with --app module:attribute"
    else:
        what = f"a {type(app).__module__}.{type(app).__qualname__}"
        advice = "name the FastAPI object, or the function that makes it, with --app module:attribute"
    return rules.NOT_AN_APP.at(None, subject="the app", what=what, adapter="FastAPI", advice=advice)


def _wrong_method(row: Row, method: str) -> Diagnostic:
    return rules.WRONG_METHOD.at(None, path=row.path, methods=", ".join(sorted(row.methods)), method=method)


def _shadowed(row: Row, taker: Row, method: str) -> Diagnostic:
    problem = f"{method} {row.path} is shadowed: {taker.name} at {taker.path} takes it first"
    return rules.OUT_OF_REACH.at(None, problem=problem, advice="call mount(app) before that route is added")


def _unconfirmed(path: str, what: str, advice: str) -> Diagnostic:
    return rules.UNCONFIRMED.at(None, path=path, what=what, advice=advice)
