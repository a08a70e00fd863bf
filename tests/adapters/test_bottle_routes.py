"""The Bottle adapter reads real routes of real apps, and confirms what it finds by a request."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import bottle  # type: ignore[import-untyped]  # it has no types
import pytest
from a2wsgi import WSGIMiddleware
from flask import Flask
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from workflow_build.adapters import load_adapter
from workflow_build.adapters.bottle import ADAPTER
from workflow_build.model import Route, Routes, Severity

MODULE = "shop._workflow.bottle"
BUILD = "0123456789abcdef"
PREFIX = "/.well-known/workflow/v1"
METHODS = ["ANY", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def mount(app: Any, build: str = BUILD) -> None:
    """What the written handler module does."""

    def flow(**_: str) -> Any:
        return bottle.HTTPResponse(status=403)

    def health(**_: str) -> Any:
        return bottle.HTTPResponse(status=503, headers={"x-workflow-build": build})

    def manifest(**_: str) -> Any:
        return bottle.HTTPResponse(status=404)

    def webhook(token: str, **_: str) -> Any:
        return bottle.HTTPResponse(status=404)

    for endpoint in (flow, health, manifest, webhook):
        endpoint.__module__ = MODULE
    app.route(f"{PREFIX}/flow", "POST", flow)
    app.route(f"{PREFIX}/health", "GET", health)
    app.route(f"{PREFIX}/manifest.json", "GET", manifest)
    app.route(f"{PREFIX}/webhook/<token>", METHODS, webhook)


def mounted(build: str = BUILD) -> Any:
    app = bottle.Bottle()
    mount(app, build)
    return app


def read(app: object) -> Routes:
    return ADAPTER.read_routes(app, MODULE, BUILD)


def flow(found: Routes) -> Route:
    return next(route for route in found.routes if route.kind == "flow")


def codes(found: Routes) -> list[str]:
    return [diagnostic.code for diagnostic in found.diagnostics]


def mine(**_: str) -> str:
    """The user's own."""
    return ""


def test_the_adapter_is_found_through_its_entry_point() -> None:
    assert load_adapter("bottle") is ADAPTER


def test_plainly_mounted_routes_are_found_and_confirmed() -> None:
    found = read(mounted())

    assert {route.kind: (route.path, route.methods) for route in found.routes} == {
        "flow": (f"{PREFIX}/flow", ("POST",)),
        "health": (f"{PREFIX}/health", ("GET",)),
        "manifest": (f"{PREFIX}/manifest.json", ("GET",)),
        "webhook": (f"{PREFIX}/webhook/{{token}}", ()),
    }
    assert len(found.routes) == 4
    assert all(route.confirmed for route in found.routes)
    assert found.diagnostics == ()


def in_another_app() -> tuple[object, str]:
    app = bottle.Bottle()
    app.mount("/api/", mounted())
    return app, "/api"


def nested() -> tuple[object, str]:
    inner, app = bottle.Bottle(), bottle.Bottle()
    inner.mount("/inner/", mounted())
    app.mount("/outer/", inner)
    return app, "/outer/inner"


def in_another_app_as_wsgi() -> tuple[object, str]:
    app = bottle.Bottle()
    with warnings.catch_warnings(action="ignore"):
        app.mount("/api", mounted())
    app.mount("/other/", Flask("other"))
    return app, "/api"


def of_the_default_app() -> tuple[object, str]:
    app = bottle.default_app.push()
    mount(bottle.default_app())
    bottle.default_app.remove(app)
    return app, ""


def wrapped() -> tuple[object, str]:
    return ProxyFix(ProxyFix(mounted())), ""


def dispatched() -> tuple[object, str]:
    return DispatcherMiddleware(Flask("outer"), {"/deep": mounted()}), "/deep"


def behind_an_asgi_framework() -> tuple[object, str]:
    converted: Any = WSGIMiddleware(mounted())
    return CORSMiddleware(Starlette(routes=[Mount("/old", converted)])), "/old"


def merged() -> tuple[object, str]:
    app = bottle.Bottle()
    app.merge(mounted())
    return app, ""


