"""The Pyramid adapter reads the routes of real apps, and confirms what it finds by a request."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from a2wsgi import WSGIMiddleware
from starlette.applications import Starlette
from starlette.routing import Mount
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from workflow_build.adapters import load_adapter
from workflow_build.adapters.base import Clues
from workflow_build.adapters.pyramid import ADAPTER
from workflow_build.model import Route, Routes, Severity, SourceFile

with warnings.catch_warnings():  # what it imports is old, and warns of that
    warnings.simplefilter("ignore")
    from pyramid.config import Configurator  # type: ignore[import-untyped]  # it has no types
    from pyramid.httpexceptions import HTTPForbidden  # type: ignore[import-untyped]  # it has no types
    from pyramid.response import Response  # type: ignore[import-untyped]  # it has no types

MODULE = "shop._workflow.pyramid"
BUILD = "0123456789abcdef"
PREFIX = "/.well-known/workflow/v1"


def workflow_routes(build: str = BUILD, flow_method: str = "POST") -> Callable[[Any], None]:
    """What the written handler module has: the whole path in every pattern, views known by module and name."""

    def flow(request: Any) -> Any:
        return Response(status=403)

    def health(request: Any) -> Any:
        return Response(headerlist=[("x-workflow-build", build)], status=503)

    def manifest(request: Any) -> Any:
        return Response(status=404)

    def webhook(request: Any) -> Any:
        return Response(status=404)

    def includeme(config: Any) -> None:
        tails = (("flow", flow_method), ("health", "GET"), ("manifest.json", "GET"), ("webhook/{token}", None))
        for view, (tail, method) in zip((flow, health, manifest, webhook), tails, strict=True):
            name = f"workflow.{view.__name__}"
            config.add_route(name, f"{PREFIX}/{tail}", request_method=method)
            config.add_view(view, route_name=name)

    for view in (flow, health, manifest, webhook):
        view.__module__ = MODULE
    return includeme


def mine(request: Any) -> Any:
    return Response()


def mounted(**options: Any) -> Any:
    config = Configurator()
    config.include(workflow_routes(), **options)
    return config.make_wsgi_app()


def shadowed(pattern: str, **options: Any) -> Any:
    """An app with a route of its own before ours."""
    config = Configurator()
    config.add_route("mine", pattern, **options)
    config.add_view(mine, route_name="mine")
    config.include(workflow_routes())
    return config.make_wsgi_app()


def read(app: object) -> Routes:
    return ADAPTER.read_routes(app, MODULE, BUILD)


def flow(found: Routes) -> Route:
    return next(route for route in found.routes if route.kind == "flow")


def codes(found: Routes) -> list[str]:
    return [diagnostic.code for diagnostic in found.diagnostics]


def test_the_adapter_is_found_through_its_entry_point() -> None:
    assert load_adapter("pyramid") is ADAPTER


def test_plainly_included_routes_are_found_and_confirmed() -> None:
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
    return mounted(route_prefix="/api"), "/api"


def nested() -> tuple[object, str]:
    config = Configurator()
    config.include(lambda inner: inner.include(workflow_routes(), route_prefix="v2"), route_prefix="/api")
    return config.make_wsgi_app(), "/api/v2"


def wrapped() -> tuple[object, str]:
    return ProxyFix(ProxyFix(mounted())), ""


def dispatched() -> tuple[object, str]:
    return DispatcherMiddleware(Configurator().make_wsgi_app(), {"/deep": mounted(route_prefix="x")}), "/deep/x"


def behind_another_framework() -> tuple[object, str]:
    converted: Any = WSGIMiddleware(mounted(route_prefix="api"))
    return Starlette(routes=[Mount("/old", converted)]), "/old/api"


def made_by_a_factory_of_pastedeploy() -> tuple[object, str]:
    def main(global_config: dict[str, str], **settings: Any) -> Any:
        return mounted(route_prefix="made")

    return main, "/made"


def beside_a_catch_all_for_another_method() -> tuple[object, str]:
    return shadowed("/*rest", request_method="DELETE"), ""


@pytest.mark.parametrize(
    "make",
    [
        prefixed,
        nested,
        wrapped,
        dispatched,
        behind_another_framework,
        made_by_a_factory_of_pastedeploy,
        beside_a_catch_all_for_another_method,
    ],
)
def test_the_true_path_is_found_wherever_the_routes_are(make: Callable[[], tuple[object, str]]) -> None:
    app, prefix = make()

    found = read(app)

    assert flow(found).path == f"{prefix}{PREFIX}/flow"
    assert len(found.routes) == 4
    assert found.diagnostics == ()
    assert all(route.confirmed for route in found.routes)


def test_a_factory_is_given_the_settings_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "development.ini").write_text("[app:main]\nuse = call:builtins:dict\nshop.prefix = jobs\n", "utf-8")

    def main(global_config: dict[str, str], **settings: str) -> Any:
        return mounted(route_prefix=settings["shop.prefix"])

    assert flow(read(main)).path == f"/jobs{PREFIX}/flow"


def test_an_app_without_our_routes_gets_the_line_to_add() -> None:
    found = read(Configurator().make_wsgi_app())

    assert (found.routes, codes(found)) == ((), ["WB501"])
    assert 'config.include("shop._workflow.pyramid")' in found.diagnostics[0].hint


@pytest.mark.parametrize(
    ("pattern", "path"), [("/*rest", "/{rest:path}"), ("/{a}/{b:workflow}/{c}/{d}", "/{a}/{b}/{c}/{d}")]
)
def test_a_catch_all_before_the_routes_is_named_as_the_shadow(pattern: str, path: str) -> None:
    found = read(shadowed(pattern))

    assert set(codes(found)) == {"WB503"}
    assert f"mine at {path} takes it first" in found.diagnostics[0].message
    assert "config.include()" in found.diagnostics[0].hint
    assert not flow(found).confirmed


def test_a_route_without_a_view_shadows_too() -> None:
    config = Configurator()
    config.add_route("empty", f"{PREFIX}/flow")
    config.include(workflow_routes())

    found = read(config.make_wsgi_app())

    assert codes(found) == ["WB503"]
    assert "empty" in found.diagnostics[0].message


def test_a_flow_route_for_another_method_is_an_error() -> None:
    config = Configurator()
    config.include(workflow_routes(flow_method="PUT"))

    assert codes(read(config.make_wsgi_app())) == ["WB504"]


def test_a_tween_that_refuses_strangers_is_a_warning_with_the_status() -> None:
    config = Configurator()
    config.include(workflow_routes())
    config.add_tween(f"{__name__}.refusing")

    found = read(config.make_wsgi_app())

    assert {(one.code, one.severity) for one in found.diagnostics} == {("WB505", Severity.WARNING)}
    assert "403" in found.diagnostics[0].message


def refusing(handler: object, registry: object) -> Callable[[object], object]:
    return lambda request: HTTPForbidden()


def test_an_answer_of_another_build_is_an_error() -> None:
    config = Configurator()
    config.include(workflow_routes("fedcba9876543210"))

    assert set(codes(read(config.make_wsgi_app()))) == {"WB503"}


def test_a_path_with_parameters_can_not_be_confirmed() -> None:
    found = read(mounted(route_prefix=r"{tenant:\w{2}}"))

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


ENTRY_POINT = '[project]\nname = "my_shop"\n[project.entry-points."paste.app_factory"]\nmain = "shop:main"\n'


@pytest.mark.parametrize(
    ("name", "configuration", "app"),
    [
        ("development.ini", "[app:main]\npaste.app_factory = shop.main:main", "shop.main:main"),
        ("production.ini", "[app:main]\nuse = call:shop.main:main\n", "shop.main:main"),
        ("development.ini", "[app:main]\nuse = egg:my-shop\n", "shop:main"),
        ("development.ini", "[app:main]\nuse = egg:My.Shop#main\n", "shop:main"),
        ("development.ini", "[app:main]\nuse = egg:my_shop#other\n", None),
        ("development.ini", "[app:main]\nuse = egg:somebody_elses\n", None),
        ("development.ini", "[server:main]\nuse = egg:waitress\n", None),
        ("development.ini", "no section\n", None),
        ("other.ini", "[app:main]\npaste.app_factory = shop.main:main", None),
    ],
)
def test_the_app_is_the_one_that_pserve_serves(name: str, configuration: str, app: str | None, tmp_path: Path) -> None:
    (tmp_path / name).write_text(configuration, "utf-8")
    (tmp_path / "pyproject.toml").write_text(ENTRY_POINT, "utf-8")
    data = b"from pyramid.config import Configurator"
    file = SourceFile("shop/main.py", "shop.main", is_package=False, data=data, candidate=False)

    assert ADAPTER.named_app(Clues(tmp_path, {}, [file])) == app
    assert ADAPTER.named_app(Clues(tmp_path, {}, [])) is None, "it may be an app of any framework"
