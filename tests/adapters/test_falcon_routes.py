"""The Falcon adapter reads real routers and sinks of real apps, and confirms what it finds by a request."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import falcon
import falcon.asgi
import pytest
from falcon.asgi import Request, Response
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount

from workflow_build.adapters import load_adapter
from workflow_build.adapters.falcon import ADAPTER
from workflow_build.model import Route, Routes, Severity

MODULE = "shop._workflow.falcon"
BUILD = "0123456789abcdef"
PREFIX = "/.well-known/workflow/v1"


class Flow:
    async def on_post(self, req: Request, resp: Response, **_: Any) -> None:
        resp.status = 403


class Health:
    def __init__(self, build: str) -> None:
        self.build = build

    async def on_get(self, req: Request, resp: Response, **_: Any) -> None:
        resp.status = 503
        resp.set_header("x-workflow-build", self.build)


class Manifest:
    async def on_get(self, req: Request, resp: Response, **_: Any) -> None:
        resp.status = 404


class Mine:
    """The user's own resource, for any method that there is."""

    async def on_get(self, req: Request, resp: Response, **_: Any) -> None:
        resp.media = {}

    on_post = on_get


async def webhook(req: Request, resp: Response | None, **_: Any) -> None:
    assert resp
    resp.status = 404


for _endpoint in (Flow, Health, Manifest, webhook):
    _endpoint.__module__ = MODULE


def mount(app: falcon.asgi.App[Any, Any], prefix: str = "", build: str = BUILD) -> None:
    """What the written handler module does."""
    base = f"{prefix}{PREFIX}"
    app.add_route(f"{base}/flow", Flow())
    app.add_route(f"{base}/health", Health(build))
    app.add_route(f"{base}/manifest.json", Manifest())
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(f"{base}/webhook/{{token}}"))
    app.add_sink(webhook, re.compile(rf"{pattern}\Z"))


def mounted(prefix: str = "", **options: Any) -> falcon.asgi.App[Any, Any]:
    app: falcon.asgi.App[Any, Any] = falcon.asgi.App(**options)
    mount(app, prefix)
    return app


def read(app: object) -> Routes:
    return ADAPTER.read_routes(app, MODULE, BUILD)


def flow(found: Routes) -> Route:
    return next(route for route in found.routes if route.kind == "flow")


def codes(found: Routes) -> list[str]:
    return [diagnostic.code for diagnostic in found.diagnostics]


def test_the_adapter_is_found_through_its_entry_point() -> None:
    assert load_adapter("falcon") is ADAPTER


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
    return mounted("/api/v2"), "/api/v2"


def with_a_prefix_that_a_pattern_would_misread() -> tuple[object, str]:
    return mounted("/shop.v1+x"), "/shop.v1+x"


def wrapped() -> tuple[object, str]:
    app: Any = mounted()
    return CORSMiddleware(CORSMiddleware(app)), ""


def beside_sinks_and_static_routes() -> tuple[object, str]:
    async def elsewhere(req: Request, resp: Response | None, **_: Any) -> None:
        pass

    app = mounted()
    app.add_sink(elsewhere, "/elsewhere")
    app.add_static_route("/assets", str(Path(__file__).parent))
    return app, ""


def of_a_class_of_the_users() -> tuple[object, str]:
    app = type("Shop", (falcon.asgi.App,), {})()
    mount(app)
    return app, ""


@pytest.mark.parametrize(
    "make",
    [
        prefixed,
        with_a_prefix_that_a_pattern_would_misread,
        wrapped,
        beside_sinks_and_static_routes,
        of_a_class_of_the_users,
    ],
)
def test_the_true_path_is_found_wherever_the_routes_are(make: Callable[[], tuple[object, str]]) -> None:
    app, prefix = make()

    found = read(app)

    assert flow(found).path == f"{prefix}{PREFIX}/flow"
    assert len(found.routes) == 4
    assert found.diagnostics == ()
    assert all(route.confirmed for route in found.routes)


