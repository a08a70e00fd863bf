"""Read our routes from an app, whatever is wrapped around it and whichever framework it is mounted under."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace

from workflow_build.adapters.base import Adapter, TableAdapter
from workflow_build.adapters.checking import check, our_rows
from workflow_build.adapters.table import Row, Table, moved
from workflow_build.model import Diagnostic, Routes
from workflow_build.rules import routes as rules

WRAPPERS = ("app", "asgi_app", "wsgi_app", "wsgi_application", "application", "_app")
"""Where middleware and converters keep what they wrap."""


def read(adapter: TableAdapter, app: object, module: str, build: str, lines: tuple[str, ...] = ()) -> Routes:
    """Our routes as they are reached from outside; a finding for each that is missing, twice there, shadowed, or out of reach.

    ``lines`` are those that mount the handler in this very app, if they are others than ``mount_lines``.
    """
    found = table_of(app, adapter)
    if found is None:
        return Routes(adapter.name, (), (not_an_app(app, adapter),))
    owner, table = found
    if any(row.kind == "flow" for row in our_rows(table, module)):
        return check(adapter.name, table, app, module, build)
    if owner.name != adapter.name:  # it might have held the target's app in a mount
        return Routes(adapter.name, (), (not_an_app(app, adapter, owner),))
    return Routes(adapter.name, (), (not_mounted(adapter, module, lines),))


def table_of(app: object, first: TableAdapter | None = None) -> tuple[TableAdapter, Table] | None:
    """The table of an app of any framework, with its adapter; ``first`` is asked first. Middleware is looked through."""
    from workflow_build.adapters import load_adapters

    others = [other for other in load_adapters() if isinstance(other, TableAdapter) and other != first]
    for layer in layers(app):
        for adapter in [first, *others] if first else others:
            table = adapter.table(layer)
            if table is not None:
                return adapter, table
    return None


def rows_below(app: object, prefix: str, host: str | None = None, *, place: str) -> tuple[Row, ...]:
    """The rows of an app of whatever framework that is mounted at ``place`` of another one; none when nobody knows it.

    ``prefix`` stands before its paths. Its lifespan is not run.
    """
    found = table_of(app)
    if found is None:
        return ()
    table = found[1]
    rows = table.rows if table.whole_paths else moved(table.rows, prefix)
    below = place if table.lifespan else None
    return tuple(replace(row, host=row.host or host, below=below, widest=row.widest or table.widest) for row in rows)


def not_mounted(adapter: Adapter, module: str, lines: tuple[str, ...] = ()) -> Diagnostic:
    """The finding with the lines that mount the handler: ``lines``, or else the adapter's."""
    return rules.NOT_MOUNTED.at(None, lines="\n  ".join(lines or adapter.mount_lines(module)))


def not_an_app(app: object, adapter: Adapter, owner: Adapter | None = None) -> Diagnostic:
    """The finding that says what there is in place of the adapter's app, and which other framework (``owner``) it is of."""
    what = f"a {type(app).__module__}.{type(app).__qualname__}"
    if owner is not None:
        advice = f"build for {owner.title} (--target {owner.name}), or name the {adapter.title} app with --app module:attribute"
    elif inspect.isfunction(app):  # one without parameters is called as a factory before
        needed = [item.name for item in inspect.signature(app).parameters.values() if item.default is item.empty]
        given = f" that needs {', '.join(needed)}" if needed else ""
        what = f"{'an async' if inspect.iscoroutinefunction(app) else 'a plain'} function{given}"
        advice = "a function that makes the app takes no arguments and is not async; name one, or the app, with --app module:attribute"
    else:
        advice = f"name the {adapter.title} object, or the function that makes it, with --app module:attribute"
    return rules.NOT_AN_APP.at(None, subject="the app", what=what, adapter=adapter.title, advice=advice)


def layers(app: object) -> Iterator[object]:
    """The app, then what it wraps, and so on."""
    seen: set[int] = set()
    layer: object | None = app
    while layer is not None and id(layer) not in seen:
        seen.add(id(layer))
        yield layer
        owner = getattr(layer, "__self__", None) if inspect.ismethod(layer) else None  # ProxyFix(app.wsgi_app)
        layer = owner or next((got for name in WRAPPERS if (got := getattr(layer, name, None)) is not None), None)
