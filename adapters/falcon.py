"""Falcon: reads the router's tree, the sinks and the static routes of an ASGI app."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

from workflow_build.adapters.base import Clues
from workflow_build.adapters.reading import read
from workflow_build.adapters.table import Row, Table, is_a, row_of
from workflow_build.model import Routes
from workflow_build.rules import routes as rules

FIELD = re.compile(r"\{(\w+)(:path)?[^{}]*\}")
"""A field of a template, with its converter: ``{id:int(min=1)}``."""
REMEDY = "routes go before sinks, and sinks added later before earlier ones: narrow that path, or call mount(app) after that sink is added"
GROUP = re.compile(r"\(\?P<(\w+)>\[\^/\]\+\)")
"""A field in the pattern of a sink."""


@dataclass(frozen=True, slots=True)
class FalconAdapter:
    """Everything about Falcon."""

    name: str = "falcon"
    title: str = "Falcon"
    template: str = "falcon.py.jinja"
    packages: tuple[str, ...] = ("falcon",)
    app_classes: tuple[str, ...] = ("App",)
    entrypoint_key: tuple[str, ...] = ()
    has_routes: bool = True

    def named_app(self, clues: Clues) -> str | None:
        """Falcon has no settings."""
        return None

    def mount_lines(self, module: str) -> tuple[str, ...]:
        """One import and one call."""
        return (f"from {module} import mount", "mount(app)")

    def table(self, app: object) -> Table | None:
        """The routes of an ASGI app, then its sinks and static routes."""
        if not is_a(app, "falcon.App") or not cast(Any, app)._ASGI:
            return None
        routes = {node.uri_template: _row(node) for node in _nodes(_roots(app))}
        ordered = sorted(routes.values(), key=lambda row: row.path.count("{"))
        rest = [row for row, _ in _rest(app)]
        find = _finder(cast(Any, app), routes)
        return Table((*ordered, *rest), "falcon.asgi.App", find=find, whole_paths=True, remedy=REMEDY)

    def read_routes(self, app: object, module: str, build: str) -> Routes:
        """Our routes as Falcon has them."""
        if is_a(app, "falcon.App") and not cast(Any, app)._ASGI:
            advice = "make it a falcon.asgi.App, or build for any WSGI app (--target wsgi)"
            finding = rules.NOT_AN_APP.at(
                None, subject="the app", what="Falcon's WSGI app", adapter="Falcon (ASGI)", advice=advice
            )
            return Routes(self.name, (), (finding,))
        return read(self, app, module, build)


ADAPTER = FalconAdapter()


def _roots(app: Any) -> Iterable[Any]:
    return cast("Iterable[Any]", app._router._roots)


def _nodes(roots: Iterable[Any]) -> Iterator[Any]:
    """The nodes of the tree that have a resource."""
    for node in roots:
        if node.resource is not None:
            yield node
        yield from _nodes(node.children)


def _row(node: Any) -> Row:
    path = FIELD.sub(r"{\1\2}", node.uri_template)
    return row_of(node.resource, path, (name for name, responder in node.method_map.items() if _is_written(responder)))


def _is_written(responder: Any) -> bool:
    """Whether somebody wrote it, rather than Falcon, which answers 405 to all other methods."""
    return row_of(responder, "").module.partition(".")[0] != "falcon"


def _rest(app: Any) -> list[tuple[Row, Callable[[str], Any]]]:
    """What is asked when no route has the path, in order, each with its own way to match."""
    found = []
    for matcher, handler, is_sink in app._sink_and_static_routes:
        path = _readable(matcher.pattern) if is_sink else f"{matcher._prefix}{{path:path}}"
        row = row_of(handler, path)
        found.append((replace(row, matches=_matches(matcher.match)), matcher.match))
    return found


def _matches(match: Callable[[str], Any]) -> Callable[[str], bool]:
    return lambda path: bool(match(path))


def _readable(pattern: str) -> str:
    r"""A sink's pattern as a path: ``/x/(?P<token>[^/]+)\Z`` is ``/x/{token}``."""
    return re.sub(r"\\(.)", r"\1", GROUP.sub(r"{\1}", pattern.removesuffix(r"\Z").removesuffix("$")))


def _finder(app: Any, routes: dict[str, Row]) -> Callable[[str, str, str | None], Row | None]:
    """What Falcon itself chooses: a route, whatever its methods, before all sinks, of which the last one added is first."""

    def find(path: str, method: str, host: str | None) -> Row | None:
        found = app._router.find(path)
        if found is not None:
            return routes.get(found[3])
        return next((row for row, match in _rest(app) if match(path)), None)

    return find
