"""aiohttp: reads ``app.router`` through sub-apps and domains, and lets aiohttp itself choose between what it finds there."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from workflow_build.adapters.base import Clues
from workflow_build.adapters.probe import Answer
from workflow_build.adapters.reading import read
from workflow_build.adapters.table import Row, Table, is_a, row_of
from workflow_build.model import Routes

ANY = "*"
"""The method of aiohttp's routes that take any."""


@dataclass(frozen=True, slots=True)
class AiohttpAdapter:
    """Everything about aiohttp."""

    name: str = "aiohttp"
    title: str = "aiohttp"
    template: str = "aiohttp.py.jinja"
    packages: tuple[str, ...] = ("aiohttp.web",)  # the rest of aiohttp is a client
    app_classes: tuple[str, ...] = ("Application",)
    entrypoint_key: tuple[str, ...] = ()
    has_routes: bool = True

    def named_app(self, clues: Clues) -> str | None:
        """aiohttp has no settings."""
        return None

    def mount_lines(self, module: str) -> tuple[str, ...]:
        """One import and one call."""
        return (f"from {module} import mount", "mount(app)")

    def table(self, app: object) -> Table | None:
        """The resources of an aiohttp app and of its sub-apps."""
        if not is_a(app, "aiohttp.Application"):
            return None
        router = cast(Any, app).router
        by_route = dict(_walk(router))
        rows = tuple({id(row): row for row in by_route.values()}.values())
        return Table(rows, "aiohttp.web.Application.router", find=_finder(router, by_route), get=get)

    def read_routes(self, app: object, module: str, build: str) -> Routes:
        """Our routes as aiohttp has them. ``run_app`` and gunicorn take async functions that make the app, and so does this."""
        return read(self, _made(app), module, build)


ADAPTER = AiohttpAdapter()


def get(app: Any, path: str, host: str | None = None) -> Answer:
    """Send ``GET path`` through the app's middleware and routes. Raises what the app raises; nothing is started."""
    return asyncio.run(_get(app, path, host))


async def _get(app: Any, path: str, host: str | None) -> Answer:
    from aiohttp.web import HTTPException

    app.freeze()  # this puts the middleware together; what starts the app is not run
    try:
        response = await app._handle(_request("GET", path, host))
    except HTTPException as error:
        response = error
    return Answer(response.status, {name.lower(): value for name, value in response.headers.items()})


def _request(method: str, path: str, host: str | None) -> Any:
    from aiohttp.test_utils import make_mocked_request

    return make_mocked_request(method, path, {"Host": host or "localhost"})


def _made(app: object) -> object:
    """The app, or what the async function gives that makes it."""
    if inspect.iscoroutinefunction(app) and all(
        item.default is not item.empty for item in inspect.signature(app).parameters.values()
    ):
        app = app()
    return asyncio.run(app) if inspect.iscoroutine(app) else app


def _walk(router: Any, domain: str | None = None) -> Iterator[tuple[int, Row]]:
    """All rows by the identities of their routes. The paths in sub-apps have their prefixes already."""
    for resource in router.resources():
        info = resource.get_info()
        if is_a(info.get("app"), "aiohttp.Application"):
            rule = info.get("rule")
            yield from _walk(info["app"].router, rule.get_info().get("domain", domain) if rule else domain)
        else:
            yield from _rows(resource, domain)


def _rows(resource: Any, domain: str | None) -> Iterator[tuple[int, Row]]:
    """One row for each handler of the resource: what takes GET has a route for HEAD, too."""
    handlers: dict[int, list[Any]] = {}
    for route in resource:
        handlers.setdefault(id(route.handler), []).append(route)
    for routes in handlers.values():
        methods = {route.method for route in routes}
        row = row_of(routes[0].handler, resource.canonical, () if ANY in methods else methods, domain)
        yield from ((id(route), row) for route in routes)


def _finder(router: Any, by_route: Mapping[int, Row]) -> Callable[[str, str, str | None], Row | None]:
    """What aiohttp itself chooses: domains come first, then the longest path without parameters."""

    def find(path: str, method: str, host: str | None) -> Row | None:
        found = asyncio.run(router.resolve(_request(method, path, host)))
        return by_route.get(id(found.route))  # the route of an error is in no table

    return find
