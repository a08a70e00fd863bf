"""Litestar: reads ``app.routes``, which are flat, and lets Litestar's own router choose between them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from workflow_build.adapters.base import Clues
from workflow_build.adapters.naming import named_by
from workflow_build.adapters.reading import read, rows_below
from workflow_build.adapters.table import Row, Table, is_a, row_of
from workflow_build.model import Routes

SOURCE = "litestar.Litestar.routes"
REMEDY = "Litestar takes fixed paths first, then mounts, then paths with parameters, in whatever order they are added: narrow that path"
DISCOVERED = re.compile(r"^(?:app|application)(?:\.\w+)?$")
"""The modules in which the ``litestar`` command looks for an app that nothing names."""
MADE = re.compile(r"^\w+\s*(?::[^=\n]+)?=\s*(?:litestar\.)?Litestar\(|^def create_app\(", re.MULTILINE)
"""What that command prefers to a factory that it knows by its annotation alone."""
FACTORY = re.compile(r"^def (\w+)\(\s*\)\s*->\s*[\"']?(?:litestar\.)?Litestar[\"']?:", re.MULTILINE)
PARAMETER_TYPE = re.compile(r"\{(\w+):(?!path\})\w+\}")


@dataclass(frozen=True, slots=True)
class LitestarAdapter:
    """Everything about Litestar."""

    name: str = "litestar"
    title: str = "Litestar"
    template: str = "litestar.py.jinja"
    packages: tuple[str, ...] = ("litestar",)
    app_classes: tuple[str, ...] = ("Litestar",)
    entrypoint_key: tuple[str, ...] = ()
    has_routes: bool = True

    def named_app(self, clues: Clues) -> str | None:
        """What ``LITESTAR_APP`` names, or the factory that the ``litestar`` command finds by its annotation."""
        return named_by(clues, "LITESTAR_APP") or _annotated(clues)

    def mount_lines(self, module: str) -> tuple[str, ...]:
        """One import and one argument."""
        return (f"from {module} import mount", "app = Litestar(..., on_app_init=[mount])")

    def table(self, app: object) -> Table | None:
        """The routes of a Litestar app, those of apps that are mounted in it included."""
        if not is_a(app, "litestar.Litestar"):
            return None
        by_handler = _by_handler(cast(Any, app).routes)
        rows = tuple(row for rows in by_handler.values() for row in rows)
        return Table(rows, SOURCE, find=_finder(cast(Any, app), by_handler), remedy=REMEDY)

    def read_routes(self, app: object, module: str, build: str) -> Routes:
        """Our routes as Litestar has them."""
        return read(self, app, module, build)


ADAPTER = LitestarAdapter()


def _annotated(clues: Clues) -> str | None:
    named = [file for file in clues.files if file.module.startswith("app") and DISCOVERED.match(file.module)]
    for file in sorted(named, key=lambda file: file.module):
        text = file.data.decode("utf-8", "replace")
        if MADE.search(text):
            return None
        if found := FACTORY.search(text):
            return f"{file.module}:{found[1]}"
    return None


def _by_handler(routes: Iterable[Any]) -> dict[int, tuple[Row, ...]]:
    """The rows by the identities of their handlers; one that has several paths has a copy for each."""
    found: dict[int, tuple[Row, ...]] = {}
    for route in routes:
        path = PARAMETER_TYPE.sub(r"{\1}", route.path)
        for handler in _handlers(route):
            rows = _mounted(handler, path.rstrip("/")) if getattr(handler, "is_mount", False) else ()
            rows = rows or (row_of(handler.fn, path, getattr(handler, "http_methods", None)),)
            found[id(handler)] = (*found.get(id(handler), ()), *rows)
    return found


def _handlers(route: Any) -> tuple[Any, ...]:
    """An HTTP route has one handler for each method, an ASGI route has one; those of WebSockets are left out."""
    if hasattr(route, "route_handlers"):
        return tuple(route.route_handlers)
    return (route.route_handler,) if hasattr(route.route_handler, "is_mount") else ()


def _mounted(handler: Any, path: str) -> tuple[Row, ...]:
    """A mount takes all that is below its path; our webhook is one."""
    below = row_of(handler.fn, f"{path}/{{{'token' if row_of(handler.fn, path).kind == 'webhook' else 'rest'}:path}}")
    return (*rows_below(handler.fn, path, place=path or "/"), below)


def _finder(app: Any, by_handler: Mapping[int, tuple[Row, ...]]) -> Callable[[str, str, str | None], Row | None]:
    """What Litestar itself chooses: fixed paths first, then mounts, then paths with parameters."""

    def find(path: str, method: str, host: str | None) -> Row | None:
        from litestar.exceptions import HTTPException

        try:
            chosen = app.asgi_router.handle_routing(path=path, method=method)[1]
        except HTTPException:  # nothing takes it; the request that confirms will tell
            return None
        return next((row for row in by_handler.get(id(chosen), ()) if row.takes(path, method, host)), None)

    return find
