"""Pyramid: reads the routes mapper and the views of its introspector, and makes the app as ``pserve`` does."""

from __future__ import annotations

import inspect
import re
import tomllib
from collections.abc import Callable, Iterator
from configparser import Error, RawConfigParser
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from workflow_build.adapters.base import Clues
from workflow_build.adapters.reading import read
from workflow_build.adapters.table import Row, Table, is_a, row_of
from workflow_build.model import Routes

SOURCE = "pyramid.interfaces.IRoutesMapper"
CONFIGURATIONS = ("development.ini", "production.ini")
"""The files that ``pserve`` is started with, the usual one first."""
PARAMETER = re.compile(r"\{(\w+)(?::(?:[^{}]|\{[^{}]*\})*)?\}")


@dataclass(frozen=True, slots=True)
class PyramidAdapter:
    """Everything about Pyramid."""

    name: str = "pyramid"
    title: str = "Pyramid"
    template: str = "pyramid.py.jinja"
    packages: tuple[str, ...] = ("pyramid",)
    app_classes: tuple[str, ...] = ()
    entrypoint_key: tuple[str, ...] = ()
    has_routes: bool = True

    def named_app(self, clues: Clues) -> str | None:
        """The factory that ``[app:main]`` of development.ini names, or that the project has as its entry point."""
        named = next((app for name in CONFIGURATIONS if (app := _factory(clues.project, name))), None)
        is_pyramid = named is not None and any(b"pyramid" in file.data for file in clues.files)
        return named if is_pyramid else None  # such files serve any WSGI app

    def mount_lines(self, module: str) -> tuple[str, ...]:
        """One call, with the Configurator."""
        return (f'config.include("{module}")',)

    def table(self, app: object) -> Table | None:
        """The routes of a Pyramid app."""
        if not is_a(app, "pyramid.Router"):
            return None
        from pyramid.interfaces import IRoutesMapper  # type: ignore[import-untyped]  # it has no types

        registry = cast(Any, app).registry
        mapper = registry.queryUtility(IRoutesMapper)
        routes = mapper.get_routes() if mapper else ()
        by_name = {route.name: tuple(_rows(registry, route)) for route in routes}
        rows = tuple(row for rows in by_name.values() for row in rows)
        find = _finder(registry, mapper, by_name)
        return Table(rows, SOURCE, find=find, lifespan=False, remedy="call config.include() before config.add_route()")

    def read_routes(self, app: object, module: str, build: str) -> Routes:
        """Our routes as Pyramid has them. A factory of PasteDeploy is called with the settings of the project's file."""
        return read(self, _made(app), module, build)


ADAPTER = PyramidAdapter()


def _factory(project: Path, name: str) -> str | None:
    """The factory as ``module:attribute``; None when the file does not name one of this project."""
    parser = RawConfigParser()
    try:
        parser.read(project / name, "utf-8")
    except (Error, UnicodeDecodeError):
        return None
    section = "app:main" if parser.has_section("app:main") else "app"
    factory = parser.get(section, "paste.app_factory", fallback="")
    kind, _, used = parser.get(section, "use", fallback="").partition(":")
    if kind == "egg":
        factory = _entry_point(project, *used.partition("#")[::2])
    elif kind == "call":
        factory = used
    return factory if re.fullmatch(r"[\w.]+:[\w.]+", factory) else None


def _entry_point(project: Path, distribution: str, name: str) -> str:
    """The entry point of the project that pyproject.toml declares; empty when that has none."""
    try:
        told = tomllib.loads((project / "pyproject.toml").read_text("utf-8")).get("project", {})
    except (OSError, ValueError):
        return ""
    found = told.get("entry-points", {}).get("paste.app_factory", {}).get(name or "main", "")
    own = re.sub(r"[-_.]+", "-", str(told.get("name", ""))).lower()
    return str(found) if own == re.sub(r"[-_.]+", "-", distribution).lower() else ""


def _made(app: object) -> object:
    """The app that ``main(global_config, **settings)`` makes; anything else as it is."""
    if not inspect.isfunction(app) or inspect.iscoroutinefunction(app):
        return app
    kinds = [item.kind for item in inspect.signature(app).parameters.values()]
    if kinds != [inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.VAR_KEYWORD]:
        return app
    from pyramid.paster import get_appsettings  # type: ignore[import-untyped]  # it has no types

    name = next((name for name in CONFIGURATIONS if Path(name).is_file()), None)
    return app({}, **(get_appsettings(name) if name else {}))


def _rows(registry: Any, route: Any) -> Iterator[Row]:
    """One row for each view of the route; one for the route when it has none, since it takes requests all the same."""
    path = _path(route.pattern)
    known = registry.introspector.get("routes", route.name)
    views = [one for one in registry.introspector.related(known) if "callable" in one] if known else []
    if not views:
        yield Row(path, "route", route.name, frozenset(_methods(known and known["request_methods"])))
    for view in views:
        endpoint = getattr(view["callable"], view["attr"]) if view.get("attr") else view["callable"]
        yield row_of(endpoint, path, _methods(view.get("request_methods") or known["request_methods"]))


def _path(pattern: str) -> str:
    """The path with its parameters in braces; ``*rest`` at the end is one that may hold slashes."""
    fixed, star, rest = pattern.partition("*")
    return "/" + PARAMETER.sub(r"{\1}", fixed).lstrip("/") + (f"{{{rest}:path}}" if star else "")


def _methods(told: Any) -> tuple[str, ...]:
    """Methods as predicates have them: a name, several, or ``not_`` of some, which is too wide to be listed."""
    if isinstance(told, str):
        return (told, "HEAD") if told == "GET" else (told,)
    return tuple(told) if isinstance(told, tuple | list | set | frozenset) else ()


def _finder(
    registry: Any, mapper: Any, by_name: dict[str, tuple[Row, ...]]
) -> Callable[[str, str, str | None], Row | None]:
    """What Pyramid itself chooses: the first route that fits, even if no view of it takes the method."""

    def find(path: str, method: str, host: str | None) -> Row | None:
        from pyramid.request import Request  # type: ignore[import-untyped]  # it has no types

        request = Request.blank(path, method=method, host=host or "localhost")
        request.registry = registry
        route = mapper(request)["route"] if mapper else None
        rows = by_name.get(route.name, ()) if route else ()
        return next((row for row in rows if not row.methods or method in row.methods), rows[0] if rows else None)

    return find
