"""The Litestar adapter reads real route tables of real apps, and confirms what it finds by a request."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from litestar import Controller, Litestar, Response, Router, WebSocket, asgi, get, post, put, websocket
from litestar.middleware.base import DefineMiddleware
from litestar.types import ASGIApp, ControllerRouterHandler
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount

from workflow_build.adapters import load_adapter
from workflow_build.adapters.base import Clues
from workflow_build.adapters.litestar import ADAPTER
from workflow_build.model import Route, Routes, Severity, SourceFile
from workflow_runtime.asgi import Message, Receive, Send, send_response
from workflow_runtime.http import HttpResponse

MODULE = "shop._workflow.litestar"
BUILD = "0123456789abcdef"
PREFIX = "/.well-known/workflow/v1"


@pytest.fixture(autouse=True)
def handler_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Litestar looks up the modules of its endpoints, for their annotations."""
    monkeypatch.setitem(sys.modules, MODULE, sys.modules[__name__])


def workflow_router(build: str = BUILD) -> Router:
    """What the written handler module has: the whole path in every handler, endpoints known by module and name."""

    async def flow() -> Response[bytes]:
        return Response(b"", status_code=403)

    async def health() -> Response[bytes]:
        return Response(b"", status_code=503, headers={"x-workflow-build": build})

    async def manifest() -> Response[bytes]:
        return Response(b"", status_code=404)

    async def webhook(scope: Message, receive: Receive, send: Send) -> None:
        await send_response(send, HttpResponse(404))

    for endpoint in (flow, health, manifest, webhook):
        endpoint.__module__ = MODULE
    handlers: list[ControllerRouterHandler] = [
        post(f"{PREFIX}/flow")(flow),
        get(f"{PREFIX}/health")(health),
        get(f"{PREFIX}/manifest.json")(manifest),
        asgi(f"{PREFIX}/webhook", is_mount=True, copy_scope=True)(webhook),
    ]
    return Router("/", route_handlers=handlers)


def app_of(*handlers: ControllerRouterHandler, **options: Any) -> Litestar:
    return Litestar(handlers, **options)


def read(app: object) -> Routes:
    return ADAPTER.read_routes(app, MODULE, BUILD)


def flow_of(found: Routes) -> Route:
    return next(route for route in found.routes if route.kind == "flow")


def codes(found: Routes) -> list[str]:
    return [diagnostic.code for diagnostic in found.diagnostics]


def test_the_adapter_is_found_through_its_entry_point() -> None:
    assert load_adapter("litestar") is ADAPTER


def test_plainly_mounted_routes_are_found_and_confirmed() -> None:
    found = read(app_of(workflow_router()))

    assert {route.kind: (route.path, route.methods) for route in found.routes} == {
        "flow": (f"{PREFIX}/flow", ("POST",)),
        "health": (f"{PREFIX}/health", ("GET",)),
        "manifest": (f"{PREFIX}/manifest.json", ("GET",)),
        "webhook": (f"{PREFIX}/webhook/{{token}}", ()),
    }
    assert all(route.confirmed for route in found.routes)
    assert found.diagnostics == ()


def in_the_apps_path() -> tuple[object, str]:
    return app_of(workflow_router(), path="/edge"), "/edge"


def nested() -> tuple[object, str]:
    inner = Router("/inner", route_handlers=[workflow_router()])
    return app_of(Router("/outer", route_handlers=[inner]), path="/v1"), "/v1/outer/inner"


def registered_later() -> tuple[object, str]:
    app = app_of()
    app.register(workflow_router())
    return app, ""


def wrapped_as_a_whole() -> tuple[object, str]:
    app: Any = app_of(workflow_router())
    return CORSMiddleware(CORSMiddleware(app)), ""


def wrapped_inside() -> tuple[object, str]:
    def layer(app: ASGIApp) -> ASGIApp:
        return app

    return app_of(workflow_router(), middleware=[DefineMiddleware(layer)]), ""


def beside_a_catch_all_with_a_parameter() -> tuple[object, str]:
    @get("/{rest:path}")
    async def everything() -> str:
        return ""

    return app_of(everything, workflow_router()), ""


def beside_parameters_at_our_prefix_and_a_web_socket() -> tuple[object, str]:
    class Pages(Controller):
        path = "/.well-known"

        @get("/{name:str}/{version:int}")
        async def page(self) -> str:
            return ""

    @websocket("/live")
    async def live(socket: WebSocket[Any, Any, Any]) -> None:
        await socket.close()

    return app_of(Pages, live, workflow_router()), ""


