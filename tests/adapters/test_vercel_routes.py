"""The Vercel adapter reads what ``vercel build`` (CLI 60.1.3) itself has written for projects with various settings: ``platforms/vercel-*.json``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.routing import Mount

from workflow_build.adapters import load_adapter
from workflow_build.adapters.base import Clues
from workflow_build.adapters.vercel import ADAPTER
from workflow_build.model import Routes, SourceFile

MODULE = "shop._workflow.vercel"
BUILD = "0123456789abcdef"
PREFIX = "/.well-known/workflow/v1"
CONFIG = ".vercel/output/config.json"
WRITTEN = Path(__file__).parent / "platforms"


class Mounted:
    """What ``mount`` gives for an ASGI app."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer what is ours, below any mount, and hand on all else."""
        if scope["path"].removeprefix(scope.get("root_path", "")) != f"{PREFIX}/health":
            await self.app(scope, receive, send)
            return
        headers = [(b"x-workflow-build", BUILD.encode())]
        await send({"type": "http.response.start", "status": 503, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Mounted:
    """The app, as ``shop.main:app`` and as ``api.index:app``."""
    made = Mounted(FastAPI())
    for name in ("shop.main", "api.index"):
        module = ModuleType(name)
        module.app = made  # type: ignore[attr-defined]  # modules take any
        monkeypatch.setitem(sys.modules, name, module)
    return made


def put(project: Path, name: str, change: Callable[[Any], object] = lambda written: None) -> None:
    """What Vercel's tool has written for one of the projects."""
    written = json.loads((WRITTEN / f"vercel-{name}.json").read_text("utf-8"))
    change(written)
    for path, content in written.items():
        file = project / ".vercel/output" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n".join(content) if isinstance(content, list) else json.dumps(content), "utf-8")


def before_all(route: dict[str, object]) -> Callable[[Any], object]:
    """Puts a route before those that are written."""
    return lambda written: written["config.json"]["routes"].insert(0, route)


def read(app: object) -> Routes:
    return ADAPTER.read_routes(app, MODULE, BUILD)


def paths(found: Routes) -> dict[str, str]:
    return {route.kind: route.path for route in found.routes}


def codes(found: Routes) -> list[str]:
    return [diagnostic.code for diagnostic in found.diagnostics]


def all_at(prefix: str) -> dict[str, str]:
    tails = {"flow": "flow", "health": "health", "manifest": "manifest.json", "webhook": "webhook/{token}"}
    return {kind: f"{prefix}{PREFIX}/{tail}" for kind, tail in tails.items()}


def test_the_adapter_is_found_through_its_entry_point() -> None:
    assert load_adapter("vercel") is ADAPTER


@pytest.mark.parametrize(
    ("written", "prefix"),
    [("preset", ""), ("rewrites", ""), ("services", "/backend"), ("api", ""), ("builds", "")],
)
def test_requests_are_followed_to_the_function_that_runs_the_app(
    written: str, prefix: str, project: Path, app: Mounted
) -> None:
    put(project, written)

    found = read(app)

    assert (paths(found), codes(found)) == (all_at(prefix), [])
    assert {route.source for route in found.routes} == {CONFIG}
    assert all(route.confirmed for route in found.routes)
    assert {route.kind: route.methods for route in found.routes}["webhook"] == ()


def test_without_a_build_all_requests_go_to_the_app(project: Path, app: Mounted) -> None:
    (project / "vercel.json").write_text('{"functions": {"shop/main.py": {"maxDuration": 60}}}', "utf-8")

    found = read(app)

    assert (paths(found), codes(found)) == (all_at(""), [])
    assert {route.source for route in found.routes} == {f"GET {PREFIX}/health"}


def test_settings_that_lead_elsewhere_ask_for_a_build(project: Path, app: Mounted) -> None:
    (project / "vercel.json").write_text('{"rewrites": [], "redirects": []}', "utf-8")

    found = read(app)

    assert codes(found) == ["WB505"]
    assert "redirects, rewrites" in found.diagnostics[0].message
    assert "vercel build" in found.diagnostics[0].hint
    assert not any(route.confirmed for route in found.routes)


def test_settings_that_are_newer_than_the_build_ask_for_another(project: Path, app: Mounted) -> None:
    put(project, "preset")
    (project / "vercel.json").write_text("{}", "utf-8")
    os.utime(project / CONFIG, (1, 1))

    assert codes(read(app)) == ["WB505"]


@pytest.mark.parametrize(
    "text", ["{", '{"routes": [{"src": "/("}]}', '{"routes": [1]}'], ids=["JSON", "pattern", "route"]
)
def test_a_build_that_can_not_be_read_confirms_nothing(text: str, project: Path, app: Mounted) -> None:
    put(project, "preset")
    (project / CONFIG).write_text(text, "utf-8")

    found = read(app)

    assert (paths(found), codes(found)) == (all_at(""), ["WB505"])


@pytest.mark.parametrize(
    ("route", "ending"),
    [
        (
            {"src": "/(.*)", "status": 308, "headers": {"Location": "https://shop.example.org/$1"}},
            "a redirect to https",
        ),
        ({"src": "^/\\.well-known(?:/.*)?$", "status": 404}, "status 404"),
        ({"src": "/(?<all>.*)", "dest": "https://other.example.org/$all"}, "https://other.example.org/.well-known/"),
        ({"src": "/(.*)", "dest": "/nowhere/$1", "check": True}, "which sees /nowhere/.well-known/"),
    ],
    ids=["redirect", "status", "another site", "rewrite"],
)
def test_what_takes_requests_before_the_app_is_named(
    route: dict[str, object], ending: str, project: Path, app: Mounted
) -> None:
    put(project, "preset", before_all(route))

    found = read(app)

    assert set(codes(found)) == {"WB503"}
    assert len(found.diagnostics) == len(found.routes), "each of them says what happens to it"
    assert ending in found.diagnostics[0].message
    assert not any(route.confirmed for route in found.routes)


@pytest.mark.parametrize(
    "route",
    [
        {"src": "/(.*)", "headers": {"x-frame-options": "DENY"}, "continue": True},
        {"src": "/(.*)", "status": 404, "methods": ["DELETE"]},
        {"src": "/(.*)", "status": 404, "has": [{"type": "header", "key": "x-blocked"}]},
        {"src": "/.WELL-KNOWN/(.*)", "status": 404, "caseSensitive": True},
    ],
    ids=["goes on", "method", "condition", "case"],
)
def test_what_lets_requests_pass_does_not_matter(route: dict[str, object], project: Path, app: Mounted) -> None:
    put(project, "preset", before_all(route))

    assert codes(read(app)) == []


def test_a_method_that_is_led_elsewhere_shows_in_the_routes_that_need_it(project: Path, app: Mounted) -> None:
    put(project, "preset", before_all({"src": "/(.*)", "status": 405, "methods": ["POST"]}))

    found = read(app)

    assert {route.kind: route.confirmed for route in found.routes} == {
        "flow": False,
        "health": True,
        "manifest": True,
        "webhook": False,
    }


def test_a_file_that_has_the_path_goes_before_the_app(project: Path, app: Mounted) -> None:
    put(project, "preset", lambda written: written.update({f"static{PREFIX}/manifest.json": {}}))

    found = read(app)

    assert codes(found) == ["WB503"]
    assert f"the file {PREFIX[1:]}/manifest.json" in found.diagnostics[0].message


def test_a_function_that_runs_another_app_is_named(project: Path, app: Mounted) -> None:
    put(project, "preset")

    found = read(Mounted(FastAPI()))

    assert set(codes(found)) == {"WB503"}
    assert "(which runs shop.main:app)" in found.diagnostics[0].message


def test_a_wrapped_app_that_is_mounted_in_another_one_is_found_there(
    project: Path, app: Mounted, monkeypatch: pytest.MonkeyPatch
) -> None:
    outer = Starlette(routes=[Mount("/shop", app)])
    monkeypatch.setattr(sys.modules["shop.main"], "app", outer)
    put(project, "services")

    found = read(outer)

    assert (paths(found), codes(found)) == (all_at("/backend/shop"), [])


def test_a_wsgi_app_is_asked_too(project: Path) -> None:
    flask = Flask("shop")
    inner = flask.wsgi_app

    def mounted(environ: Any, start_response: Any) -> Any:
        if environ["PATH_INFO"] != f"{PREFIX}/health":
            return inner(environ, start_response)
        start_response("503 Service Unavailable", [("X-Workflow-Build", BUILD)])
        return []

    flask.wsgi_app = mounted  # type: ignore[method-assign]  # as Flask's documentation has middleware put in

    assert (paths(read(flask)), codes(read(flask))) == (all_at(""), [])


@pytest.mark.parametrize("other", [FastAPI(), Flask("shop")], ids=["ASGI", "WSGI"])
def test_an_app_that_is_not_wrapped_gets_the_lines_to_add(other: object, project: Path) -> None:
    found = read(other)

    assert codes(found) == ["WB501"]
    assert "app = mount(app)" in found.diagnostics[0].hint


def test_what_can_not_be_called_is_no_app(project: Path) -> None:
    assert codes(read(object())) == ["WB511"]


APP = "from fastapi import FastAPI\n\napp = FastAPI()\n"


@pytest.mark.parametrize(
    ("settings", "files", "named"),
    [
        ({"vercel.json": '{"framework": "fastapi"}'}, {"src/main.py": APP, "api/app.py": APP}, "main:app"),
        ({"vercel.json": '{"framework": "fastapi"}'}, {"server.py": APP, "index.py": "application = 1\n"}, "index:application"),
        ({".vercel/project.json": '{"settings": {"framework": "flask"}}'}, {"app.py": APP}, "app:app"),
        ({"vercel.json": '{"builds": [{"src": "api/index.py", "use": "@vercel/python"}]}'}, {"api/index.py": APP}, "index:app"),
        ({"vercel.json": '{"experimentalServices": {"a": {"entrypoint": "main.py"}}}'}, {"main.py": APP}, "main:app"),
        ({"vercel.json": "{}"}, {"api/index.py": APP}, "index:app"),
        ({"vercel.json": '{"framework": "nextjs"}'}, {"main.py": APP}, None),
        ({"vercel.json": "{"}, {"main.py": APP}, None),
        ({}, {"main.py": APP, "api/index.py": APP}, None),
    ],
    ids=["src", "order", "linked", "builds", "services", "api", "a frontend's", "not JSON", "none"],
)  # fmt: skip
def test_the_app_is_found_as_vercel_finds_it(
    settings: dict[str, str], files: dict[str, str], named: str | None, tmp_path: Path
) -> None:
    for name, text in {**settings, **files}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    sources = [SourceFile(path, Path(path).stem, False, text.encode(), False) for path, text in files.items()]

    assert ADAPTER.named_app(Clues(tmp_path, {}, sources)) == named


def test_a_django_project_on_vercel_has_the_app_of_its_settings(tmp_path: Path) -> None:
    (tmp_path / "vercel.json").write_text('{"framework": "django"}', "utf-8")
    manage = b"os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site.settings')"
    files = [
        SourceFile("manage.py", "manage", False, manage, False),
        SourceFile("site/wsgi.py", "site.wsgi", False, b"app = get_wsgi_application()\n", False),
    ]

    assert ADAPTER.named_app(Clues(tmp_path, {}, files)) == "site.wsgi:app"
