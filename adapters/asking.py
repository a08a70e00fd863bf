"""Read our routes from an app without a table: by the request alone that would confirm them."""

from __future__ import annotations

from workflow_build.adapters.base import Adapter
from workflow_build.adapters.checking import BEHIND_SOMETHING, Probe, unconfirmed
from workflow_build.adapters.probe import Get, get
from workflow_build.adapters.reading import not_an_app, not_mounted
from workflow_build.adapters.table import KINDS
from workflow_build.model import Route, Routes

PREFIX = "/.well-known/workflow/v1"


def ask(adapter: Adapter, app: object, build: str, module: str, get: Get = get, below: str = "") -> Routes:
    """All our routes, if this build answers under our prefix at the root of the app, or below some path of it."""
    if not callable(app):
        return Routes(adapter.name, (), (not_an_app(app, adapter),))
    place = f"{below}{PREFIX}"
    try:
        answer = get(app, f"{place}/health", None)
    except Exception as error:  # noqa: BLE001 - whatever the user's app raises is the finding
        what = f"the app raised {type(error).__name__}: {error}"
        return Routes(adapter.name, (), (unconfirmed(f"{place}/health", what, "wrap the outermost app with mount()"),))
    refused = answer.status in BEHIND_SOMETHING
    if "x-workflow-build" not in answer.headers and not refused:
        return Routes(adapter.name, (), (not_mounted(adapter, module),))
    problem = Probe(app, "", build, get).problem(place, None)
    routes = tuple(
        Route(kind, f"{place}/{tail}", (method,) if method else (), f"GET {place}/health", confirmed=problem is None)
        for kind, (tail, method) in KINDS.items()
    )
    return Routes(adapter.name, routes, () if problem is None else (problem,))
