"""The Azure Functions adapter reads the bindings that the library itself writes for real apps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from flask import Flask

from workflow_build.adapters import load_adapter
from workflow_build.adapters.azure_functions import ADAPTER
from workflow_build.adapters.base import Clues
from workflow_build.model import Routes, SourceFile

MODULE = "shop._workflow.azure_functions"
BUILD = "0123456789abcdef"
PREFIX = "/.well-known/workflow/v1"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def mount(app: Any, build: str = BUILD, root: str = PREFIX[1:], names: str = "workflow") -> None:
    """What the written handler module has."""

    def flow(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(status_code=403)

    def health(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(status_code=503, headers={"x-workflow-build": build})

    def manifest(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(status_code=404)

    def webhook(req: func.HttpRequest) -> func.HttpResponse:
        return func.HttpResponse(status_code=404)

    tails = {flow: ("flow", ["POST"]), health: ("health", ["GET"]), manifest: ("manifest.json", ["GET"])}
    for function, (tail, methods) in {**tails, webhook: ("webhook/{token}", None)}.items():
        function.__module__ = MODULE
        app.function_name(f"{names}_{function.__name__}")(app.route(f"{root}/{tail}", methods=methods)(function))


def read(app: object) -> Routes:
    return ADAPTER.read_routes(app, MODULE, BUILD)


def mounted() -> func.FunctionApp:
    app = func.FunctionApp()
    mount(app)
    return app


def codes(found: Routes) -> list[str]:
    return [diagnostic.code for diagnostic in found.diagnostics]


def flows(found: Routes) -> list[str]:
    return [route.path for route in found.routes if route.kind == "flow"]


def test_the_adapter_is_found_through_its_entry_point() -> None:
    assert load_adapter("azure-functions") is ADAPTER


@pytest.mark.parametrize(
    ("host", "prefix"),
    [
        (None, "/api"),
        ({"version": "2.0"}, "/api"),
        ({"extensions": {"http": {"maxOutstandingRequests": 1}}}, "/api"),
        ({"extensions": {"http": {"routePrefix": ""}}}, ""),
        ({"extensions": {"http": {"routePrefix": "shop/v2"}}}, "/shop/v2"),
    ],
)
def test_host_json_says_what_stands_before_the_routes(host: object, prefix: str, project: Path) -> None:
    if host is not None:
        (project / "host.json").write_text(json.dumps(host), "utf-8")

    found = read(mounted())

    assert {route.kind: (route.path, route.methods) for route in found.routes} == {
        "flow": (f"{prefix}{PREFIX}/flow", ("POST",)),
        "health": (f"{prefix}{PREFIX}/health", ("GET",)),
        "manifest": (f"{prefix}{PREFIX}/manifest.json", ("GET",)),
        "webhook": (f"{prefix}{PREFIX}/webhook/{{token}}", ()),
    }
    assert all(route.confirmed for route in found.routes)
    assert found.diagnostics == ()


def test_functions_of_blueprints_and_other_triggers_stand_beside_ours() -> None:
    app, blueprint = mounted(), func.Blueprint()  # type: ignore[no-untyped-call]  # the library's own

    @blueprint.route("orders/{id:int}/{*rest}")
    def orders(req: func.HttpRequest) -> str:
        return ""

    @blueprint.queue_trigger("msg", "queue", "CONNECTION")
    def messages(msg: func.QueueMessage) -> None: ...

    app.register_functions(blueprint)

    assert (flows(read(app)), codes(read(func.FunctionApp()))) == ([f"/api{PREFIX}/flow"], ["WB501"])


def test_a_catch_all_does_no_harm_since_the_host_prefers_what_is_exact() -> None:
    app = func.FunctionApp()

    @app.route("{*rest}")
    def everything(req: func.HttpRequest) -> str:
        return ""

    mount(app)

    assert codes(read(app)) == []


def test_an_equal_route_is_named_as_the_shadow() -> None:
    app = func.FunctionApp()

    @app.route(f"{PREFIX[1:]}/flow", methods=["POST"])
    def mine(req: func.HttpRequest) -> str:
        return ""

    mount(app)

    found = read(app)

    assert codes(found) == ["WB503"]
    assert "mine" in found.diagnostics[0].message
    assert "most precise route" in found.diagnostics[0].hint


def test_routes_that_are_there_twice_are_all_kept_with_a_warning() -> None:
    app = mounted()
    mount(app, root=f"again{PREFIX}", names="again")

    found = read(app)

    assert flows(found) == [f"/api{PREFIX}/flow", f"/api/again{PREFIX}/flow"]
    assert codes(found) == ["WB502"]


def test_a_prefix_with_a_parameter_can_not_be_confirmed() -> None:
    app = func.FunctionApp()
    mount(app, root=f"{{tenant}}{PREFIX}")

    found = read(app)

    assert (flows(found), set(codes(found))) == ([f"/api/{{tenant}}{PREFIX}/flow"], {"WB505"})


def test_an_answer_of_another_build_is_an_error() -> None:
    app = func.FunctionApp()
    mount(app, "fedcba9876543210")

    assert set(codes(read(app))) == {"WB503"}


@pytest.mark.parametrize("thing", [object(), "app", Flask("shop")])
def test_what_has_no_functions_is_named(thing: object) -> None:
    assert codes(read(thing)) == ["WB511"]


@pytest.mark.parametrize(
    ("path", "text", "named"),
    [
        ("function_app.py", "import azure.functions as func\napp = func.FunctionApp()\n", "function_app:app"),
        ("function_app.py", "shop: FunctionApp = FunctionApp(\n)\n", "function_app:shop"),
        ("function_app.py", "app = Flask(__name__)\n", None),
        ("main.py", "app = func.FunctionApp()\n", None),
    ],
)
def test_the_app_is_found_where_the_platform_looks_for_it(path: str, text: str, named: str | None) -> None:
    file = SourceFile(path, Path(path).stem, False, text.encode(), False)

    assert ADAPTER.named_app(Clues(Path(), {}, [file])) == named