@pytest.mark.parametrize(
    "make",
    [
        in_the_apps_path,
        nested,
        registered_later,
        wrapped_as_a_whole,
        wrapped_inside,
        beside_a_catch_all_with_a_parameter,
        beside_parameters_at_our_prefix_and_a_web_socket,
    ],
)
def test_the_true_path_is_found_wherever_the_routes_are(make: Callable[[], tuple[object, str]]) -> None:
    app, prefix = make()

    found = read(app)

    assert flow_of(found).path == f"{prefix}{PREFIX}/flow"
    assert len(found.routes) == 4
    assert found.diagnostics == ()
    assert all(route.confirmed for route in found.routes)


def test_an_app_mounted_behind_another_framework_is_found_and_its_lifespan_is_missed() -> None:
    app: Any = app_of(workflow_router())

    found = read(Starlette(routes=[Mount("/sub", app)]))

    assert flow_of(found).path == f"/sub{PREFIX}/flow"
    assert all(route.confirmed for route in found.routes)
    assert codes(found) == ["WB506"]


def test_an_app_mounted_in_another_litestar_app_is_found_and_its_lifespan_is_missed() -> None:
    inner = asgi("/sub", is_mount=True, copy_scope=True)(app_of(workflow_router()))

    found = read(app_of(inner))

    assert flow_of(found).path == f"/sub{PREFIX}/flow"
    assert all(route.confirmed for route in found.routes)
    assert codes(found) == ["WB506"]


def test_an_app_without_our_routes_gets_the_lines_to_add() -> None:
    found = read(app_of())

    assert (found.routes, codes(found)) == ((), ["WB501"])
    assert "on_app_init=[mount]" in found.diagnostics[0].hint


def test_routes_that_are_mounted_twice_are_all_kept_with_a_warning() -> None:
    router = workflow_router()

    found = read(app_of(router, Router("/again", route_handlers=[router])))

    assert len(found.routes) == 8
    assert all(route.confirmed for route in found.routes)
    assert [(one.code, one.severity) for one in found.diagnostics] == [("WB502", Severity.WARNING)]


def test_a_mount_of_everything_is_named_as_the_shadow_of_the_webhook() -> None:
    @asgi("/", is_mount=True, copy_scope=True)
    async def everything(scope: Message, receive: Receive, send: Send) -> None:
        """A page for whatever is asked."""

    found = read(app_of(everything, workflow_router()))

    assert codes(found) == ["WB503"]
    assert "everything" in found.diagnostics[0].message
    assert "mounts, then paths with parameters" in found.diagnostics[0].hint
    assert [route.kind for route in found.routes if not route.confirmed] == ["webhook"]


def test_a_flow_route_for_another_method_is_an_error() -> None:
    async def flow() -> None:
        """Take a message by the wrong method."""

    flow.__module__ = MODULE

    assert codes(read(app_of(put(f"{PREFIX}/flow")(flow)))) == ["WB504"]


def test_a_middleware_that_refuses_strangers_is_a_warning_with_the_status() -> None:
    def guard(app: ASGIApp) -> ASGIApp:
        async def refuse(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        return refuse

    found = read(app_of(workflow_router(), middleware=[guard]))

    assert {(one.code, one.severity) for one in found.diagnostics} == {("WB505", Severity.WARNING)}
    assert "401" in found.diagnostics[0].message


def test_an_answer_of_another_build_is_an_error() -> None:
    assert set(codes(read(app_of(workflow_router("fedcba9876543210"))))) == {"WB503"}


def test_a_path_with_parameters_can_not_be_confirmed() -> None:
    found = read(app_of(Router("/{tenant:str}", route_handlers=[workflow_router()])))

    assert flow_of(found).path == f"/{{tenant}}{PREFIX}/flow"
    assert not flow_of(found).confirmed
    assert set(codes(found)) == {"WB505"}


@pytest.mark.parametrize("thing", [object(), "app", lambda scope, receive, send: None])
def test_a_thing_without_a_table_is_named(thing: object) -> None:
    assert codes(read(thing)) == ["WB511"]


def test_an_app_of_another_framework_is_named_with_its_target() -> None:
    assert "--target flask" in read(Flask("shop")).diagnostics[0].hint


def named(text: str, module: str = "app", **environment: str) -> str | None:
    path = module.replace(".", "/") + ".py"
    file = SourceFile(path=path, module=module, is_package=False, data=text.encode(), candidate=False)
    return ADAPTER.named_app(Clues(Path(), environment, (file,)))


def test_the_app_is_found_as_the_litestar_command_finds_it() -> None:
    annotated = "from litestar import Litestar\n\ndef build() -> Litestar:\n    return Litestar()\n"

    assert named("shop = Litestar()", "pages", LITESTAR_APP="pages:shop") == "pages:shop"
    assert named(annotated) == "app:build"
    assert named(annotated, "app.web") == "app.web:build"
    assert named(annotated, "elsewhere") is None
    assert named(annotated + "\nother = Litestar()\n") is None
