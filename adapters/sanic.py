"""Sanic: reads ``app.router``, through blueprints and their groups, and lets Sanic itself choose between what it finds there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from workflow_build.adapters.base import Clues
from workflow_build.adapters.reading import read
from workflow_build.adapters.table import Row, Table, is_a, row_of
from workflow_build.model import Routes

PARAMETER = re.compile(r"<(\w+)(?::([^<>]*))?>")
"""A parameter of a path, with its type: ``<token:str>``."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""All that a route may have."""


@dataclass(frozen=True, slots=True)
class SanicAdapter:
    """Everything about Sanic."""

    name: str = "sanic"
    title: str = "Sanic"
    template: str = "sanic.py.jinja"
    packages: tuple[str, ...] = ("sanic",)
    app_classes: tuple[str, ...] = ("Sanic",)
    entrypoint_key: tuple[str, ...] = ()
    has_routes: bool = True

    def named_app(self, clues: Clues) -> str | None:
        """Sanic's command is told the app by its arguments."""
        return None

    def mount_lines(self, module: str) -> tuple[str, ...]:
        """One import and one call."""
        return (f"from {module} import mount", "mount(app)")

    def table(self, app: object) -> Table | None:
        """The routes of a Sanic app, those of its blueprints included."""
        if not is_a(app, "sanic.Sanic"):
            return None
        router = _prepared(cast(Any, app)).router
        by_route = {id(route): _row(route) for route in router.routes}
        rows = sorted(by_route.values(), key=lambda row: (row.path.count("{"), row.path, row.host or ""))
        find = _finder(router, by_route)
        return Table(tuple(rows), "sanic.Sanic.router", find=find, widest=METHODS, whole_paths=True)

    def read_routes(self, app: object, module: str, build: str) -> Routes:
        """Our routes as Sanic has them."""
        return read(self, app, module, build)


ADAPTER = SanicAdapter()


def _prepared(app: Any) -> Any:
    """The app as it is when a server has started it, with its listeners not called: its router finds nothing before."""
    app.asgi = True
    if not app.signal_router.finalized:
        asyncio.run(_signalize(app))
    if app.router.routes and not app.router.finalized:  # without routes it refuses
        app.finalize()
    return app


async def _signalize(app: Any) -> None:
    app.signalize(allow_fail_builtin=False)  # it needs an event loop, and requests need nothing of that one


def _row(route: Any) -> Row:
    path = PARAMETER.sub(lambda found: f"{{{found[1]}{':path' if found[2] == 'path' else ''}}}", route.path)
    return row_of(route.handler, f"/{path}", route.methods, route.requirements.get("host"))


def _finder(router: Any, by_route: Mapping[int, Row]) -> Callable[[str, str, str | None], Row | None]:
    """What Sanic itself chooses: the most precise route, wherever it stands."""

    def find(path: str, method: str, host: str | None) -> Row | None:
        from sanic.exceptions import SanicException

        try:
            route, _, _ = router.get(path, method, host)
        except SanicException:  # nothing takes it; the request that confirms will tell
            return None
        return by_route.get(id(route))

    return find
