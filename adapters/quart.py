"""Quart: reads ``app.url_map`` as Flask's is read, and through the dispatcher that Hypercorn has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from workflow_build.adapters.base import Clues
from workflow_build.adapters.flask import rows_by_rule, rule_finder
from workflow_build.adapters.naming import named_by
from workflow_build.adapters.reading import read, table_of
from workflow_build.adapters.table import Row, Table, is_a, moved, row_of
from workflow_build.model import Routes

SOURCE = "quart.Quart.url_map"


@dataclass(frozen=True, slots=True)
class QuartAdapter:
    """Everything about Quart."""

    name: str = "quart"
    title: str = "Quart"
    template: str = "quart.py.jinja"
    packages: tuple[str, ...] = ("quart",)
    app_classes: tuple[str, ...] = ("Quart",)
    entrypoint_key: tuple[str, ...] = ()
    has_routes: bool = True

    def named_app(self, clues: Clues) -> str | None:
        """What ``QUART_APP`` names."""
        return named_by(clues, "QUART_APP")

    def mount_lines(self, module: str) -> tuple[str, ...]:
        """One import and one call."""
        return (f"from {module} import mount", "mount(app)")

    def table(self, app: object) -> Table | None:
        """The URL map of a Quart app, or those of the apps that Hypercorn's dispatcher chooses from."""
        if is_a(app, "hypercorn._DispatcherMiddleware"):
            return Table(tuple(_dispatched(cast(Any, app))), SOURCE)
        if not is_a(app, "quart.Quart"):
            return None
        by_rule = rows_by_rule(cast(Any, app))
        return Table(tuple(by_rule.values()), SOURCE, find=rule_finder(cast(Any, app), by_rule))

    def read_routes(self, app: object, module: str, build: str) -> Routes:
        """Our routes as Quart has them."""
        return read(self, app, module, build)


ADAPTER = QuartAdapter()


def _dispatched(dispatcher: Any) -> Iterator[Row]:
    """The rows of all apps. The first whose prefix fits takes the path, and all have their lifespan run."""
    for prefix, app in dispatcher.mounts.items():
        found = table_of(app)
        yield from moved(found[1].rows, prefix.rstrip("/")) if found else ()
        yield row_of(app, f"{prefix}{{rest:path}}")