def test_an_app_in_a_mount_sees_whole_paths_and_its_startup_is_not_run() -> None:
    app: Any = mounted("/old")

    found = read(Starlette(routes=[Mount("/old", app)]))

    assert flow(found).path == f"/old{PREFIX}/flow"
    assert all(route.confirmed for route in found.routes)
    assert codes(found) == ["WB506"]


def test_an_app_in_a_mount_without_its_prefix_is_out_of_reach() -> None:
    app: Any = mounted()

    found = read(Starlette(routes=[Mount("/old", app)]))

    assert not any(route.confirmed for route in found.routes)
    assert "WB503" in codes(found)


def test_an_app_without_our_routes_gets_the_lines_to_add() -> None:
    found = read(falcon.asgi.App())

    assert (found.routes, codes(found)) == ((), ["WB501"])
    assert "from shop._workflow.falcon import mount" in found.diagnostics[0].hint


def test_routes_that_are_mounted_twice_are_all_kept_with_a_warning() -> None:
    app = mounted()
    mount(app, "/again")

    found = read(app)

    assert len(found.routes) == 8
    assert all(route.confirmed for route in found.routes)
    assert [(one.code, one.severity) for one in found.diagnostics] == [("WB502", Severity.WARNING)]


@pytest.mark.parametrize("before", [True, False])
def test_a_catch_all_route_takes_the_webhook_as_routes_go_before_sinks(before: bool) -> None:
    app = falcon.asgi.App() if before else mounted()
    app.add_route("/{rest:path}", Mine())
    if before:
        mount(app)

    found = read(app)

    assert codes(found) == ["WB503"]
    assert "Mine at /{rest:path}" in found.diagnostics[0].message
    assert "routes go before sinks" in found.diagnostics[0].hint
    assert [route.kind for route in found.routes if not route.confirmed] == ["webhook"]


def test_a_sink_for_all_that_is_added_later_takes_the_webhook() -> None:
    async def everything(req: Request, resp: Response | None, **_: Any) -> None:
        pass

    app = mounted()
    app.add_sink(everything)
    assert codes(read(app)) == ["WB503"]

    app = falcon.asgi.App()
    app.add_sink(everything)
    mount(app)
    assert codes(read(app)) == []


def test_a_flow_route_for_another_method_is_an_error() -> None:
    class Flow:
        async def on_put(self, req: Request, resp: Response) -> None:
            pass

    Flow.__module__ = MODULE
    app = mounted()
    app.add_route(f"{PREFIX}/flow", Flow())

    assert codes(read(app)) == ["WB504"]


def test_middleware_that_refuses_strangers_is_a_warning_with_the_status() -> None:
    class Refuse:
        async def process_request(self, req: Request, resp: Response) -> None:
            if not req.auth:
                raise falcon.HTTPUnauthorized

    found = read(mounted(middleware=[Refuse()]))

    assert {(one.code, one.severity) for one in found.diagnostics} == {("WB505", Severity.WARNING)}
    assert "401" in found.diagnostics[0].message


def test_an_answer_of_another_build_is_an_error() -> None:
    app: falcon.asgi.App[Any, Any] = falcon.asgi.App()
    mount(app, build="fedcba9876543210")

    assert set(codes(read(app))) == {"WB503"}


def test_a_path_with_parameters_can_not_be_confirmed() -> None:
    found = read(mounted("/{tenant}"))

    assert flow(found).path == f"/{{tenant}}{PREFIX}/flow"
    assert not flow(found).confirmed
    assert set(codes(found)) == {"WB505"}


@pytest.mark.parametrize("thing", [object(), "app", lambda scope, receive, send: None])
def test_a_thing_without_a_table_is_named(thing: object) -> None:
    assert codes(read(thing)) == ["WB511"]


def test_a_wsgi_app_is_told_of_the_target_for_it() -> None:
    found = read(falcon.App())

    assert codes(found) == ["WB511"]
    assert "--target wsgi" in found.diagnostics[0].hint


def test_an_app_of_another_framework_is_named_with_its_target() -> None:
    found = read(Starlette())

    assert codes(found) == ["WB511"]
    assert "--target starlette" in found.diagnostics[0].hint