@pytest.mark.parametrize(
    "make",
    [
        in_another_app,
        nested,
        in_another_app_as_wsgi,
        of_the_default_app,
        wrapped,
        dispatched,
        behind_an_asgi_framework,
        merged,
    ],
)
def test_the_true_path_is_found_wherever_the_routes_are(make: Callable[[], tuple[object, str]]) -> None:
    app, prefix = make()

    found = read(app)

    assert flow(found).path == f"{prefix}{PREFIX}/flow"
    assert len(found.routes) == 4
    assert found.diagnostics == ()
    assert all(route.confirmed for route in found.routes)


def test_an_app_without_our_routes_gets_the_lines_to_add() -> None:
    found = read(bottle.Bottle())

    assert (found.routes, codes(found)) == ((), ["WB501"])
    assert "from shop._workflow.bottle import mount" in found.diagnostics[0].hint


def test_routes_that_are_mounted_twice_are_all_kept_with_a_warning() -> None:
    app = mounted()
    app.mount("/again/", mounted())

    found = read(app)

    assert len(found.routes) == 8
    assert all(route.confirmed for route in found.routes)
    assert [(one.code, one.severity) for one in found.diagnostics] == [("WB502", Severity.WARNING)]


@pytest.mark.parametrize("method", ["GET", "ANY"])
def test_a_catch_all_after_the_mount_does_no_harm(method: str) -> None:
    app = mounted()
    app.route("/<rest:path>", method, mine)

    assert codes(read(app)) == []


def test_a_catch_all_before_the_mount_takes_the_webhook() -> None:
    app = bottle.Bottle()
    app.get("/<rest:path>", callback=mine)
    mount(app)

    found = read(app)

    assert codes(found) == ["WB503"]
    assert "mine at /{rest:path}" in found.diagnostics[0].message
    assert [route.kind for route in found.routes if not route.confirmed] == ["webhook"]


def test_an_equal_rule_after_the_mount_is_named_as_the_shadow() -> None:
    app = mounted()
    app.post(f"{PREFIX}/flow", callback=mine)

    found = read(app)

    assert codes(found) == ["WB503"]
    assert [route.kind for route in found.routes if not route.confirmed] == ["flow"]


def test_a_wsgi_mount_takes_all_that_is_below_it() -> None:
    app = mounted()
    app.mount("/.well-known/", Flask("other"))

    assert set(codes(read(app))) == {"WB503"}


def test_a_flow_route_for_another_method_is_an_error() -> None:
    def flow() -> str:
        return ""

    flow.__module__ = MODULE
    app = bottle.Bottle()
    app.put(f"{PREFIX}/flow", callback=flow)

    assert codes(read(app)) == ["WB504"]


def test_a_request_hook_that_refuses_strangers_is_a_warning_with_the_status() -> None:
    app = mounted()

    def refuse() -> None:
        if not bottle.request.auth:
            bottle.abort(401)

    app.add_hook("before_request", refuse)

    found = read(app)

    assert {(one.code, one.severity) for one in found.diagnostics} == {("WB505", Severity.WARNING)}
    assert "401" in found.diagnostics[0].message


def test_an_answer_of_another_build_is_an_error() -> None:
    assert set(codes(read(mounted("fedcba9876543210")))) == {"WB503"}


def test_a_path_with_parameters_can_not_be_confirmed() -> None:
    app = bottle.Bottle()
    app.mount("/<tenant:re:[a-z]+>/", mounted())

    found = read(app)

    assert not flow(found).confirmed
    assert set(codes(found)) == {"WB505"}


@pytest.mark.parametrize("thing", [object(), "app", lambda environ, start_response: None])
def test_a_thing_without_a_table_is_named(thing: object) -> None:
    assert codes(read(thing)) == ["WB511"]


def test_an_app_of_another_framework_is_named_with_its_target() -> None:
    found = read(Flask("shop"))

    assert codes(found) == ["WB511"]
    assert "--target flask" in found.diagnostics[0].hint
