"""Tornado: reads ``default_router`` through hosts, nested routers and apps, and the WSGI apps of fallback handlers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from workflow_build.adapters.base import Clues
from workflow_build.adapters.reading import read, rows_below
from workflow_build.adapters.table import Row, Table, is_a, row_of
from workflow_build.adapters.tornado_probe import get, request
from workflow_build.model import Routes

GROUP = re.compile(r"\((?:\?P<(\w+)>|\?:)?(?:[^()\\]|\\.)*\)")
SPECIAL = re.compile(r"\\[A-Za-z0-9]|(?<!\\)[*+?|\[\]()^$]")
"""What is left of a pattern that is not one path with parameters."""


@dataclass(frozen=True, slots=True)
class Way:
    """A row, and how requests come to it."""

    row: Row
    matchers: tuple[Any, ...]
    chosen: bool = False
    """Whether the row has to take what comes here, as in an app of another framework; else what comes is its own, whatever the method."""

    def leads(self, asked: Any) -> bool:
        """Whether that request ends here if nothing earlier took it."""
        if any(matcher.match(asked) is None for matcher in self.matchers):
            return False
        return not self.chosen or self.row.takes(asked.path, asked.method, self.row.host)


@dataclass(frozen=True, slots=True)
class TornadoAdapter:
    """Everything about Tornado."""

    name: str = "tornado"
    title: str = "Tornado"
    template: str = "tornado.py.jinja"
    packages: tuple[str, ...] = ("tornado.web",)  # others use its client, or its loop
    app_classes: tuple[str, ...] = ("Application",)
    entrypoint_key: tuple[str, ...] = ()
    has_routes: bool = True

    def named_app(self, clues: Clues) -> str | None:
        """Tornado has no settings for it."""
        return None

    def mount_lines(self, module: str) -> tuple[str, ...]:
        """One import and one call; the worker stands where the app is served."""
        return (
            f"from {module} import mount, service",
            "mount(app)",
            "async with service.lifespan():  # in main(), around what waits for the server's end",
        )

    def table(self, app: object) -> Table | None:
        """The rules of a Tornado app or router."""
        if not is_a(app, "tornado.Application", "tornado.RuleRouter"):
            return None
        ways = tuple(_walk(_rules(app)))
        source = "tornado.web.Application.default_router"
        return Table(tuple(way.row for way in ways), source, find=_finder(ways), lifespan=False, get=get)

    def read_routes(self, app: object, module: str, build: str) -> Routes:
        """Our routes as Tornado has them."""
        return read(self, app, module, build)


ADAPTER = TornadoAdapter()


def _rules(router: Any) -> Iterable[Any]:
    return cast("Iterable[Any]", getattr(router, "default_router", router).rules)


def _walk(rules: Iterable[Any], above: tuple[Any, ...] = (), host: str | None = None) -> Iterator[Way]:
    for rule in rules:
        matchers = (*above, rule.matcher)
        place = _path(matchers)
        below = host
        if is_a(rule.matcher, "tornado.DefaultHostMatches"):
            continue  # what is added for a host stands under that host already
        if is_a(rule.matcher, "tornado.HostMatches"):
            below = _host(rule.matcher.host_pattern.pattern) or host
        if is_a(rule.target, "tornado.Application", "tornado.RuleRouter"):
            yield from _walk(_rules(rule.target), matchers, below)
        elif fallback := rule.target_kwargs.get("fallback"):
            yield from (Way(row, matchers, chosen=True) for row in rows_below(fallback, "", below, place=place))
        if not is_a(rule.target, "tornado.RuleRouter"):  # an app answers all that it is given, if only with 404
            yield Way(row_of(rule.target, place, _methods(rule.target), below), matchers)


def _methods(target: Any) -> Iterable[str]:
    """The methods that a handler class has; none for any."""
    supported: Iterable[str] | None = getattr(target, "SUPPORTED_METHODS", None)
    if supported is None or "ANY METHOD" in supported:
        return ()
    return [name for name in supported if _has(target, name.lower())]


def _has(handler: Any, method: str) -> bool:
    from tornado.web import RequestHandler

    own = getattr(handler, method, None)
    return own is not None and own is not getattr(RequestHandler, method, None)


def _host(pattern: str) -> str | None:
    """The host of a host pattern; None for all hosts, the pattern itself for what may be several."""
    text = pattern.removeprefix("^").removesuffix("$")
    if text == ".*":
        return None
    plain = re.sub(r"\\([^A-Za-z0-9])", r"\1", text)
    return text if SPECIAL.search(text) else plain


def _path(matchers: Iterable[Any]) -> str:
    """The path of the innermost pattern, since each sees the whole path; the pattern itself when it is no path with parameters."""
    patterns = [matcher.regex.pattern for matcher in matchers if is_a(matcher, "tornado.PathMatches")]
    if not patterns:
        return "/{rest:path}"
    pattern: str = patterns[-1].removeprefix("^").removesuffix("$")
    if pattern in (".*", "/.*", "(.*)", "/(.*)"):
        return "/{rest:path}"
    path = GROUP.sub(lambda found: f"{{{found[1] or 'part'}}}", pattern)
    return pattern if SPECIAL.search(path) else re.sub(r"\\(.)", r"\1", path)


def _finder(ways: tuple[Way, ...]) -> Callable[[str, str, str | None], Row | None]:
    """What Tornado chooses: the first that matches, whatever the method."""

    def find(path: str, method: str, host: str | None) -> Row | None:
        from tornado.httputil import HTTPInputError

        try:
            asked = request(method, path, host)
        except HTTPInputError:  # a host pattern that fits many hosts is none itself
            return None
        return next((way.row for way in ways if way.leads(asked)), None)

    return find
