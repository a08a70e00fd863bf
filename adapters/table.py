"""A framework's route table, as all adapters give it: one row for each route, in the order in which they are tried."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from workflow_build.adapters.probe import Get, get

KINDS: dict[str, tuple[str, str | None]] = {
    "flow": ("flow", "POST"),
    "health": ("health", "GET"),
    "manifest": ("manifest.json", "GET"),
    "webhook": ("webhook/{token}", None),
}
"""Our endpoints by name: the last part of the path, and the method that must reach it, None for any."""

PARAMETER = re.compile(r"<(?:(\w+)(?:\([^<>]*\))?:)?(\w+)>")
"""A parameter as werkzeug and Django write it: ``<path:token>``."""


@dataclass(frozen=True, slots=True)
class Row:
    """One route of the app."""

    path: str
    """The whole path, parameters in braces: ``/x/{token}``, or ``{rest:path}`` for what may hold slashes."""
    module: str
    """Of the endpoint."""
    name: str
    """The endpoint's qualified name. Ours are known by the last part of it: ``flow``, ``health``, ``manifest``, ``webhook``."""
    methods: frozenset[str] = frozenset()
    """Empty for any method."""
    host: str | None = None
    below: str | None = None
    """The path of the mount that it is in, when that has an app of its own whose lifespan is not run."""
    matches: Callable[[str], bool] | None = None
    """Whether a path is this row's, when the text of ``path`` does not say it."""
    widest: frozenset[str] = frozenset()
    """``Table.widest`` of the app that it is in, when that is mounted in another one."""

    @property
    def endpoint(self) -> str:
        """Where the endpoint is, for messages; two rows with one endpoint lead to the same place."""
        return f"{self.module}.{self.name}"

    @property
    def kind(self) -> str:
        """Which of our endpoints it would be by its name; empty when it is none."""
        last = self.name.rpartition(".")[2].lower()
        return last if last in KINDS else ""

    def takes(self, path: str, method: str, host: str | None) -> bool:
        """Whether a request would end here if nothing earlier took it."""
        if (self.methods and method not in self.methods) or self.host not in (None, host):
            return False
        return self.matches(path) if self.matches else _pattern(self.path).fullmatch(path) is not None


@dataclass(frozen=True, slots=True)
class Table:
    """All rows of one app, and how requests find their way through them."""

    rows: tuple[Row, ...]
    source: str
    """Where it was read, as in ``flask.Flask.url_map``."""
    root: str = ""
    """What the app adds to all paths, or a proxy takes away before them."""
    find: Callable[[str, str, str | None], Row | None] | None = None
    """The framework's own choice for path, method and host; without it, the first row that takes the request."""
    widest: frozenset[str] = frozenset()
    """The methods of the webhook, in a framework that has no rule for any method."""
    lifespan: bool = True
    """Whether the worker lives in a lifespan of the app."""
    whole_paths: bool = False
    """Whether an app of this framework sees the whole path when it is mounted in another one, so that its rows have the mount's prefix."""
    get: Get = get
    """How an app of this framework is asked in this process."""
    remedy: str = "call mount(app) before that route is added"
    """How our routes come before another one that takes their paths."""

    def taker(self, path: str, method: str, host: str | None) -> Row | None:
        """The row that a request ends at; None when it ends at none, or outside of the table."""
        if self.find is not None:
            return self.find(path, method, host)
        return next((row for row in self.rows if row.takes(path, method, host)), None)


def row_of(endpoint: object, path: str, methods: Iterable[str] | None = None, host: str | None = None) -> Row:
    """The row of a function, method, class or object; no ``methods`` for any method."""
    while hasattr(endpoint, "func"):  # functools.partial
        endpoint = endpoint.func
    module = getattr(endpoint, "__module__", None) or type(endpoint).__module__
    name = getattr(endpoint, "__qualname__", None) or type(endpoint).__qualname__
    return Row(path, str(module), str(name), frozenset(methods or ()), host)


def moved(rows: Iterable[Row], prefix: str) -> tuple[Row, ...]:
    """The rows of an app that knows nothing of the ``prefix`` it is mounted under."""
    return tuple(
        replace(row, path=prefix + row.path, matches=_beneath(prefix, row.matches) if row.matches else None)
        for row in rows
    )


def braces(path: str) -> str:
    """The path with its parameters in braces, of a framework that writes them ``<converter:name>``."""
    return PARAMETER.sub(lambda found: f"{{{found[2]}{':path' if found[1] == 'path' else ''}}}", path)


def is_a(thing: object, *classes: str) -> bool:
    """Whether the thing is of one of the classes, named as in ``flask.Flask``: top package and name. Imports nothing."""
    names = {f"{cls.__module__.partition('.')[0]}.{cls.__qualname__}" for cls in type(thing).__mro__}
    return not names.isdisjoint(classes)


def _beneath(prefix: str, matches: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda path: path.startswith(prefix) and matches(path[len(prefix) :])


@cache
def _pattern(path: str) -> re.Pattern[str]:
    parts: list[Any] = re.split(r"\{(\w*)(:\w+)?\}", path)
    texts, kinds = parts[::3], parts[2::3]
    holes = [".*" if kind == ":path" else "[^/]+" for kind in kinds]
    return re.compile("".join(re.escape(text) + hole for text, hole in zip(texts, [*holes, ""], strict=True)))
