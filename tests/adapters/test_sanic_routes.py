"""The Sanic adapter reads real routers of real apps, and confirms what it finds by a request."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from sanic import Blueprint, HTTPResponse, Request, Sanic
from sanic.constants import HTTP_METHODS
from sanic.exceptions import Unauthorized
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount

from workflow_build.adapters import load_adapter
from workflow_build.adapters.sanic import ADAPTER
from workflow_build.model import Route, Routes, Severity

MODULE = "shop._workflow.sanic"
BUILD = "0123456789abcdef"
PREFIX = "/.well-known/workflow/v1"
NUMBERS = count()


def shop() -> Any:
    """An app; Sanic knows all apps of a process by their names."""
    return Sanic(f"shop-{next(NUMBERS)}")


def workflow_blueprint(build: str = BUILD, name: str = "workflow") -> Blueprint:
    """What the written handler module has: the whole path in every rule, endpoints known by module and name."""

    async def flow(request: Request, **_: str) -> HTTPResponse:
        return HTTPResponse(status=403)

    async def health(request: Request, **_: str) -> HTTPResponse:
        return HTTPResponse(status=503, headers={"x-workflow-build": build})

    async def manifest(request: Request, **_: str) -> HTTPResponse:
        return HTTPResponse(status=404)

    async def webhook(request: Request, token: str, **_: str) -> HTTPResponse:
        return HTTPResponse(status=404)

    for endpoint in (flow, health, manifest, webhook):
        endpoint.__module__ = MODULE
    blueprint = Blueprint(name)
    blueprint.add_route(flow, f"{PREFIX}/flow", ["POST"], stream=True)
    blueprint.add_route(health, f"{PREFIX}/health")
    blueprint.add_route(manifest, f"{PREFIX}/manifest.json")
    blueprint.add_route(webhook, f"{PREFIX}/webhook/<token>", HTTP_METHODS, stream=True, unquote=True)
    return blueprint


def mounted(**options: Any) -> Any:
    app = shop()
    app.blueprint(workflow_blueprint(), **options)
    return app


def read(app: object) -> Routes:
    return ADAPTER.read_routes(app, MODULE, BUILD)


def flow(found: Routes) -> Route:
    return next(route for route in found.routes if route.kind == "flow")


def codes(found: Routes) -> list[str]:
    return [diagnostic.code for diagnostic in found.diagnostics]


async def mine(request: Request, **_: str) -> HTTPResponse:
    """The user's own."""
    return HTTPResponse()


def test_the_adapter_is_found_through_its_entry_point() -> None:
    assert load_adapter("sanic") is ADAPTER


def test_plainly_mounted_routes_are_found_and_confirmed() -> None:
    found = read(mounted())

    assert {route.kind: (route.path, route.methods) for route in found.routes} == {
        "flow": (f"{PREFIX}/flow", ("POST",)),
        "health": (f"{PREFIX}/health", ("GET",)),
        "manifest": (f"{PREFIX}/manifest.json", ("GET",)),
        "webhook": (f"{PREFIX}/webhook/{{token}}", tuple(sorted(map(str, HTTP_METHODS)))),
    }
    assert all(route.confirmed for route in found.routes)
    assert found.diagnostics == ()


def test_the_routes_of_an_app_that_has_been_read_are_read_again() -> None:
    app = mounted()

    assert read(app) == read(app)


def prefixed() -> tuple[object, str]:
    return mounted(url_prefix="/api"), "/api"


def grouped_with_a_version() -> tuple[object, str]:
    app = shop()
    app.blueprint(Blueprint.group(workflow_blueprint(), url_prefix="/api", version=2))
    return app, "/v2/api"


def nested() -> tuple[object, str]:
    app = shop()
    app.blueprint(Blueprint.group(Blueprint.group(workflow_blueprint(), url_prefix="/inner"), url_prefix="/outer"))
    return app, "/outer/inner"


