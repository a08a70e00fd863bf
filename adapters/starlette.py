"""Starlette: reads ``app.routes`` through mounts, hosts and wrapping middleware. FastAPI's table is one of these, too."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

from workflow_build.adapters.base import Clues
from workflow_build.adapters.reading import read, rows_below
from workflow_build.adapters.table import Row, Table, is_a, row_of
from workflow_build.model import Routes


@dataclass(frozen=True, slots=True)
class StarletteAdapter:
    """Everything about Starlette."""

    name: str = "starlette"
    title: str = "Starlette"
    template: str = "starlette.py.jinja"
    packages: tuple[str, ...] = ("starlette",)
    app_classes: tuple[str, ...] = ("Starlette",)
    entrypoint_key: tuple[str, ...] = ()
    has_routes: bool = True

    def named_app(self, clues: Clues) -> str | None:
        """Starlette has no settings."""
        return None

    def mount_lines(self, module: str) -> tuple[str, ...]:
        """One import and one call."""
        return (f"from {module} import mount", "mount(app)")

    def table(self, app: object) -> Table | None:
        """The routes of a Starlette app or router."""
        if not is_a(app, "starlette.Starlette", "starlette.Router"):
            return None
        return Table(tuple(walk(cast(Any, app).routes)), "starlette.applications.Starlette.routes")

    def read_routes(self, app: object, module: str, build: str) -> Routes:
        """Our routes as Starlette has them."""
        return read(self, app, module, build)


ADAPTER = StarletteAdapter()


def walk(routes: Iterable[Any], prefix: str = "", host: str | None = None) -> Iterator[Row]:
    """All rows in the order in which they are tried; a mount's rest comes after its own routes."""
    from starlette.routing import Host, Mount, WebSocketRoute

    for context in _flat(routes):
        original = getattr(context, "original_route", context)
        path = prefix + (getattr(context, "path", None) or "")
        if isinstance(original, Host):
            yield from rows_below(original.app, prefix, original.host, place=original.host)
        elif isinstance(original, Mount):
            yield from rows_below(original.app, path.rstrip("/"), host, place=path or "/")
            yield _row(original.app, path.rstrip("/") + "/{path:path}", None, host)
        elif getattr(context, "endpoint", None) is not None and not isinstance(original, WebSocketRoute):
            yield _row(context.endpoint, path, getattr(context, "methods", None), host)


def _flat(routes: Iterable[Any]) -> Iterable[Any]:
    """From FastAPI 0.137 on included routers are nested, and this is the public way to see through them; before, the table is flat."""
    contexts = getattr(sys.modules.get("fastapi.routing"), "iter_route_contexts", None)
    return map(_told, contexts(routes)) if contexts else routes


def _told(context: Any) -> Any:
    """FastAPI 0.137.2 to 0.143 have the path and endpoint of what is no FastAPI route, such as our webhook, in an attribute only."""
    inner = getattr(getattr(context, "_route_context", None), "starlette_route", None)
    return context if inner is None or context.endpoint is not None else inner


def _row(endpoint: object, path: str, methods: Iterable[str] | None, host: str | None) -> Row:
    from starlette.routing import compile_path

    pattern = compile_path(path)[0]
    return replace(row_of(endpoint, path, methods, host), matches=lambda tried: pattern.match(tried) is not None)
