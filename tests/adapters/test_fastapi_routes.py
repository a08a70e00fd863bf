"""The FastAPI adapter reads real tables of real apps, and confirms what it finds by a request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response, routing
from fastapi.middleware.cors import CORSMiddleware
from starlette.endpoints import HTTPEndpoint
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.routing import Host, Mount
from starlette.routing import Route as StarletteRoute

from workflow_build.adapters import load_adapter
from workflow_build.adapters.fastapi import ADAPTER
from workflow_build.model import Route, Routes, Severity

MODULE = "shop._workflow.fastapi"
BUILD = "0123456789abcdef"
PREFIX = "/.well-known/workflow/v1"
KINDS = ["webhook", "flow", "health", "manifest"]
FLAT = not hasattr(routing, "iter_route_contexts")
NEEDS_NESTED = pytest.mark.skipif(
    FLAT, reason="FastAPI before 0.137 leaves the outer router's own prefix out of the webhook"
)


def workflow_router(build: str = BUILD) -> APIRouter:
    """What the written handler module has: the whole path in every rule, endpoints known by module and name."""

    async def flow() -> Response:
        return Response(status_code=403)

    async def health() -> Response:
        return Response(headers={"x-workflow-build": build}, status_code=503)

    async def manifest() -> Response:
        return Response(status_code=404)

    class Webhook(HTTPEndpoint):
        async def dispatch(self) -> None:
            await Response(status_code=404)(self.scope, self.receive, self.send)

    for endpoint in (flow, health, manifest, Webhook):
        endpoint.__module__ = MODULE
    router = APIRouter(routes=[StarletteRoute(f"{PREFIX}/webhook/{{token}}", Webhook)], include_in_schema=False)
    router.post(f"{PREFIX}/flow")(flow)
    router.get(f"{PREFIX}/health")(health)
    router.get(f"{PREFIX}/manifest.json")(manifest)
    return router


def read(app: object) -> Routes:
    return ADAPTER.read_routes(app, MODULE, BUILD)


def paths(found: Routes) -> list[str]:
    return [route.path for route in found.routes]


def flow(found: Routes) -> Route:
    return next(route for route in found.routes if route.kind == "flow")


def codes(found: Routes) -> list[str]:
    return [diagnostic.code for diagnostic in found.diagnostics]


def test_the_adapter_is_found_through_its_entry_point() -> None:
    assert load_adapter("fastapi") is ADAPTER


def test_plainly_mounted_routes_are_found_and_confirmed() -> None:
    app = FastAPI()
    app.include_router(workflow_router())

    found = read(app)

    tails = ["webhook/{token}", "flow", "health", "manifest.json"]
    assert paths(found) == [f"{PREFIX}/{tail}" for tail in tails]
    assert [route.kind for route in found.routes] == KINDS
    assert [route.methods for route in found.routes] == [(), ("POST",), ("GET",), ("GET",)]
    assert all(route.confirmed for route in found.routes)
    assert found.diagnostics == ()


def nested() -> tuple[FastAPI, str]:
    app, outer, inner = FastAPI(), APIRouter(prefix="/outer"), APIRouter()
    inner.include_router(workflow_router(), prefix="/inner")
    outer.include_router(inner)
    app.include_router(outer, prefix="/api")
    return app, "/api/outer/inner"


def prefixed() -> tuple[FastAPI, str]:
    app = FastAPI()
    app.include_router(workflow_router(), prefix="/api")
    return app, "/api"


def behind_a_root_path() -> tuple[FastAPI, str]:
    app = FastAPI(root_path="/edge/")
    app.include_router(workflow_router(), prefix="/api")
    return app, "/edge/api"


def in_a_sub_app() -> tuple[FastAPI, str]:
    app, sub = FastAPI(), FastAPI()
    sub.include_router(workflow_router(), prefix="/deep")
    app.mount("/sub", sub)
    return app, "/sub/deep"


def in_a_wrapped_sub_app() -> tuple[FastAPI, str]:
    app, sub = FastAPI(), FastAPI()
    sub.include_router(workflow_router())
    app.mount("/sub", CORSMiddleware(sub))
    return app, "/sub"


def wrapped_as_a_whole() -> tuple[object, str]:
    app = FastAPI()
    app.include_router(workflow_router())
    return CORSMiddleware(CORSMiddleware(app)), ""


def in_a_mount_without_a_path() -> tuple[FastAPI, str]:
    sub = FastAPI()
    sub.include_router(workflow_router())
    return FastAPI(routes=[Mount("", app=sub)]), ""


@pytest.mark.filterwarnings("ignore:The `root_path` parameter")  # deprecated, and in use
@pytest.mark.parametrize(
    "make",
    [
        prefixed,
        pytest.param(nested, marks=NEEDS_NESTED),
        behind_a_root_path,
        in_a_sub_app,
        in_a_wrapped_sub_app,
        wrapped_as_a_whole,
        in_a_mount_without_a_path,
    ],
)
def test_the_true_path_is_found_wherever_the_routes_are(make: Callable[[], tuple[object, str]]) -> None:
    app, prefix = make()

    found = read(app)

    assert flow(found).path == f"{prefix}{PREFIX}/flow"
    assert [route.kind for route in found.routes] == KINDS
    assert all(route.confirmed for route in found.routes)
    assert set(codes(found)) <= {"WB506"}


@pytest.mark.parametrize("make", [in_a_sub_app, in_a_wrapped_sub_app, in_a_mount_without_a_path])
def test_routes_in_a_mounted_app_alone_come_with_a_warning_that_no_worker_runs(
    make: Callable[[], tuple[FastAPI, str]],
) -> None:
    (warning,) = read(make()[0]).diagnostics

    assert (warning.code, warning.severity) == ("WB506", Severity.WARNING)
    assert "runs will stay pending" in warning.message
    assert "python -m workflow_runtime worker shop._workflow" in warning.hint


def test_routes_in_a_mounted_app_are_fine_when_the_outermost_app_has_them_too() -> None:
    app, _ = in_a_sub_app()
    app.include_router(workflow_router())

    assert codes(read(app)) == ["WB502"]


@pytest.mark.skipif(not FLAT, reason="FastAPI from 0.137 on keeps the prefix")
def test_a_webhook_that_lost_its_prefix_is_an_error_and_listed_where_it_is() -> None:
    found = read(nested()[0])

    assert [route.path for route in found.routes if not route.confirmed] == [f"/api/inner{PREFIX}/webhook/{{token}}"]
    assert codes(found) == ["WB503"]


@pytest.mark.parametrize("make", [prefixed, pytest.param(nested, marks=NEEDS_NESTED), wrapped_as_a_whole])
def test_the_outermost_app_runs_the_worker_whatever_stands_around_its_routes(
    make: Callable[[], tuple[object, str]],
) -> None:
    assert codes(read(make()[0])) == []


def test_routes_under_a_host_are_confirmed_under_that_host() -> None:
    sub = FastAPI()
    sub.include_router(workflow_router())
    app = FastAPI(routes=[Host("jobs.example.org", app=sub)])

    found = read(app)

    assert flow(found).host == "jobs.example.org"
    assert flow(found).confirmed
    assert codes(found) == ["WB506"]


def test_an_app_without_our_routes_gets_the_two_lines_to_add() -> None:
    found = read(FastAPI())

    assert found.routes == ()
    assert codes(found) == ["WB501"]
    assert "from shop._workflow.fastapi import mount" in found.diagnostics[0].hint
    assert "mount(app)" in found.diagnostics[0].hint


def test_an_endpoint_that_only_has_our_name_is_not_ours() -> None:
    app = FastAPI()

    @app.post(f"{PREFIX}/flow")
    async def flow() -> None: ...

    assert codes(read(app)) == ["WB501"]


def test_routes_that_are_mounted_twice_are_all_kept_with_a_warning() -> None:
    app = FastAPI()
    app.include_router(workflow_router())
    app.include_router(workflow_router(), prefix="/again")

    found = read(app)

    assert len(found.routes) == 8
    assert all(route.confirmed for route in found.routes)
    assert [(found.code, found.severity) for found in found.diagnostics] == [("WB502", Severity.WARNING)]


def test_the_same_router_mounted_twice_at_one_path_is_a_warning_and_no_shadow() -> None:
    app, router = FastAPI(), workflow_router()
    app.include_router(router)
    app.include_router(router)

    assert codes(read(app)) == ["WB502"]


def test_a_catch_all_before_the_mount_is_named_as_the_shadow() -> None:
    app = FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def everything(path: str) -> str:
        return path

    app.include_router(workflow_router())

    found = read(app)

    assert not any(route.confirmed for route in found.routes)
    assert set(codes(found)) == {"WB503"}
    assert "everything" in found.diagnostics[0].message


def test_a_shadow_of_what_is_posted_is_seen_without_running_it() -> None:
    app = FastAPI()
    ran: list[str] = []

    @app.post("/{path:path}")
    async def sink(path: str) -> None:
        ran.append(path)

    app.include_router(workflow_router())

    found = read(app)

    assert codes(found) == ["WB503", "WB503"]
    assert [route.kind for route in found.routes if not route.confirmed] == ["webhook", "flow"]
    assert ran == []


def test_a_mounted_app_at_the_root_shadows_what_is_added_after_it() -> None:
    app = FastAPI()
    app.mount("/", FastAPI())
    app.include_router(workflow_router())

    assert set(codes(read(app))) == {"WB503"}


def test_a_catch_all_after_the_mount_does_no_harm() -> None:
    app = FastAPI()
    app.include_router(workflow_router())

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def everything(path: str) -> str:
        return path

    assert codes(read(app)) == []


def test_a_flow_route_for_another_method_is_an_error() -> None:
    app = FastAPI()
    endpoint = next(route for route in workflow_router().routes if getattr(route, "name", "") == "flow")
    app.add_api_route(f"{PREFIX}/flow", endpoint.endpoint, methods=["PUT"])  # type: ignore[attr-defined]  # an APIRoute

    found = read(app)

    assert codes(found) == ["WB504"]
    assert "PUT" in found.diagnostics[0].message


def test_a_webhook_route_for_some_methods_alone_is_an_error() -> None:
    router = workflow_router()
    some = StarletteRoute(f"/some{PREFIX}/webhook/{{token}}", router.routes[0].endpoint, methods=["POST"])  # type: ignore[attr-defined]  # a Route
    app = FastAPI(routes=[some])
    app.include_router(router)

    found = read(app)

    assert codes(found) == ["WB504"]
    assert "needs any method" in found.diagnostics[0].message


def test_a_catch_all_for_reading_shadows_webhooks_that_are_read() -> None:
    app = FastAPI()

    @app.get(f"{PREFIX}/webhook/{{name}}")
    async def page(name: str) -> str:
        return name

    app.include_router(workflow_router())

    found = read(app)

    assert codes(found) == ["WB503"]
    assert [route.kind for route in found.routes if not route.confirmed] == ["webhook"]
    assert "GET" in found.diagnostics[0].message


def test_middleware_that_refuses_strangers_is_a_warning_with_the_status() -> None:
    app = FastAPI()

    async def refuse(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        return Response(status_code=401)

    app.add_middleware(BaseHTTPMiddleware, dispatch=refuse)
    app.include_router(workflow_router())

    found = read(app)

    assert not any(route.confirmed for route in found.routes)
    assert {(found.code, found.severity) for found in found.diagnostics} == {("WB505", Severity.WARNING)}
    assert "401" in found.diagnostics[0].message


def test_an_app_wide_dependency_that_refuses_is_a_warning() -> None:
    def refuse() -> None:
        raise HTTPException(403)

    app = FastAPI(dependencies=[Depends(refuse)])
    app.include_router(workflow_router())

    assert set(codes(read(app))) == {"WB505"}


def test_middleware_that_raises_is_a_warning_with_its_error() -> None:
    app = FastAPI()

    async def broken(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        return Response(str(request.app.state.database))

    app.add_middleware(BaseHTTPMiddleware, dispatch=broken)
    app.include_router(workflow_router())

    found = read(app)

    assert set(codes(found)) == {"WB505"}
    assert "database" in found.diagnostics[0].message


def test_an_answer_of_another_build_is_an_error() -> None:
    app = FastAPI()
    app.include_router(workflow_router(build="fedcba9876543210"))

    found = read(app)

    assert set(codes(found)) == {"WB503"}
    assert "another build" in found.diagnostics[0].message


def test_a_path_with_parameters_can_not_be_confirmed() -> None:
    app = FastAPI()
    app.include_router(workflow_router(), prefix="/{tenant}")

    found = read(app)

    assert flow(found).path == f"/{{tenant}}{PREFIX}/flow"
    assert not flow(found).confirmed
    assert set(codes(found)) == {"WB505"}


@pytest.mark.parametrize("thing", [object(), "app", lambda scope, receive, send: None])
def test_a_thing_without_a_table_is_named(thing: object) -> None:
    assert codes(read(thing)) == ["WB511"]