def wrapped() -> tuple[object, str]:
    return CORSMiddleware(CORSMiddleware(mounted())), ""


def after_a_catch_all() -> tuple[object, str]:
    app = shop()
    app.add_route(mine, "/<rest:path>", HTTP_METHODS)
    app.blueprint(workflow_blueprint())
    return app, ""


@pytest.mark.parametrize("make", [prefixed, grouped_with_a_version, nested, wrapped, after_a_catch_all])
def test_the_true_path_is_found_wherever_the_routes_are(make: Callable[[], tuple[object, str]]) -> None:
    app, prefix = make()

    found = read(app)

    assert flow(found).path == f"{prefix}{PREFIX}/flow"
    assert len(found.routes) == 4
    assert found.diagnostics == ()
    assert all(route.confirmed for route in found.routes)


def test_routes_under_a_host_are_confirmed_under_that_host() -> None:
    app, blueprint = shop(), Blueprint("workflow", host="jobs.example.org")

    async def flow(request: Request) -> HTTPResponse:
        return HTTPResponse(status=403)

    async def health(request: Request) -> HTTPResponse:
        return HTTPResponse(headers={"x-workflow-build": BUILD})

    flow.__module__ = health.__module__ = MODULE
    blueprint.add_route(flow, f"{PREFIX}/flow", ["POST"])
    blueprint.add_route(health, f"{PREFIX}/health")
    app.blueprint(blueprint)

    found = read(app)

    assert [(route.host, route.confirmed) for route in found.routes] == [("jobs.example.org", True)] * 2


def test_an_app_in_a_mount_sees_whole_paths_and_its_listeners_are_not_called() -> None:
    found = read(Starlette(routes=[Mount("/old", mounted(url_prefix="/old"))]))

    assert flow(found).path == f"/old{PREFIX}/flow"
    assert all(route.confirmed for route in found.routes)
    assert codes(found) == ["WB506"]


def test_an_app_without_our_routes_gets_the_lines_to_add() -> None:
    found = read(shop())

    assert (found.routes, codes(found)) == ((), ["WB501"])
    assert "from shop._workflow.sanic import mount" in found.diagnostics[0].hint


def test_routes_that_are_mounted_twice_are_all_kept_with_a_warning() -> None:
    app = mounted()
    app.blueprint(workflow_blueprint(name="again"), url_prefix="/again")

    found = read(app)

    assert len(found.routes) == 8
    assert all(route.confirmed for route in found.routes)
    assert [(one.code, one.severity) for one in found.diagnostics] == [("WB502", Severity.WARNING)]


def test_an_exact_route_takes_a_webhook_of_that_name() -> None:
    app = mounted()
    app.add_route(mine, f"{PREFIX}/webhook/token", ["GET"])

    found = read(app)

    assert codes(found) == ["WB503"]
    assert "mine" in found.diagnostics[0].message


def test_a_flow_route_for_another_method_is_an_error() -> None:
    app = shop()

    async def flow(request: Request) -> HTTPResponse:
        return HTTPResponse()

    flow.__module__ = MODULE
    app.add_route(flow, f"{PREFIX}/flow", ["PUT"])

    assert codes(read(app)) == ["WB504"]


def test_middleware_that_refuses_strangers_is_a_warning_with_the_status() -> None:
    app = mounted()

    async def refuse(request: Request) -> None:
        if not request.token:
            raise Unauthorized

    app.register_middleware(refuse, "request")

    found = read(app)

    assert {(one.code, one.severity) for one in found.diagnostics} == {("WB505", Severity.WARNING)}
    assert "401" in found.diagnostics[0].message


def test_an_answer_of_another_build_is_an_error() -> None:
    app = shop()
    app.blueprint(workflow_blueprint("fedcba9876543210"))

    assert set(codes(read(app))) == {"WB503"}


def test_a_path_with_parameters_can_not_be_confirmed() -> None:
    found = read(mounted(url_prefix="/<tenant:str>"))

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
