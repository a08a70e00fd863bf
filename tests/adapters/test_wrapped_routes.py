"""The adapters for any ASGI and any WSGI app ask the app itself, since there is no table that all have."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from workflow_build.adapters import load_adapter
from workflow_build.adapters.asgi import ADAPTER as ASGI
from workflow_build.adapters.wsgi import ADAPTER as WSGI
from workflow_build.model import Routes

BUILD = "0123456789abcdef"
PREFIX = "/.well-known/workflow/v1"


class App:
    """A server's app, in either protocol: it answers our health route, and refuses or breaks as told."""

    def __init__(self, build: str = BUILD, status: int = 503, elsewhere: int = 404) -> None:
        self.build, self.status, self.elsewhere = build, status, elsewhere

    def answer(self, path: str) -> tuple[int, list[tuple[str, str]]]:
        if self.status == 0:
            raise RuntimeError("no settings")
        ours = path == f"{PREFIX}/health" and self.build
        return (self.status, [("X-Workflow-Build", self.build)]) if ours else (self.elsewhere, [])


class AsgiApp(App):
    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        status, headers = self.answer(scope["path"])
        pairs = [(name.encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": b""})


class WsgiApp(App):
    def __call__(self, environ: Any, start_response: Any) -> Iterable[bytes]:
        status, headers = self.answer(environ["PATH_INFO"])
        start_response(f"{status} Somehow", headers)
        yield b""


BOTH = pytest.mark.parametrize("kind", [AsgiApp, WsgiApp])


def read(app: object) -> Routes:
    adapter = WSGI if isinstance(app, WsgiApp) else ASGI
    return adapter.read_routes(app, f"shop._workflow.{adapter.name}", BUILD)


def codes(found: Routes) -> list[str]:
    return [diagnostic.code for diagnostic in found.diagnostics]


def test_the_adapters_are_found_through_their_entry_points() -> None:
    assert (load_adapter("asgi"), load_adapter("wsgi")) == (ASGI, WSGI)


@BOTH
def test_an_app_that_answers_for_this_build_has_all_routes(kind: type[App]) -> None:
    found = read(kind())

    assert {route.kind: (route.path, route.methods) for route in found.routes} == {
        "flow": (f"{PREFIX}/flow", ("POST",)),
        "health": (f"{PREFIX}/health", ("GET",)),
        "manifest": (f"{PREFIX}/manifest.json", ("GET",)),
        "webhook": (f"{PREFIX}/webhook/{{token}}", ()),
    }
    assert all(route.confirmed for route in found.routes)
    assert found.diagnostics == ()


@BOTH
def test_an_app_that_is_not_wrapped_gets_the_lines_to_add(kind: type[App]) -> None:
    found = read(kind(build=""))

    assert (found.routes, codes(found)) == ((), ["WB501"])
    assert "app = mount(app)" in found.diagnostics[0].hint


@BOTH
def test_another_build_is_an_error(kind: type[App]) -> None:
    found = read(kind(build="fedcba9876543210"))

    assert codes(found) == ["WB503"]
    assert not any(route.confirmed for route in found.routes)


@BOTH
def test_what_refuses_strangers_is_a_warning_with_the_status(kind: type[App]) -> None:
    found = read(kind(build="", elsewhere=401))

    assert codes(found) == ["WB505"]
    assert "401" in found.diagnostics[0].message


@BOTH
def test_an_app_that_raises_is_a_warning_with_its_error(kind: type[App]) -> None:
    found = read(kind(status=0))

    assert codes(found) == ["WB505"]
    assert "no settings" in found.diagnostics[0].message


def test_a_thing_that_is_no_app_is_named() -> None:
    assert codes(ASGI.read_routes("app", "shop._workflow.asgi", BUILD)) == ["WB511"]
