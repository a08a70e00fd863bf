"""The routes as WSGI, held to PEP 3333 by the standard library's validator: any method, any mount, bodies that end."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from tests.runtime.doubling import doubled, make_service, own_world
from workflow_runtime import run_sync, start
from workflow_runtime.bridge import Bridge
from workflow_runtime.http import PREFIX
from workflow_runtime.wsgi import WsgiMount, WsgiRoutes, request_body


@pytest.fixture
def bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bridge]:
    """A bridge on a world of its own."""
    with own_world(monkeypatch, tmp_path):
        bridge = Bridge(make_service(tmp_path))
        yield bridge
        bridge.stop()


def hello(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("content-type", "text/plain")])
    return [b"hello"]


def ask(app: Any, method: str, path: str, body: bytes = b"", **more: Any) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of an answer."""
    environ: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": path, "CONTENT_LENGTH": str(len(body))}
    environ |= {"wsgi.input": io.BytesIO(body + b"the next request"), "QUERY_STRING": "", "SCRIPT_NAME": "", **more}
    setup_testing_defaults(environ)
    started: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started.append((int(status[:3]), dict(headers)))
        return io.BytesIO().write

    parts = app(environ, start_response)
    content = b"".join(parts)
    if hasattr(parts, "close"):
        parts.close()
    return (*started[0], content)


@pytest.mark.parametrize("prefix", ["", "/api"])
@pytest.mark.parametrize("script", ["", "/site"])
def test_the_routes_answer_under_whatever_mount(bridge: Bridge, prefix: str, script: str) -> None:
    app = WsgiRoutes(bridge)

    def asked(method: str, tail: str, body: bytes = b"") -> int:
        return ask(app, method, f"{prefix}{PREFIX}/{tail}", body, SCRIPT_NAME=script)[0]

    status, headers, content = ask(app, "GET", f"{prefix}{PREFIX}/health", SCRIPT_NAME=script)
    assert (status, headers["x-workflow-build"], int(headers["content-length"])) == (200, "build-1", len(content))
    assert ask(app, "HEAD", f"{prefix}{PREFIX}/health")[2] == b""
    assert asked("GET", "flow") == 405
    assert asked("POST", "flow", b"{}") == 403
    assert asked("GET", "manifest.json") == 404
    assert [asked("GET", nothing) for nothing in ("nothing", "webhook", "webhook/a/b", "flow/x")] == [404] * 4


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")  # the validator knows but the usual ones
@pytest.mark.parametrize("method", ["GET", "PUT", "PROPFIND"])
def test_a_webhook_takes_any_method_and_the_request_to_its_end(bridge: Bridge, method: str) -> None:
    run = run_sync(start(doubled, 1, "tökén"))
    path = f"{PREFIX}/webhook/tökén".encode().decode("latin-1")
    more = {"QUERY_STRING": "a=b", "HTTP_HOST": "shop.test", "HTTP_X_TWICE": "1"}
    deadline = time.monotonic() + 30
    while (status := ask(validator(WsgiRoutes(bridge)), method, path, b"four", **more)[0]) == 404:
        assert time.monotonic() < deadline

    assert status == 202
    url = f"http://shop.test{PREFIX}/webhook/t%C3%B6k%C3%A9n?a=b"
    assert run_sync(run.result(timeout=10)) == [10, method, url, "1"]


def test_what_is_not_ours_goes_on_to_the_app_and_starts_the_worker(bridge: Bridge) -> None:
    app = WsgiMount(hello, bridge)
    for path in ("/", "/.well-known/workflow/v1", "/.well-known/workflow/v10/flow", f"/api{PREFIX}/health"):
        assert ask(validator(app), "GET", path) == (200, {"content-type": "text/plain"}, b"hello")

    assert run_sync(run_sync(start(doubled, 1)).result(timeout=10)) == 2


def test_a_body_ends_where_its_length_says_or_where_the_server_ends_it() -> None:
    source = io.BytesIO(b"0123456789")

    assert request_body({"wsgi.input": source, "CONTENT_LENGTH": "4"}).read() == b"0123"
    assert request_body({"wsgi.input": source}).read() == b""
    assert request_body({"wsgi.input": source, "CONTENT_LENGTH": "x"}).read() == b""
    assert request_body({"wsgi.input": source, "wsgi.input_terminated": True}).read() == b"456789"
