"""The Tornado adapter reads real rules of real apps, and confirms what it finds by a request."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Blueprint, Flask
from starlette.applications import Starlette
from tornado.routing import AnyMatches, HostMatches, PathMatches, Rule, RuleRouter
from tornado.web import Application, FallbackHandler, RequestHandler
from tornado.wsgi import WSGIContainer

from workflow_build.adapters import load_adapter
from workflow_build.adapters.flask import ADAPTER as FLASK
from workflow_build.adapters.tornado import ADAPTER
from workflow_build.model import Route, Routes, Severity

MODULE = "shop._workflow.tornado"
BUILD = "0123456789abcdef"
PREFIX = "/.well-known/workflow/v1"


class AnyMethod(tuple[str, ...]):
    def __contains__(self, method: object) -> bool:
        return True


class Mine(RequestHandler):
    def get(self, *parts: str) -> None:
        self.finish()


def workflow_routes(prefix: str = "", build: str = BUILD) -> list[tuple[str, type[RequestHandler]]]:
    """What the written handler module has."""

    class Flow(RequestHandler):
        def post(self) -> None:
            self.set_status(403)

    class Health(RequestHandler):
        def get(self, *parts: str) -> None:
            self.set_header("X-Workflow-Build", build)
            self.set_status(503)

    class Manifest(RequestHandler):
        def get(self) -> None:
            self.set_status(404)

    class Webhook(RequestHandler):
        SUPPORTED_METHODS = AnyMethod()

        def post(self, token: str) -> None:
            self.set_status(404)

    for handler in (Flow, Health, Manifest, Webhook):
        handler.__module__ = MODULE
    path = prefix + re.escape(PREFIX)
    return [
        (rf"{path}/webhook/(?P<token>[^/]+)", Webhook),
        (rf"{path}/flow", Flow),
        (rf"{path}/health", Health),
        (rf"{path}/manifest\.json", Manifest),
    ]


def mounted(prefix: str = "", hosts: str = ".*", **settings: Any) -> Application:
    app = Application([(r"/", Mine)], **settings)
    app.add_handlers(hosts, workflow_routes(prefix))
    return app


def read(app: object) -> Routes:
    return ADAPTER.read_routes(app, MODULE, BUILD)


def flow(found: Routes) -> Route:
    return next(route for route in found.routes if route.kind == "flow")


def codes(found: Routes) -> list[str]:
    return [diagnostic.code for diagnostic in found.diagnostics]


def test_the_adapter_is_found_through_its_entry_point() -> None:
    assert load_adapter("tornado") is ADAPTER


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


def in_the_apps_own_list() -> tuple[object, str]:
    return Application([("/", Mine), *workflow_routes()]), ""


def under_a_prefix() -> tuple[object, str]:
    return mounted("/api/v1"), "/api/v1"


def under_a_prefix_with_dots() -> tuple[object, str]:
    return mounted(re.escape("/api-v1.0")), "/api-v1.0"


def in_a_list_of_rules() -> tuple[object, str]:
    return Application([(r"/api/.*", workflow_routes("/api")), (r".*", Mine)]), "/api"


def in_a_nested_app() -> tuple[object, str]:
    inner = Application(workflow_routes("/jobs"))
    return Application([(r"/", Mine), Rule(PathMatches(r"/jobs/.*"), inner)]), "/jobs"


def in_a_router_of_apps() -> tuple[object, str]:
    outer = RuleRouter([Rule(PathMatches(r"/jobs/.*"), Application(workflow_routes("/jobs"))), ("/.*", Application())])
    return RuleRouter([Rule(AnyMatches(), outer)]), "/jobs"


def with_a_default_host() -> tuple[object, str]:
    return mounted(default_host="localhost"), ""


def before_a_fallback() -> tuple[object, str]:
    app = Application([(r".*", FallbackHandler, {"fallback": WSGIContainer(Flask("old"))})])
    app.add_handlers(".*", workflow_routes())
    return app, ""


def behind_another_app() -> tuple[object, str]:
    return Application([(r".*", FallbackHandler, {"fallback": mounted("/api")})]), "/api"


@pytest.mark.parametrize(
    "make",
    [
        in_the_apps_own_list,
        under_a_prefix,
        under_a_prefix_with_dots,
        in_a_list_of_rules,
        in_a_nested_app,
        in_a_router_of_apps,
        with_a_default_host,
        before_a_fallback,
        behind_another_app,
    ],
)
def test_the_true_path_is_found_wherever_the_routes_are(make: Callable[[], tuple[object, str]]) -> None:
    app, prefix = make()

    found = read(app)

    assert found.diagnostics == ()
    assert flow(found).path == f"{prefix}{PREFIX}/flow"
    assert len(found.routes) == 4
    assert all(route.confirmed for route in found.routes)


@pytest.mark.parametrize("pattern", ["jobs.example.org", r"jobs\.example\.org", r"^jobs\.example\.org$"])
def test_routes_under_a_host_are_confirmed_under_that_host(pattern: str) -> None:
    found = read(mounted(hosts=pattern))

    assert {(route.host, route.confirmed) for route in found.routes} == {("jobs.example.org", True)}
    assert found.diagnostics == ()


def test_hosts_of_routers_are_found() -> None:
    found = read(RuleRouter([Rule(HostMatches("jobs.example.org"), mounted()), ("/.*", Application())]))

    assert {(route.host, route.confirmed) for route in found.routes} == {("jobs.example.org", True)}


def test_a_pattern_for_many_hosts_can_not_be_confirmed() -> None:
    found = read(mounted(hosts=r"(\w+)\.example\.org"))

    assert {(route.host, route.confirmed) for route in found.routes} == {(r"(\w+)\.example\.org", False)}
    assert set(codes(found)) == {"WB505"}


def test_a_flask_app_behind_tornado_is_found_for_flask() -> None:
    old, blueprint = Flask("old"), Blueprint("workflow", __name__)

    def flow() -> str:
        return ""

    def health() -> tuple[str, dict[str, str]]:
        return "", {"x-workflow-build": BUILD}

    flow.__module__ = health.__module__ = "shop._workflow.flask"
    blueprint.post(f"{PREFIX}/flow")(flow)
    blueprint.get(f"{PREFIX}/health")(health)
    old.register_blueprint(blueprint, url_prefix="/api")
    app = Application([(r"/", Mine), (r".*", FallbackHandler, {"fallback": WSGIContainer(old)})])

    found = FLASK.read_routes(app, "shop._workflow.flask", BUILD)

    assert {(route.path, route.confirmed) for route in found.routes} == {
        (f"/api{PREFIX}/flow", True),
        (f"/api{PREFIX}/health", True),
    }
    assert found.diagnostics == ()


def test_an_app_without_our_routes_gets_the_lines_to_add() -> None:
    found = read(Application([(r"/", Mine)]))

    assert (found.routes, codes(found)) == ((), ["WB501"])
    assert "from shop._workflow.tornado import mount" in found.diagnostics[0].hint
    assert "service.lifespan()" in found.diagnostics[0].hint


def test_routes_that_are_mounted_twice_are_all_kept_with_a_warning() -> None:
    app = mounted()
    app.add_handlers(".*", workflow_routes("/again"))

    found = read(app)

    assert len(found.routes) == 8
    assert all(route.confirmed for route in found.routes)
    assert [(one.code, one.severity) for one in found.diagnostics] == [("WB502", Severity.WARNING)]


def test_a_catch_all_of_the_app_does_no_harm_since_mount_puts_the_routes_before() -> None:
    app = Application([(r".*", Mine)])
    app.add_handlers(".*", workflow_routes())

    assert codes(read(app)) == []


def test_a_catch_all_before_the_routes_takes_all_of_them_whatever_its_methods() -> None:
    found = read(Application([(r"/(.*)", Mine), *workflow_routes()]))

    assert set(codes(found)) == {"WB503"}
    assert "Mine" in found.diagnostics[0].message
    assert not any(route.confirmed for route in found.routes)


def test_an_app_before_the_routes_takes_what_it_has_no_rule_for() -> None:
    found = read(Application([Rule(PathMatches(r"/\.well-known/.*"), Application()), *workflow_routes()]))

    assert set(codes(found)) == {"WB503"}
    assert "Application" in found.diagnostics[0].message


def test_handlers_for_the_same_host_that_come_first_are_named_as_the_shadow() -> None:
    app = Application()
    app.add_handlers(r"jobs\.example\.org", [(rf"{PREFIX}/flow", Mine)])
    app.add_handlers(r"jobs\.example\.org", workflow_routes())

    found = read(app)

    assert codes(found) == ["WB503"]
    assert [route.kind for route in found.routes if not route.confirmed] == ["flow"]


def test_a_flow_route_for_another_method_is_an_error() -> None:
    class Flow(RequestHandler):
        def put(self) -> None:
            self.finish()

    Flow.__module__ = MODULE

    assert codes(read(Application([(re.escape(f"{PREFIX}/flow"), Flow)]))) == ["WB504"]


def test_a_webhook_without_all_methods_is_an_error() -> None:
    class Webhook(RequestHandler):
        def post(self, token: str) -> None:
            self.finish()

    Webhook.__module__ = MODULE
    routes = [(rf"{PREFIX}/webhook/([^/]+)", Webhook), *workflow_routes()[1:]]

    assert codes(read(Application(routes))) == ["WB504"]


def test_an_answer_of_another_build_is_an_error() -> None:
    assert set(codes(read(Application(workflow_routes(build="fedcba9876543210"))))) == {"WB503"}


@pytest.mark.parametrize("prefix", ["/(?P<tenant>[^/]+)", r"/v\d+", "/(?:a|b)", "/x?"])
def test_a_path_with_parameters_can_not_be_confirmed(prefix: str) -> None:
    found = read(mounted(prefix))

    assert not flow(found).confirmed
    assert set(codes(found)) == {"WB505"}


@pytest.mark.parametrize("thing", [object(), "app", lambda scope, receive, send: None])
def test_a_thing_without_a_table_is_named(thing: object) -> None:
    assert codes(read(thing)) == ["WB511"]


def test_an_app_of_another_framework_is_named_with_its_target() -> None:
    found = read(Starlette())

    assert codes(found) == ["WB511"]
    assert "--target starlette" in found.diagnostics[0].hint
