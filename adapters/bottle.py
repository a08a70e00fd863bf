"""Bottle: reads ``app.routes``, through mounted apps and wrapping middleware."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from workflow_build.adapters.base import Clues
from workflow_build.adapters.reading import read, rows_below
from workflow_build.adapters.table import Row, Table, is_a, row_of
from workflow_build.model import Routes

WILDCARD = re.compile(r"<(\w*)(?::(\w*)(?::(?:\\.|[^\\>])+)?)?>")
"""A wildcard of a rule, with its filter: ``<id>``, ``<rest:path>``, ``<:re:.*>``."""


@dataclass(frozen=True, slots=True)
class BottleAdapter:
    """Everything about Bottle."""

    name: str = "bottle"
    title: str = "Bottle"
    template: str = "bottle.py.jinja"
    packages: tuple[str, ...] = ("bottle",)
    app_classes: tuple[str, ...] = ("Bottle", "default_app")
    entrypoint_key: tuple[str, ...] = ()
    has_routes: bool = True

    def named_app(self, clues: Clues) -> str | None:
        """Bottle has no settings."""
        return None

    def mount_lines(self, module: str) -> tuple[str, ...]:
        """One import and one call."""
        return (f"from {module} import mount", "mount(app)")

    def table(self, app: object) -> Table | None:
        """The routes of a Bottle app, those of mounted apps included."""
        if not is_a(app, "bottle.Bottle"):
            return None
        methods: dict[tuple[str, int], set[str]] = {}
        below: dict[int, tuple[Row, ...]] = {}
        for route in cast(Any, app).routes:
            methods.setdefault(_key(route), set()).add(route.method)
            below[id(route)] = _below(route)
        rows = {_key(route): _row(route, methods[_key(route)]) for route in cast(Any, app).routes}
        found = (*(row for inner in below.values() for row in inner), *rows.values())
        return Table(found, "bottle.Bottle.routes", find=_finder(cast(Any, app), rows, below), lifespan=False)

    def read_routes(self, app: object, module: str, build: str) -> Routes:
        """Our routes as Bottle has them."""
        return read(self, app, module, build)


ADAPTER = BottleAdapter()


def _key(route: Any) -> tuple[str, int]:
    """What the routes of one ``app.route(rule, [methods])`` have in common."""
    return route.rule, id(route.callback)


def _row(route: Any, methods: set[str]) -> Row:
    any_method = bool(methods & {"ANY", "PROXY"})  # PROXY is what Bottle mounts other WSGI apps with
    path = WILDCARD.sub(lambda found: f"{{{found[1]}{':path' if found[2] in ('path', 're') else ''}}}", route.rule)
    return row_of(route.callback, path, () if any_method else methods)


def _below(route: Any) -> tuple[Row, ...]:
    """The rows of a WSGI app that is mounted there. A Bottle app is not: its routes have become the outer one's."""
    target = route.config.get("mountpoint.target")
    if target is None or not WILDCARD.search(route.rule):
        return ()
    prefix = "/" + str(route.config["mountpoint.prefix"]).strip("/")
    return rows_below(target, prefix, place=prefix)


def _finder(
    app: Any, rows: dict[tuple[str, int], Row], below: dict[int, tuple[Row, ...]]
) -> Callable[[str, str, str | None], Row | None]:
    """What Bottle itself chooses: fixed paths before wildcards, routes that name the method before those for any."""

    def find(path: str, method: str, host: str | None) -> Row | None:
        import bottle  # type: ignore[import-untyped]  # it has no types

        try:
            route, _ = app.router.match({"REQUEST_METHOD": method, "PATH_INFO": path})
        except bottle.HTTPResponse:  # nothing takes it; the request that confirms will tell
            return None
        inner = (row for row in below.get(id(route), ()) if row.takes(path, method, host))
        return next(inner, rows.get(_key(route)))

    return find
