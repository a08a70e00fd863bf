"""The Starlette adapter reads real tables of real apps. What it shares with FastAPI's is tested there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Host, Mount, Route, Router

from workflow_build.adapters import load_adapter
from workflow_build.adapters.starlette import ADAPTER
from workflow_build.model import Routes

MODULE = "shop._workflow.starlette"
BUILD = "0123456789abcdef"
PREFIX = "/.well-known/workflow/v1"


def workflow_routes() -> list[Route]:
    """What the written handler module has."""

    async def flow(request: Request) -> Response:
        return Response(status_code=403)

    async def health(request: Request) -> Response:
        return Response(headers={"x-workflow-build": BUILD}, status_code=503)

    async def manifest(request: Request) -> Response:
        return Response(status_code=404)

    class Webhook(HTTPEndpoint):
        async def dispatch(self) -> None:
            await Response(status_code=404)(self.scope, self.receive, self.send)

    for endpoint in (flow, health, manifest, Webhook):
        endpoint.__module__ = MODULE
    return [
        Route(f"{PREFIX}/webhook/{{token}}", Webhook),
        Route(f"{PREFIX}/flow", flow, methods=["POST"]),
        Route(f"{PREFIX}/health", health),
        Route(f"{PREFIX}/manifest.json", manifest),
    ]


def read(app: object) -> Routes:
    return ADAPTER.read_routes(app, MODULE, BUILD)


def codes(found: Routes) -> list[str]:
    return [diagnostic.code for diagnostic in found.diagnostics]


def plain() -> tuple[object, str]:
    return Starlette(routes=workflow_routes()), ""


def in_a_mount_of_routes() -> tuple[object, str]:
    return Starlette(routes=[Mount("/api", routes=workflow_routes())]), "/api"


def in_a_router() -> tuple[object, str]:
    return Starlette(routes=[Mount("/a", Router([Mount("/b", Router(workflow_routes()))]))]), "/a/b"


def wrapped() -> tuple[object, str]:
    return GZipMiddleware(Starlette(routes=workflow_routes())), ""


def behind_fastapi() -> tuple[object, str]:
    app = FastAPI()
    app.mount("/sub", Starlette(routes=workflow_routes()))
    return app, "/sub"


def under_a_host() -> tuple[object, str]:
    return Starlette(routes=[Host("jobs.example.org", Router(workflow_routes()))]), ""


@pytest.mark.parametrize("make", [plain, in_a_mount_of_routes, in_a_router, wrapped, behind_fastapi, under_a_host])
def test_the_true_path_is_found_wherever_the_routes_are(make: Callable[[], tuple[object, str]]) -> None:
    app, prefix = make()

    found = read(app)

    assert [(route.kind, route.path) for route in found.routes] == [
        ("webhook", f"{prefix}{PREFIX}/webhook/{{token}}"),
        ("flow", f"{prefix}{PREFIX}/flow"),
        ("health", f"{prefix}{PREFIX}/health"),
        ("manifest", f"{prefix}{PREFIX}/manifest.json"),
    ]
    assert all(route.confirmed for route in found.routes)
    assert set(codes(found)) <= {"WB506"}


def test_the_adapter_is_found_through_its_entry_point() -> None:
    assert load_adapter("starlette") is ADAPTER


def test_a_catch_all_before_the_mount_is_named_as_the_shadow() -> None:
    async def everything(request: Request) -> Response:
        return PlainTextResponse("")

    found = read(Starlette(routes=[Route("/{path:path}", everything, methods=["GET", "POST"]), *workflow_routes()]))

    assert set(codes(found)) == {"WB503"}
    assert "everything" in found.diagnostics[0].message


def test_routes_that_are_mounted_twice_are_kept_with_a_warning() -> None:
    found = read(Starlette(routes=[*workflow_routes(), Mount("/again", routes=workflow_routes())]))

    assert len(found.routes) == 8
    assert codes(found) == ["WB502"]


def test_an_app_without_our_routes_gets_the_lines_to_add() -> None:
    found = read(Starlette())

    assert codes(found) == ["WB501"]
    assert "from shop._workflow.starlette import mount" in found.diagnostics[0].hint


def test_an_app_of_another_framework_is_named_with_its_target() -> None:
    assert "--target flask" in read(Flask("shop")).diagnostics[0].hint
