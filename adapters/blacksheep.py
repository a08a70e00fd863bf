"""BlackSheep: reads the routes that are registered with an app's routers, and the apps that are mounted in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

from workflow_build.adapters.base import Clues
from workflow_build.adapters.reading import read, rows_below
from workflow_build.adapters.table import Row, Table, is_a, moved, row_of
from workflow_build.model import Routes

SOURCE = "blacksheep.Router.registered_routes"
COMMON = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "REPORT", "QUERY"})
"""A rule is for one method; what has rules for all of these has them for every method that HTTP knows, and counts as any method."""


@dataclass(frozen=True, slots=True)
class BlackSheepAdapter:
    """Everything about BlackSheep."""

    name: str = "blacksheep"
    title: str = "BlackSheep"
    template: str = "blacksheep.py.jinja"
    packages: tuple[str, ...] = ("blacksheep",)
    app_classes: tuple[str, ...] = ("Application",)
    entrypoint_key: tuple[str, ...] = ()
    has_routes: bool = True

    def named_app(self, clues: Clues) -> str | None:
        """BlackSheep's apps are named to their server alone."""
        return None

    def mount_lines(self, module: str) -> tuple[str, ...]:
        """One import and one call."""
        return (f"from {module} import mount", "mount(app)")

    def table(self, app: object) -> Table | None:
        """The routes of a BlackSheep app. From here on, the app does not do in this process what it does when it starts."""
        if not is_a(app, "blacksheep.Application"):
            return None
        _quiet(app)
        return Table(tuple(_rows(cast(Any, app))), SOURCE)

    def read_routes(self, app: object, module: str, build: str) -> Routes:
        """Our routes as BlackSheep has them."""
        return read(self, app, module, build)


ADAPTER = BlackSheepAdapter()


def _quiet(app: Any) -> None:
    """The first request starts an app that no lifespan has started: connections would be made, and our worker would run."""
    from blacksheep.server.application import ApplicationEvent

    app.on_start, app.after_start = ApplicationEvent(app), ApplicationEvent(app)


def _rows(app: Any) -> Iterator[Row]:
    """Mounts come first; then sub-routers, then the router itself."""
    registry = app.mount_registry
    for mount in registry.mounted_apps:
        prefix, child = mount.mustache_pattern.rstrip("/*"), mount.handler
        rows = rows_below(child, prefix, place=prefix or "/")
        if registry.auto_events and is_a(child, "blacksheep.Application"):  # it starts when this one does
            rows = moved(_rows(child), prefix)
        yield from rows
        yield row_of(child, f"{prefix}/{{rest:path}}")
    yield from _routed(app.router)


def _routed(router: Any) -> Iterator[Row]:
    """A router's rows, in the order that it puts them into when the app starts."""
    for below in getattr(router, "_sub_routers", None) or ():
        yield from _routed(below)
    found: dict[tuple[bytes, int, str | None], tuple[Any, set[str]]] = {}
    for method, route in router.registered_routes:
        found.setdefault((route.pattern, id(route.handler), _host(route)), (route, set()))[1].add(method)
    for route, methods in sorted(found.values(), key=lambda one: _rank(one[0])):
        yield _row(route, frozenset() if methods >= COMMON else methods)


def _rank(route: Any) -> tuple[bool, int, bool, int, int]:
    """Routes for everything are last; those with filters are first, then those that are the most exact."""
    everything = route.pattern in (b"*", b"/*")
    filters = len(getattr(route, "filters", ()))
    return everything, -filters, b".*" in route.rx.pattern, len(route.param_names), -route.pattern.count(b"/")


def _row(route: Any, methods: Iterable[str]) -> Row:
    path = route.mustache_pattern.replace("*", "{rest:path}")
    row = row_of(route.handler, path, methods, _host(route))
    return replace(row, matches=lambda tried: route.match_by_path(tried.encode()) is not None)


def _host(route: Any) -> str | None:
    hosts = (getattr(one, "host", None) for one in getattr(route, "filters", ()))
    return next((host for host in hosts if host), None)
