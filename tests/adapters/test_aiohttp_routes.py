"""The aiohttp adapter reads real routers of real apps, and confirms what it finds by a request."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from starlette.applications import Starlette

from workflow_build.adapters import load_adapter
from workflow_build.adapters.aiohttp import ADAPTER
from workflow_build.model import Route, Routes, Severity

MODULE = "shop._workflow.aiohttp"
BUILD = "0123456789abcdef"
PREFIX = "/.well-known/workflow/v1"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def workflow_routes(build: str = BUILD) -> web.RouteTableDef:
    """What the written handler module has."""

    async def flow(request: web.Request) -> web.Response:
        return web.Response(status=403)

    async def health(request: web.Request) -> web.Response:
        return web.Response(headers={"x-workflow-build": build}, status=503)

    async def manifest(request: web.Request) -> web.Response:
        return web.Response(status=404)

    async def webhook(request: web.Request) -> web.Response:
        return web.Response(status=404)

    for endpoint in (flow, health, manifest, webhook):
        endpoint.__module__ = MODULE
    routes = web.RouteTableDef()
    routes.post(f"{PREFIX}/flow")(flow)
    routes.get(f"{PREFIX}/health")(health)
    routes.get(f"{PREFIX}/manifest.json")(manifest)
    routes.route("*", f"{PREFIX}/webhook/{{token:[^/]+}}")(webhook)
    return routes


def mounted() -> web.Application:
    app = web.Application()
    app.add_routes(workflow_routes())
    return app


def around(prefix: str, inner: web.Application) -> web.Application:
    app = web.Application()
    app.add_subapp(prefix, inner)
    return app


async def answer(request: web.Request) -> web.Response:
    return web.Response()


def read(app: object) -> Routes:
    return ADAPTER.read_routes(app, MODULE, BUILD)


def flow(found: Routes) -> Route:
    return next(route for route in found.routes if route.kind == "flow")


def codes(found: Routes) -> list[str]:
    return [diagnostic.code for diagnostic in found.diagnostics]


def test_the_adapter_is_found_through_its_entry_point() -> None:
    assert load_adapter("aiohttp") is ADAPTER


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


def in_a_sub_app() -> tuple[object, str]:
    return around("/api", mounted()), "/api"


def in_nested_sub_apps() -> tuple[object, str]:
    return around("/api", around("/v2", mounted())), "/api/v2"


def beside_other_sub_apps() -> tuple[object, str]:
    app = mounted()
    app.add_subapp("/.well-known", around("/other", web.Application()))
    app.router.add_static("/static", Path(__file__).parent)
    return app, ""


def behind_middleware() -> tuple[object, str]:
    @web.middleware
    async def timed(request: web.Request, handler: Handler) -> web.StreamResponse:
        response = await handler(request)
        response.headers["x-time"] = "1"
        return response

    app = web.Application(middlewares=[timed, web.normalize_path_middleware()])
    app.add_subapp("/api", mounted())
    return app, "/api"


def of_an_async_factory() -> tuple[object, str]:
    async def create_app(argv: list[str] | None = None) -> web.Application:
        return around("/api", mounted())

    return create_app, "/api"


def of_an_async_factory_that_was_called() -> tuple[object, str]:
    async def create_app(prefix: str) -> web.Application:
        return around(prefix, mounted())

    return create_app("/api"), "/api"


def with_a_startup_that_fails() -> tuple[object, str]:
    async def database(app: web.Application) -> AsyncIterator[None]:
        raise ConnectionRefusedError
        yield

    app = mounted()
    app.cleanup_ctx.append(database)
    return app, ""


@pytest.mark.parametrize(
    "make",
    [
        in_a_sub_app,
        in_nested_sub_apps,
        beside_other_sub_apps,
        behind_middleware,
        of_an_async_factory,
        of_an_async_factory_that_was_called,
        with_a_startup_that_fails,
    ],
)
def test_the_true_path_is_found_wherever_the_routes_are(make: Callable[[], tuple[object, str]]) -> None:
    app, prefix = make()

    found = read(app)

    assert flow(found).path == f"{prefix}{PREFIX}/flow"
    assert len(found.routes) == 4
    assert found.diagnostics == ()
    assert all(route.confirmed for route in found.routes)


@pytest.mark.parametrize("domain", ["jobs.example.org", "jobs.example.org:8080", "*.example.org"])
def test_routes_under_a_domain_are_confirmed_under_that_domain(domain: str) -> None:
    app = web.Application()
    app.add_domain("www.example.com", web.Application())
    app.add_domain(domain, around("/api", mounted()))

    found = read(app)

    assert {(route.host, route.confirmed) for route in found.routes} == {(domain, True)}
    assert flow(found).path == f"/api{PREFIX}/flow"
    assert found.diagnostics == ()


def test_an_app_without_our_routes_gets_the_lines_to_add() -> None:
    found = read(around("/api", web.Application()))

    assert (found.routes, codes(found)) == ((), ["WB501"])
    assert "from shop._workflow.aiohttp import mount" in found.diagnostics[0].hint


def test_routes_that_are_mounted_twice_are_all_kept_with_a_warning() -> None:
    app = mounted()
    app.add_subapp("/again", mounted())

    found = read(app)

    assert len(found.routes) == 8
    assert all(route.confirmed for route in found.routes)
    assert [(one.code, one.severity) for one in found.diagnostics] == [("WB502", Severity.WARNING)]


def test_a_catch_all_before_the_mount_does_no_harm_since_aiohttp_prefers_longer_paths() -> None:
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", answer)
    app.add_routes(workflow_routes())

    assert codes(read(app)) == []


def test_a_catch_all_under_our_own_path_takes_the_webhook_alone() -> None:
    app = web.Application()
    app.router.add_route("*", f"{PREFIX}/webhook/{{rest:.*}}", answer)
    app.add_routes(workflow_routes())

    found = read(app)

    assert codes(found) == ["WB503"]
    assert "answer" in found.diagnostics[0].message
    assert [route.kind for route in found.routes if not route.confirmed] == ["webhook"]


def test_a_domain_with_the_same_path_takes_requests_for_itself_alone() -> None:
    app = mounted()
    app.add_domain("www.example.com", around("/.well-known", web.Application()))

    assert codes(read(app)) == []


def test_an_equal_route_before_the_mount_is_named_as_the_shadow() -> None:
    app = web.Application()
    app.router.add_post(f"{PREFIX}/flow", answer)
    app.router.add_get("/", answer)
    app.add_routes(workflow_routes())

    found = read(app)

    assert codes(found) == ["WB503"]
    assert "answer" in found.diagnostics[0].message
    assert [route.kind for route in found.routes if not route.confirmed] == ["flow"]


def test_a_flow_route_for_another_method_is_an_error() -> None:
    async def flow(request: web.Request) -> web.Response:
        return web.Response()

    flow.__module__ = MODULE
    app = web.Application()
    app.router.add_put(f"{PREFIX}/flow", flow)

    assert codes(read(app)) == ["WB504"]


@pytest.mark.parametrize("refusal", [web.HTTPUnauthorized, web.HTTPForbidden])
def test_a_middleware_that_refuses_strangers_is_a_warning_with_the_status(refusal: type[web.HTTPException]) -> None:
    @web.middleware
    async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
        raise refusal

    app = web.Application(middlewares=[refuse])
    app.add_routes(workflow_routes())

    found = read(app)

    assert {(one.code, one.severity) for one in found.diagnostics} == {("WB505", Severity.WARNING)}
    assert str(refusal.status_code) in found.diagnostics[0].message


def test_a_middleware_that_needs_the_started_app_is_a_warning_with_its_error() -> None:
    @web.middleware
    async def session(request: web.Request, handler: Handler) -> web.StreamResponse:
        raise KeyError("database")

    app = web.Application(middlewares=[session])
    app.add_routes(workflow_routes())

    found = read(app)

    assert {(one.code, one.severity) for one in found.diagnostics} == {("WB505", Severity.WARNING)}
    assert "KeyError" in found.diagnostics[0].message


def test_an_answer_of_another_build_is_an_error() -> None:
    app = web.Application()
    app.add_routes(workflow_routes("fedcba9876543210"))

    assert set(codes(read(app))) == {"WB503"}


def test_a_path_with_parameters_can_not_be_confirmed() -> None:
    found = read(around("/{tenant}", mounted()))

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
