"""The Quart adapter reads real URL maps of real apps, and confirms what it finds by a request."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypercorn.middleware import DispatcherMiddleware, ProxyFixMiddleware
from litestar import Litestar
from quart import Blueprint, Quart, Response, abort, request
from quart.blueprints import BlueprintSetupState
from quart.routing import QuartRule
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount

from workflow_build.adapters import load_adapter
from workflow_build.adapters.base import Clues
from workflow_build.adapters.quart import ADAPTER
from workflow_build.model import Route, Routes, Severity, SourceFile

MODULE = "shop._workflow.quart"
BUILD = "0123456789abcdef"
PREFIX = "/.well-known/workflow/v1"


def workflow_blueprint(build: str = BUILD) -> Blueprint:
    """What the written handler module has: the whole path in every rule, endpoints known by module and name."""

    async def flow() -> Response:
        return Response(status=403)

    async def health() -> Response:
        return Response(headers={"x-workflow-build": build}, status=503)

    async def manifest() -> Response:
        return Response(status=404)

    async def webhook(token: str) -> Response:
        return Response(status=404)

    def add_webhook(state: BlueprintSetupState) -> None:
        endpoint = f"{state.name_prefix}.{state.name}.webhook".lstrip(".")
        path = f"{state.url_prefix or ''}{PREFIX}/webhook/<token>"
        state.app.url_map.add(QuartRule(path, endpoint=endpoint, subdomain=state.subdomain))
        state.app.view_functions[endpoint] = webhook

    for endpoint in (flow, health, manifest, webhook):
        endpoint.__module__ = MODULE
    blueprint = Blueprint("workflow", __name__)
    blueprint.post(f"{PREFIX}/flow")(flow)
    blueprint.get(f"{PREFIX}/health")(health)
    blueprint.get(f"{PREFIX}/manifest.json")(manifest)
    blueprint.record(add_webhook)
    return blueprint


def mounted(**options: Any) -> Quart:
    app = Quart("shop")
    app.register_blueprint(workflow_blueprint(), **options)
    return app


def read(app: object) -> Routes:
    return ADAPTER.read_routes(app, MODULE, BUILD)


def flow_of(found: Routes) -> Route:
    return next(route for route in found.routes if route.kind == "flow")


def codes(found: Routes) -> list[str]:
    return [diagnostic.code for diagnostic in found.diagnostics]


def test_the_adapter_is_found_through_its_entry_point() -> None:
    assert load_adapter("quart") is ADAPTER


def test_plainly_mounted_routes_are_found_and_confirmed() -> None:
    found = read(mounted())

    assert {route.kind: (route.path, route.methods) for route in found.routes} == {
        "flow": (f"{PREFIX}/flow", ("POST",)),
        "health": (f"{PREFIX}/health", ("GET",)),
        "manifest": (f"{PREFIX}/manifest.json", ("GET",)),
        "webhook": (f"{PREFIX}/webhook/{{token}}", ()),
    }
    assert all(route.confirmed for route in found.routes)
    assert found.diagnostics == ()


def prefixed() -> tuple[object, str]:
    return mounted(url_prefix="/api"), "/api"


def nested() -> tuple[object, str]:
    outer, inner = Blueprint("outer", "shop", url_prefix="/outer"), Blueprint("inner", "shop", url_prefix="/inner")
    inner.register_blueprint(workflow_blueprint())
    outer.register_blueprint(inner)
    app = Quart("shop")
    app.register_blueprint(outer, url_prefix="/api")
    return app, "/api/inner"


def dispatched() -> tuple[object, str]:
    other: Any = Quart("other")
    app: Any = mounted(url_prefix="/x")
    return DispatcherMiddleware({"/other": other, "/deep": app}), "/deep/x"


def wrapped_as_a_whole() -> tuple[object, str]:
    app: Any = mounted()
    wrapped: Any = CORSMiddleware(app)
    return ProxyFixMiddleware(wrapped), ""


def wrapped_by_its_method() -> tuple[object, str]:
    app: Any = mounted()
    return CORSMiddleware(app.asgi_app), ""


def wrapped_inside() -> tuple[object, str]:
    app: Any = mounted()
    app.asgi_app = ProxyFixMiddleware(app.asgi_app)
    return app, ""


@pytest.mark.parametrize(
    "make", [prefixed, nested, dispatched, wrapped_as_a_whole, wrapped_by_its_method, wrapped_inside]
)
def test_the_true_path_is_found_wherever_the_routes_are(make: Callable[[], tuple[object, str]]) -> None:
    app, prefix = make()

    found = read(app)

    assert flow_of(found).path == f"{prefix}{PREFIX}/flow"
    assert len(found.routes) == 4
    assert found.diagnostics == ()
    assert all(route.confirmed for route in found.routes)


def test_an_app_behind_another_framework_is_found_and_its_lifespan_is_missed() -> None:
    app: Any = mounted(url_prefix="/api")

    found = read(Starlette(routes=[Mount("/old", app)]))

    assert flow_of(found).path == f"/old/api{PREFIX}/flow"
    assert all(route.confirmed for route in found.routes)
    assert codes(found) == ["WB506"]


def test_a_dispatcher_that_sends_the_path_to_an_app_before_ours_is_named_as_the_shadow() -> None:
    first: Any = Quart("first")
    app: Any = mounted()

    found = read(DispatcherMiddleware({"/": first, "/deep": app}))

    assert set(codes(found)) == {"WB503"}
    assert not any(route.confirmed for route in found.routes)


def test_routes_under_a_host_are_confirmed_under_that_host() -> None:
    app = Quart("shop", host_matching=True, static_host="shop.example.org")

    async def flow() -> Response:
        return Response(status=403)

    async def health() -> Response:
        return Response(headers={"x-workflow-build": BUILD})

    flow.__module__ = health.__module__ = MODULE
    app.add_url_rule(f"{PREFIX}/flow", view_func=flow, methods=["POST"], host="jobs.example.org")
    app.add_url_rule(f"{PREFIX}/health", view_func=health, host="jobs.example.org")

    found = read(app)

    assert [(route.host, route.confirmed) for route in found.routes] == [("jobs.example.org", True)] * 2


def test_an_app_without_our_routes_gets_the_lines_to_add() -> None:
    found = read(Quart("shop"))

    assert (found.routes, codes(found)) == ((), ["WB501"])
    assert "from shop._workflow.quart import mount" in found.diagnostics[0].hint


def test_routes_that_are_mounted_twice_are_all_kept_with_a_warning() -> None:
    app = mounted()
    app.register_blueprint(workflow_blueprint(), url_prefix="/again", name="again")

    found = read(app)

    assert len(found.routes) == 8
    assert all(route.confirmed for route in found.routes)
    assert [(one.code, one.severity) for one in found.diagnostics] == [("WB502", Severity.WARNING)]


def test_a_catch_all_before_the_mount_does_no_harm_since_werkzeug_prefers_what_is_exact() -> None:
    app = Quart("shop")
    app.add_url_rule("/<path:rest>", view_func=lambda rest: rest, methods=["GET", "POST"])
    app.register_blueprint(workflow_blueprint())

    found = read(app)

    assert codes(found) == []
    assert all(route.confirmed for route in found.routes)


def test_an_equal_rule_before_the_mount_is_named_as_the_shadow() -> None:
    app = Quart("shop")

    @app.post(f"{PREFIX}/flow")
    async def mine() -> str:
        return ""

    app.register_blueprint(workflow_blueprint())

    found = read(app)

    assert codes(found) == ["WB503"]
    assert "mine" in found.diagnostics[0].message
    assert [route.kind for route in found.routes if not route.confirmed] == ["flow"]


def test_a_flow_route_for_another_method_is_an_error() -> None:
    app = Quart("shop")

    async def flow() -> str:
        return ""

    flow.__module__ = MODULE
    app.add_url_rule(f"{PREFIX}/flow", view_func=flow, methods=["PUT"])

    assert codes(read(app)) == ["WB504"]


def test_a_request_hook_that_refuses_strangers_is_a_warning_with_the_status() -> None:
    app = mounted()

    @app.before_request
    async def refuse() -> None:
        if "authorization" not in request.headers:
            abort(401)

    found = read(app)

    assert {(one.code, one.severity) for one in found.diagnostics} == {("WB505", Severity.WARNING)}
    assert "401" in found.diagnostics[0].message


def test_an_answer_of_another_build_is_an_error() -> None:
    app = Quart("shop")
    app.register_blueprint(workflow_blueprint("fedcba9876543210"))

    assert set(codes(read(app))) == {"WB503"}


def test_a_path_with_parameters_can_not_be_confirmed() -> None:
    found = read(mounted(url_prefix="/<tenant>"))

    assert flow_of(found).path == f"/{{tenant}}{PREFIX}/flow"
    assert not flow_of(found).confirmed
    assert set(codes(found)) == {"WB505"}


@pytest.mark.parametrize("thing", [object(), "app", lambda scope, receive, send: None])
def test_a_thing_without_a_table_is_named(thing: object) -> None:
    assert codes(read(thing)) == ["WB511"]


@pytest.mark.parametrize(("app", "target"), [(Flask("shop"), "flask"), (Litestar(openapi_config=None), "litestar")])
def test_an_app_of_another_framework_is_named_with_its_target(app: object, target: str) -> None:
    assert f"--target {target}" in read(app).diagnostics[0].hint


def test_the_app_that_quart_app_names_is_found() -> None:
    file = SourceFile(
        "shop/web.py", "shop.web", is_package=False, data=b"def create_app():\n    ...\n", candidate=False
    )

    assert ADAPTER.named_app(Clues(Path(), {"QUART_APP": "shop.web"}, (file,))) == "shop.web:create_app"
    assert ADAPTER.named_app(Clues(Path(), {"QUART_APP": "shop.web:site"}, (file,))) == "shop.web:site"
    assert ADAPTER.named_app(Clues(Path(), {}, (file,))) is None
