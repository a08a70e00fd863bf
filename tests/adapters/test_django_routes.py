"""The Django adapter reads real URL patterns, and confirms what it finds by a request under ASGI and under WSGI."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import django
import pytest
from channels.routing import ProtocolTypeRouter
from django.conf import settings
from django.conf.urls.i18n import i18n_patterns
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path, re_path
from django.views import View
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount

from workflow_build.adapters import load_adapter
from workflow_build.adapters.base import Clues
from workflow_build.adapters.django import ADAPTER
from workflow_build.model import Route, Routes, Severity, SourceFile
from workflow_runtime.asgi_worker import AsgiWorker
from workflow_runtime.bridge import Bridge

MODULE = "shop._workflow.django"
BUILD = "0123456789abcdef"
PREFIX = "/.well-known/workflow/v1"


@pytest.fixture(scope="module", autouse=True)
def _django() -> None:
    settings.configure(ALLOWED_HOSTS=["localhost"], USE_TZ=True, SECRET_KEY="for tests")
    django.setup()


def workflow_urls(build: str = BUILD) -> list[Any]:
    """What the written handler module has: the whole path in every pattern, endpoints known by module and name."""

    async def flow(request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=403)

    async def health(request: HttpRequest) -> HttpResponse:
        return HttpResponse(headers={"x-workflow-build": build}, status=503)

    async def manifest(request: HttpRequest) -> HttpResponse:
        return HttpResponse(status=404)

    async def webhook(request: HttpRequest, token: str) -> HttpResponse:
        return HttpResponse(status=404)

    for view in (flow, health, manifest, webhook):
        view.__module__ = MODULE
    return [
        path(f"{PREFIX[1:]}/flow", flow),
        path(f"{PREFIX[1:]}/health", health),
        path(f"{PREFIX[1:]}/manifest.json", manifest),
        path(f"{PREFIX[1:]}/webhook/<token>", webhook),
    ]


def mine(request: HttpRequest, **_: object) -> HttpResponse:
    return HttpResponse()


@pytest.fixture
def project() -> Iterator[Callable[..., None]]:
    """Gives what makes a project of URL patterns and settings."""
    overrides = []

    def make(patterns: Iterable[Any], **more: Any) -> None:
        urls = ModuleType("urls")
        urls.urlpatterns = list(patterns)  # type: ignore[attr-defined]  # as in a module that is written
        overrides.append(override_settings(ROOT_URLCONF=urls, **more))
        overrides[-1].enable()

    yield make
    for override in reversed(overrides):
        override.disable()


Project = Callable[..., None]


def read(app: object | None = None) -> Routes:
    return ADAPTER.read_routes(app or get_asgi_application(), MODULE, BUILD)


def flow(found: Routes) -> Route:
    return next(route for route in found.routes if route.kind == "flow")


def codes(found: Routes) -> list[str]:
    return [diagnostic.code for diagnostic in found.diagnostics]


def test_the_adapter_is_found_through_its_entry_point() -> None:
    assert load_adapter("django") is ADAPTER


@pytest.mark.parametrize("application", [get_asgi_application, get_wsgi_application])
def test_plainly_included_routes_are_found_and_confirmed(project: Project, application: Callable[[], object]) -> None:
    project([path("", include(workflow_urls()))])

    found = read(application())

    assert {route.kind: (route.path, route.methods) for route in found.routes} == {
        "flow": (f"{PREFIX}/flow", ()),
        "health": (f"{PREFIX}/health", ()),
        "manifest": (f"{PREFIX}/manifest.json", ()),
        "webhook": (f"{PREFIX}/webhook/{{token}}", ()),
    }
    assert all(route.confirmed for route in found.routes)
    assert found.diagnostics == ()


def prefixed() -> tuple[list[Any], str]:
    return [path("api/v2/", include(workflow_urls()))], "/api/v2"


def nested() -> tuple[list[Any], str]:
    inner = [path("inner/", include((workflow_urls(), "workflow"), namespace="jobs"))]
    return [path("mine", mine), path("outer/", include(inner))], "/outer/inner"


def under_a_plain_regular_expression() -> tuple[list[Any], str]:
    return [re_path(r"^api/v1\.5/", include(workflow_urls()))], "/api/v1.5"


def for_the_default_language() -> tuple[list[Any], str]:
    return i18n_patterns(path("jobs/", include(workflow_urls())), prefix_default_language=False), "/jobs"


def before_a_catch_all() -> tuple[list[Any], str]:
    return [path("", include(workflow_urls())), re_path(r"^(?P<rest>.*)$", mine)], ""


@pytest.mark.parametrize(
    "make", [prefixed, nested, under_a_plain_regular_expression, for_the_default_language, before_a_catch_all]
)
def test_the_true_path_is_found_wherever_the_routes_are(
    make: Callable[[], tuple[list[Any], str]], project: Project
) -> None:
    patterns, prefix = make()
    project(patterns)

    found = read()

    assert flow(found).path == f"{prefix}{PREFIX}/flow"
    assert len(found.routes) == 4
    assert found.diagnostics == ()
    assert all(route.confirmed for route in found.routes)


def as_middleware(app: Any) -> tuple[object, str]:
    return CORSMiddleware(app), ""


def with_its_worker(app: Any) -> tuple[object, str]:
    return AsgiWorker(app, Bridge.__new__(Bridge)), ""


def by_protocol(app: Any) -> tuple[object, str]:
    return ProtocolTypeRouter({"http": app}), ""


def behind_another_framework(app: Any) -> tuple[object, str]:
    return CORSMiddleware(Starlette(routes=[Mount("/old", app)])), "/old"


@pytest.mark.parametrize("wrap", [as_middleware, with_its_worker, by_protocol, behind_another_framework])
def test_an_application_is_found_in_what_is_around_it(
    wrap: Callable[[Any], tuple[object, str]], project: Project
) -> None:
    project([path("api/", include(workflow_urls()))])
    app, prefix = wrap(get_asgi_application())

    found = read(app)

    assert flow(found).path == f"{prefix}/api{PREFIX}/flow"
    assert (len(found.routes), found.diagnostics) == (4, ())


@pytest.mark.parametrize("application", [get_asgi_application, get_wsgi_application])
def test_the_script_name_of_the_settings_stands_before_all_paths(
    project: Project, application: Callable[[], object]
) -> None:
    project(workflow_urls(), FORCE_SCRIPT_NAME="/site")

    found = read(application())

    assert flow(found).path == f"/site{PREFIX}/flow"
    assert (flow(found).confirmed, found.diagnostics) == (True, ())


def test_a_project_that_allows_only_its_own_host_is_asked_under_that_host(project: Project) -> None:
    middleware = ["django.middleware.common.CommonMiddleware"]
    project(workflow_urls(), ALLOWED_HOSTS=[".shop.example.org"], MIDDLEWARE=middleware)

    assert read().diagnostics == ()


@pytest.mark.parametrize(
    ("application", "other"), [(get_asgi_application, "post_worker_init"), (get_wsgi_application, "asgi")]
)
def test_a_project_without_our_routes_gets_the_lines_that_fit_how_it_is_served(
    project: Project, application: Callable[[], object], other: str
) -> None:
    project([path("mine", mine)])

    found = read(application())

    assert (found.routes, codes(found)) == ((), ["WB501"])
    hint = found.diagnostics[0].hint
    assert 'include("shop._workflow.django")' in hint
    assert other not in hint
    told_by_source = ADAPTER.fitting_lines(MODULE, f"application = {application.__name__}()\n")
    assert hint.endswith("\n  ".join(("", *told_by_source)))


def test_a_router_of_protocols_without_http_is_no_app() -> None:
    assert codes(read(ProtocolTypeRouter({}))) == ["WB511"]


def test_routes_that_are_included_twice_are_all_kept_with_a_warning(project: Project) -> None:
    project([path("", include(workflow_urls())), path("again/", include(workflow_urls()))])

    found = read()

    assert len(found.routes) == 8
    assert all(route.confirmed for route in found.routes)
    assert [(one.code, one.severity) for one in found.diagnostics] == [("WB502", Severity.WARNING)]


class Everything(View):
    """A view that takes every path."""

    def get(self, request: HttpRequest, rest: str) -> HttpResponse:
        return HttpResponse()


@pytest.mark.parametrize(
    ("first", "name"),
    [
        (re_path(r"^(?P<rest>.*)$", mine), "mine"),
        (path("<path:rest>", Everything.as_view()), "Everything"),
        (path("", include([path(f"{PREFIX[1:]}/<rest>", mine)])), "mine"),
    ],
)
def test_a_catch_all_before_the_routes_is_named_as_the_shadow(first: Any, name: str, project: Project) -> None:
    project([first, *workflow_urls()])

    found = read()

    assert set(codes(found)) == {"WB503"}
    assert f"{name} at /" in found.diagnostics[0].message
    assert "urlpatterns" in found.diagnostics[0].hint
    assert not flow(found).confirmed


def test_middleware_that_refuses_strangers_is_a_warning_with_the_status(project: Project) -> None:
    project(workflow_urls(), SECURE_SSL_REDIRECT=True, MIDDLEWARE=["django.middleware.security.SecurityMiddleware"])

    found = read()

    assert {(one.code, one.severity) for one in found.diagnostics} == {("WB505", Severity.WARNING)}
    assert "301" in found.diagnostics[0].message


def test_an_answer_of_another_build_is_an_error(project: Project) -> None:
    project(workflow_urls("fedcba9876543210"))

    assert set(codes(read())) == {"WB503"}


@pytest.mark.parametrize(
    ("pattern", "prefix"),
    [
        (lambda inner: [path("<tenant>/", inner)], "/{tenant}"),
        (lambda inner: [re_path(r"^(?P<tenant>\w+)/", inner)], "/{tenant}"),
        (lambda inner: [re_path(r"^(?:a|b)/", inner)], "/(?:a|b)"),
        (lambda inner: i18n_patterns(path("", inner)), "/{language}"),
    ],
)
def test_a_path_that_is_not_fixed_can_not_be_confirmed(
    pattern: Callable[[Any], list[Any]], prefix: str, project: Project
) -> None:
    project(pattern(include(workflow_urls())))

    found = read()

    assert flow(found).path == f"{prefix}{PREFIX}/flow"
    assert not flow(found).confirmed
    assert set(codes(found)) == {"WB505"}


@pytest.mark.parametrize("thing", [object(), "app", lambda scope, receive, send: None])
def test_a_thing_without_a_table_is_named(thing: object) -> None:
    assert codes(read(thing)) == ["WB511"]


def test_an_app_of_another_framework_is_named_with_its_target() -> None:
    found = read(Starlette())

    assert codes(found) == ["WB511"]
    assert "--target starlette" in found.diagnostics[0].hint


MANAGE = 'os.environ.setdefault("DJANGO_SETTINGS_MODULE", "site.settings")'
MADE = "application = get_asgi_application()\n"


@pytest.mark.parametrize(
    ("sources", "environment", "app"),
    [
        ({"manage": MANAGE, "site.settings": "", "site.asgi": MADE, "site.wsgi": MADE}, None, "site.asgi:application"),
        ({"manage": MANAGE, "site.settings": "", "site.wsgi": MADE}, None, "site.wsgi:application"),
        ({"manage": MANAGE, "site.settings": "WSGI_APPLICATION = 'web.serve.app'"}, None, "web.serve:app"),
        (
            {"manage": MANAGE, "site.settings": "ASGI_APPLICATION = 'site.routing.application'", "site.asgi": MADE},
            None,
            "site.routing:application",
        ),
        (
            {"site.asgi": MADE, "conf.settings.local": "", "conf.asgi": MADE},
            "conf.settings.local",
            "conf.asgi:application",
        ),
        ({"settings": "", "asgi": "app: ASGIHandler = get_asgi_application()\n"}, "settings", "asgi:app"),
        ({"manage": "os.environ['DJANGO_SETTINGS_MODULE'] = 'a.settings'", "a.asgi": MADE}, None, "a.asgi:application"),
        ({"manage": MANAGE, "site.settings": "", "other.asgi": MADE}, None, None),
        ({"site.asgi": MADE}, None, None),
    ],
)
def test_the_application_is_the_one_of_the_settings(
    sources: dict[str, str], environment: str | None, app: str | None, tmp_path: Path
) -> None:
    files = [
        SourceFile(f"{module.replace('.', '/')}.py", module, is_package=False, data=text.encode(), candidate=False)
        for module, text in sources.items()
    ]
    told = {"DJANGO_SETTINGS_MODULE": environment} if environment else {}

    assert ADAPTER.named_app(Clues(tmp_path, told, files)) == app
