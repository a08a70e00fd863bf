"""The BlackSheep adapter reads the routers of real apps, and confirms what it finds by a request, without starting them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from blacksheep import Application, Request, Response, Router
from flask import Flask
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount

from workflow_build.adapters import load_adapter
from workflow_build.adapters.blacksheep import ADAPTER
from workflow_build.model import Route, Routes, Severity

MODULE = "shop._workflow.blacksheep"
BUILD = "0123456789abcdef"
PREFIX = "/.well-known/workflow/v1"
METHODS = "DELETE GET HEAD LINK OPTIONS PATCH POST PROPFIND PUT QUERY REPORT".split()


def add_workflow(router: Router, build: str = BUILD, *, start: str = "") -> Router:
    """What the written handler module has: the whole path in every rule, endpoints known by module and name."""

    async def flow(request: Request) -> Response:
        return Response(403)

    async def health(request: Request) -> Response:
        return Response(503, [(b"x-workflow-build", build.encode())])

    async def manifest(request: Request) -> Response:
        return Response(404)

    async def webhook(request: Request) -> Response:
        return Response(404)

    for endpoint in (flow, health, manifest, webhook):
        endpoint.__module__ = MODULE
    router.add_post(f"{start}{PREFIX}/flow", flow)
    router.add_get(f"{start}{PREFIX}/health", health)
    router.add_get(f"{start}{PREFIX}/manifest.json", manifest)
    for method in METHODS:
        router.add(method, f"{start}{PREFIX}/webhook/<token>", webhook)
    return router


def plain() -> Application:
    return Application(router=add_workflow(Router()))


def read(app: object) -> Routes:
    return ADAPTER.read_routes(app, MODULE, BUILD)


def flow_of(found: Routes) -> Route:
    return next(route for route in found.routes if route.kind == "flow")


def codes(found: Routes) -> list[str]:
    return [diagnostic.code for diagnostic in found.diagnostics]


def test_the_adapter_is_found_through_its_entry_point() -> None:
    assert load_adapter("blacksheep") is ADAPTER


def test_plainly_mounted_routes_are_found_and_confirmed() -> None:
    found = read(plain())

    assert {route.kind: (route.path, route.methods) for route in found.routes} == {
        "flow": (f"{PREFIX}/flow", ("POST",)),
        "health": (f"{PREFIX}/health", ("GET",)),
        "manifest": (f"{PREFIX}/manifest.json", ("GET",)),
        "webhook": (f"{PREFIX}/webhook/{{token}}", ()),
    }
    assert all(route.confirmed for route in found.routes)
    assert found.diagnostics == ()


def test_reading_starts_neither_the_app_nor_those_that_are_mounted_in_it() -> None:
    app, child = Application(router=Router()), plain()
    started: list[object] = []

    async def start(app: Application) -> None:
        started.append(app)

    app.on_start += start
    child.on_start += start
    app.mount("/sub", child)

    assert all(route.confirmed for route in read(app).routes)
    assert started == []


def prefixed() -> tuple[object, str]:
    return Application(router=add_workflow(Router(prefix="/api"))), "/api"


def in_a_sub_router() -> tuple[object, str]:
    return Application(router=Router(sub_routers=[Router(), add_workflow(Router(prefix="/v1"))])), "/v1"


def in_a_mount() -> tuple[object, str]:
    app = Application(router=Router(prefix="/outer"))
    app.mount("/sub", Application(router=add_workflow(Router(prefix="/inner"))))
    return app, "/outer/sub/inner"


def beside_a_mount() -> tuple[object, str]:
    app = plain()
    app.mount("/other", Application(router=Router()))
    return app, ""


def wrapped_as_a_whole() -> tuple[object, str]:
    app: Any = plain()
    return CORSMiddleware(CORSMiddleware(app)), ""


def wrapped_inside() -> tuple[object, str]:
    async def layer(request: Request, handler: Callable[[Request], Any]) -> Response:
        response: Response = await handler(request)
        return response

    app = plain()
    app.middlewares.append(layer)
    return app, ""


def beside_a_catch_all() -> tuple[object, str]:
    async def everything(request: Request) -> Response:
        return Response(200)

    router = Router()
    for method in METHODS:
        router.add(method, "*", everything)
    return Application(router=add_workflow(router)), ""


@pytest.mark.parametrize(
    "make",
    [prefixed, in_a_sub_router, in_a_mount, beside_a_mount, wrapped_as_a_whole, wrapped_inside, beside_a_catch_all],
)
def test_the_true_path_is_found_wherever_the_routes_are(make: Callable[[], tuple[object, str]]) -> None:
    app, prefix = make()

    found = read(app)

    assert flow_of(found).path == f"{prefix}{PREFIX}/flow"
    assert len(found.routes) == 4
    assert found.diagnostics == ()
    assert all(route.confirmed for route in found.routes)


def test_an_app_mounted_behind_another_framework_is_found_and_its_lifespan_is_missed() -> None:
    app: Any = plain()

    found = read(Starlette(routes=[Mount("/sub", app)]))

    assert flow_of(found).path == f"/sub{PREFIX}/flow"
    assert all(route.confirmed for route in found.routes)
    assert codes(found) == ["WB506"]


def test_routes_under_a_host_are_confirmed_under_that_host() -> None:
    found = read(Application(router=Router(sub_routers=[add_workflow(Router(host="jobs.example.org"))])))

    assert [(route.host, route.confirmed) for route in found.routes] == [("jobs.example.org", True)] * 4
    assert found.diagnostics == ()


def test_an_app_without_our_routes_gets_the_lines_to_add() -> None:
    found = read(Application(router=Router()))

    assert (found.routes, codes(found)) == ((), ["WB501"])
    assert "from shop._workflow.blacksheep import mount" in found.diagnostics[0].hint


def test_routes_that_are_mounted_twice_are_all_kept_with_a_warning() -> None:
    router = add_workflow(add_workflow(Router()), start="/again")

    found = read(Application(router=router))

    assert len(found.routes) == 8
    assert all(route.confirmed for route in found.routes)
    assert [(one.code, one.severity) for one in found.diagnostics] == [("WB502", Severity.WARNING)]


def test_a_mounted_app_that_takes_the_path_first_is_named_as_the_shadow() -> None:
    app = plain()
    app.mount("/.well-known", Application(router=Router()))

    found = read(app)

    assert set(codes(found)) == {"WB503"}
    assert not any(route.confirmed for route in found.routes)


def test_a_route_of_a_sub_router_comes_before_ours() -> None:
    async def mine(request: Request) -> Response:
        return Response(200)

    sub = Router()
    sub.add_post("/.well-known/{path:rest}", mine)

    found = read(Application(router=add_workflow(Router(sub_routers=[sub]))))

    assert set(codes(found)) == {"WB503"}
    assert "mine" in found.diagnostics[0].message
    assert [route.kind for route in found.routes if not route.confirmed] == ["flow", "webhook"]


def test_a_webhook_for_a_few_methods_is_an_error() -> None:
    async def webhook(request: Request) -> Response:
        return Response(404)

    webhook.__module__ = MODULE
    app = plain()
    app.router.add_post(f"/x{PREFIX}/webhook/<token>", webhook)

    assert codes(read(app)) == ["WB504"]


def test_a_middleware_that_refuses_strangers_is_a_warning_with_the_status() -> None:
    async def refuse(request: Request, handler: Callable[[Request], Any]) -> Response:
        return Response(401)

    app = plain()
    app.middlewares.append(refuse)

    found = read(app)

    assert {(one.code, one.severity) for one in found.diagnostics} == {("WB505", Severity.WARNING)}
    assert "401" in found.diagnostics[0].message


def test_an_answer_of_another_build_is_an_error() -> None:
    found = read(Application(router=add_workflow(Router(), "fedcba9876543210")))

    assert set(codes(found)) == {"WB503"}


def test_a_path_with_parameters_can_not_be_confirmed() -> None:
    found = read(Application(router=add_workflow(Router(), start="/:tenant")))

    assert flow_of(found).path == f"/{{tenant}}{PREFIX}/flow"
    assert not flow_of(found).confirmed
    assert set(codes(found)) == {"WB505"}


@pytest.mark.parametrize("thing", [object(), "app", lambda scope, receive, send: None])
def test_a_thing_without_a_table_is_named(thing: object) -> None:
    assert codes(read(thing)) == ["WB511"]


def test_an_app_of_another_framework_is_named_with_its_target() -> None:
    assert "--target flask" in read(Flask("shop")).diagnostics[0].hint
