"""The Flask adapter reads real URL maps of real apps, and confirms what it finds by a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from a2wsgi import WSGIMiddleware
from flask import Blueprint, Flask, Response, abort, request
from flask.blueprints import BlueprintSetupState
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import Rule

from workflow_build.adapters import load_adapter
from workflow_build.adapters.flask import ADAPTER
from workflow_build.model import Route, Routes, Severity

MODULE = "shop._workflow.flask"
BUILD = "0123456789abcdef"
PREFIX = "/.well-known/workflow/v1"


def workflow_blueprint(build: str = BUILD) -> Blueprint:
    """What the written handler module has: the whole path in every rule, endpoints known by module and name."""

    def flow() -> Response:
        return Response(status=403)

    def health() -> Response:
        return Response(headers={"x-workflow-build": build}, status=503)

    def manifest() -> Response:
        return Response(status=404)

    def webhook(token: str) -> Response:
        return Response(status=404)

    def add_webhook(state: BlueprintSetupState) -> None:
        endpoint = f"{state.name_prefix}.{state.name}.webhook".lstrip(".")
        path = f"{state.url_prefix or ''}{PREFIX}/webhook/<token>"
        state.app.url_map.add(Rule(path, endpoint=endpoint, subdomain=state.subdomain))
        state.app.view_functions[endpoint] = webhook

    for endpoint in (flow, health, manifest, webhook):
        endpoint.__module__ = MODULE
    blueprint = Blueprint("workflow", __name__)
    blueprint.post(f"{PREFIX}/flow")(flow)
    blueprint.get(f"{PREFIX}/health")(health)
    blueprint.get(f"{PREFIX}/manifest.json")(manifest)
    blueprint.record(add_webhook)
    return blueprint


def mounted(**options: Any) -> Flask:
    app = Flask("shop")
    app.register_blueprint(workflow_blueprint(), **options)
    return app


def read(app: object) -> Routes:
    return ADAPTER.read_routes(app, MODULE, BUILD)


def flow(found: Routes) -> Route:
    return next(route for route in found.routes if route.kind == "flow")


def codes(found: Routes) -> list[str]:
    return [diagnostic.code for diagnostic in found.diagnostics]


def test_the_adapter_is_found_through_its_entry_point() -> None:
    assert load_adapter("flask") is ADAPTER


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
    app = Flask("shop")
    app.register_blueprint(outer, url_prefix="/api")
    return app, "/api/inner"


def dispatched() -> tuple[object, str]:
    return DispatcherMiddleware(Flask("outer"), {"/deep": mounted(url_prefix="/x")}), "/deep/x"


def dispatched_within() -> tuple[object, str]:
    app = Flask("outer")
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/deep": mounted()})  # type: ignore[method-assign]  # as its docs say
    return app, "/deep"


def beside_other_apps() -> tuple[object, str]:
    app = mounted()
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/other": Flask("other")})  # type: ignore[method-assign]
    return app, ""


def wrapped_as_a_whole() -> tuple[object, str]:
    return ProxyFix(ProxyFix(mounted())), ""


def wrapped_by_its_method() -> tuple[object, str]:
    return ProxyFix(mounted().wsgi_app), ""


def wrapped_inside() -> tuple[object, str]:
    app = mounted()
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]  # as its docs say
    return app, ""


def behind_another_framework() -> tuple[object, str]:
    app: Any = mounted(url_prefix="/api")
    converted: Any = WSGIMiddleware(app)
    return CORSMiddleware(Starlette(routes=[Mount("/old", converted)])), "/old/api"


@pytest.mark.parametrize(
    "make",
    [
        prefixed,
        nested,
        dispatched,
        dispatched_within,
        beside_other_apps,
        wrapped_as_a_whole,
        wrapped_by_its_method,
        wrapped_inside,
        behind_another_framework,
    ],
)
def test_the_true_path_is_found_wherever_the_routes_are(make: Callable[[], tuple[object, str]]) -> None:
    app, prefix = make()

    found = read(app)

    assert flow(found).path == f"{prefix}{PREFIX}/flow"
    assert len(found.routes) == 4
    assert found.diagnostics == ()
    assert all(route.confirmed for route in found.routes)


def test_routes_under_a_host_are_confirmed_under_that_host() -> None:
    app = Flask("shop", host_matching=True, static_host="shop.example.org")
    blueprint, hosted = Blueprint("jobs", "shop"), Blueprint("workflow", __name__)

    def flow() -> Response:
        return Response(status=403)

    def health() -> Response:
        return Response(headers={"x-workflow-build": BUILD})

    flow.__module__ = health.__module__ = MODULE
    hosted.add_url_rule(f"{PREFIX}/flow", view_func=flow, methods=["POST"], host="jobs.example.org")
    hosted.add_url_rule(f"{PREFIX}/health", view_func=health, host="jobs.example.org")
    blueprint.register_blueprint(hosted)
    app.register_blueprint(blueprint)

    found = read(app)

    assert [(route.host, route.confirmed) for route in found.routes] == [("jobs.example.org", True)] * 2


def test_an_app_without_our_routes_gets_the_lines_to_add() -> None:
    found = read(Flask("shop"))

    assert (found.routes, codes(found)) == ((), ["WB501"])
    assert "from shop._workflow.flask import mount" in found.diagnostics[0].hint


def test_routes_that_are_mounted_twice_are_all_kept_with_a_warning() -> None:
    app = mounted()
    app.register_blueprint(workflow_blueprint(), url_prefix="/again", name="again")

    found = read(app)

    assert len(found.routes) == 8
    assert all(route.confirmed for route in found.routes)
    assert [(one.code, one.severity) for one in found.diagnostics] == [("WB502", Severity.WARNING)]


def test_a_catch_all_before_the_mount_does_no_harm_since_werkzeug_prefers_what_is_exact() -> None:
    app = Flask("shop")
    app.add_url_rule("/<path:rest>", view_func=lambda rest: rest, methods=["GET", "POST"])
    app.register_blueprint(workflow_blueprint())

    assert codes(read(app)) == []


def test_an_equal_rule_before_the_mount_is_named_as_the_shadow() -> None:
    app = Flask("shop")

    @app.post(f"{PREFIX}/flow")
    def mine() -> str:
        return ""

    app.register_blueprint(workflow_blueprint())

    found = read(app)

    assert codes(found) == ["WB503"]
    assert "mine" in found.diagnostics[0].message
    assert [route.kind for route in found.routes if not route.confirmed] == ["flow"]


def test_a_flow_route_for_another_method_is_an_error() -> None:
    app = Flask("shop")

    def flow() -> str:
        return ""

    flow.__module__ = MODULE
    app.add_url_rule(f"{PREFIX}/flow", view_func=flow, methods=["PUT"])

    assert codes(read(app)) == ["WB504"]


def test_a_request_hook_that_refuses_strangers_is_a_warning_with_the_status() -> None:
    app = mounted()

    @app.before_request
    def refuse() -> None:
        if "authorization" not in request.headers:
            abort(401)

    found = read(app)

    assert {(one.code, one.severity) for one in found.diagnostics} == {("WB505", Severity.WARNING)}
    assert "401" in found.diagnostics[0].message


def test_an_answer_of_another_build_is_an_error() -> None:
    app = Flask("shop")
    app.register_blueprint(workflow_blueprint("fedcba9876543210"))

    assert set(codes(read(app))) == {"WB503"}


def test_a_path_with_parameters_can_not_be_confirmed() -> None:
    found = read(mounted(url_prefix="/<tenant>"))

    assert flow(found).path == f"/{{tenant}}{PREFIX}/flow"
    assert not flow(found).confirmed
    assert set(codes(found)) == {"WB505"}


@pytest.mark.parametrize("thing", [object(), "app", lambda scope, receive, send: None])
def test_a_thing_without_a_table_is_named(thing: object) -> None:
    assert codes(read(thing)) == ["WB511"]


def test_an_app_of_another_framework_is_named_with_its_target() -> None:
    found = read(Starlette())

    assert codes(found) == ["WB511"]
    assert "--target starlette" in found.diagnostics[0].hint
