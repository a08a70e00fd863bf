"""One in-process request to a WSGI app (PEP 3333)."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterable
from typing import Any

from workflow_build.adapters.probe import Answer

WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def get(app: WSGIApp, path: str, host: str | None = None) -> Answer:
    """Send ``GET path`` through the app's whole stack. Raises what the app raises."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        started.append((status, headers))
        return io.BytesIO().write

    body = app(_environ(path, host or "localhost"), start_response)
    try:
        for part in body:  # an app may start its answer only when the first part is asked for
            if started and part:
                break
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            close()
    if not started:
        raise RuntimeError("the app ended without an answer")
    status, headers = started[-1]
    return Answer(int(status.split(" ", 1)[0]), {key.lower(): value for key, value in headers})


def _environ(path: str, host: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path.encode().decode("latin-1"),
        "QUERY_STRING": "",
        "SERVER_NAME": host,
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": host,
        "REMOTE_ADDR": "127.0.0.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
