"""Flask: reads ``app.url_map``, through blueprints, ``DispatcherMiddleware`` and wrapping middleware."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from workflow_build.adapters.base import Clues
from workflow_build.adapters.naming import named_by
from workflow_build.adapters.reading import read, rows_below
from workflow_build.adapters.table import Row, Table, braces, is_a, row_of
from workflow_build.model import Routes

SOURCE = "flask.Flask.url_map"


@dataclass(frozen=True, slots=True)
class FlaskAdapter:
    """Everything about Flask."""

    name: str = "flask"
    title: str = "Flask"
    template: str = "flask.py.jinja"
    packages: tuple[str, ...] = ("flask",)
    app_classes: tuple[str, ...] = ("Flask",)
    entrypoint_key: tuple[str, ...] = ()
    has_routes: bool = True

    def named_app(self, clues: Clues) -> str | None:
        """What ``FLASK_APP`` names."""
        return named_by(clues, "FLASK_APP")

    def mount_lines(self, module: str) -> tuple[str, ...]:
        """One import and one call."""
        return (f"from {module} import mount", "mount(app)")

    def table(self, app: object) -> Table | None:
        """The URL map of a Flask app, or those of the apps that werkzeug's dispatcher chooses from."""
        if is_a(app, "werkzeug.DispatcherMiddleware"):
            return Table(_dispatched(cast(Any, app)), SOURCE, lifespan=False)
        if not is_a(app, "flask.Flask"):
            return None
        inner = cast(Any, app).wsgi_app
        if is_a(inner, "werkzeug.DispatcherMiddleware"):  # app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {…})
            mounted = [row for prefix, other in _mounts(inner)[:-1] for row in rows_below(other, prefix, place=prefix)]
            return Table((*mounted, *_rows(cast(Any, app))), SOURCE, lifespan=False)
        by_rule = rows_by_rule(cast(Any, app))
        return Table(tuple(by_rule.values()), SOURCE, find=rule_finder(cast(Any, app), by_rule), lifespan=False)

    def read_routes(self, app: object, module: str, build: str) -> Routes:
        """Our routes as Flask has them."""
        return read(self, app, module, build)


ADAPTER = FlaskAdapter()


def _dispatched(dispatcher: Any) -> tuple[Row, ...]:
    """The rows of all apps; a path goes to the one with the longest prefix."""
    return tuple(row for prefix, app in _mounts(dispatcher) for row in rows_below(app, prefix, place=prefix or "/"))


def _mounts(dispatcher: Any) -> list[tuple[str, object]]:
    mounts: Mapping[str, object] = dispatcher.mounts
    by_length = sorted(mounts.items(), key=lambda item: -len(item[0]))
    return [*by_length, ("", dispatcher.app)]


def _rows(app: Any) -> tuple[Row, ...]:
    return tuple(rows_by_rule(app).values())


def rows_by_rule(app: Any) -> dict[int, Row]:
    """The rows of a Flask or a Quart app by the identities of their rules. What has fewer parameters comes first, as werkzeug weighs them, too."""
    rules = sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule.count("<"))
    return {id(rule): _row(app, rule) for rule in rules if not rule.websocket}


def _row(app: Any, rule: Any) -> Row:
    endpoint = app.view_functions.get(rule.endpoint, rule.endpoint)
    return row_of(endpoint, braces(rule.rule), rule.methods, _host(app, rule))


def _host(app: Any, rule: Any) -> str | None:
    server: str | None = app.config.get("SERVER_NAME")
    if app.url_map.host_matching:
        return cast("str | None", rule.host)
    return f"{rule.subdomain}.{server}" if rule.subdomain and server else None


def rule_finder(app: Any, by_rule: Mapping[int, Row]) -> Callable[[str, str, str | None], Row | None]:
    """What werkzeug itself chooses: the most specific rule, wherever it stands."""

    def find(path: str, method: str, host: str | None) -> Row | None:
        from werkzeug.exceptions import HTTPException

        server = app.config.get("SERVER_NAME") or "localhost"
        subdomain = host.removesuffix(f".{server}") if host and not app.url_map.host_matching else None
        chosen = app.url_map.bind(host or server if app.url_map.host_matching else server, subdomain=subdomain)
        try:
            rule, _ = chosen.match(path, method, return_rule=True)
        except HTTPException:  # nothing takes it, or a redirect does; the request that confirms will tell
            return None
        return by_rule.get(id(rule))

    return find
