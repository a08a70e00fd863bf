"""The routes as a WSGI app of their own (PEP 3333), and a wrapper that puts them before any WSGI app."""

from __future__ import annotations

import io
from collections.abc import Iterable
from http.client import responses
from typing import TYPE_CHECKING
from urllib.parse import quote

from workflow_runtime.bridge import Bridge, Readable
from workflow_runtime.headers import Headers, wsgi_headers
from workflow_runtime.http import HttpResponse
from workflow_runtime.places import Place, is_ours, place_of

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


class WsgiRoutes:
    """Answers our four routes. It may be mounted under any path: what it is asked for is told by the path's end."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        answer = self._answer(environ, place_of(_path(environ)))
        headers = [*answer.headers.items()]
        if answer.status not in (204, 304):
            headers.append(("content-length", str(len(answer.body))))
            if not any(name.lower() == "content-type" for name in answer.headers):
                headers.append(("content-type", "application/octet-stream"))  # some servers insist that there is one
        start_response(f"{answer.status} {responses.get(answer.status, 'Unknown')}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def _answer(self, environ: WSGIEnvironment, place: Place) -> HttpResponse:
        method: str = environ["REQUEST_METHOD"]
        refusal = place.refusal(method)
        if refusal is not None:
            return refusal
        if place.name == "health":
            return self._bridge.health()
        if place.name == "manifest.json":
            return self._bridge.manifest()
        headers, body = wsgi_headers(environ), request_body(environ)
        if place.name == "flow":
            return self._bridge.flow(headers, body)
        return self._bridge.webhook(place.token, method, request_url(environ, headers), headers, body)


class WsgiMount:
    """``app`` with our routes before it. The first request starts the worker of its process, unless it runs."""

    def __init__(self, app: WSGIApplication, bridge: Bridge) -> None:
        self.app = app
        self._bridge = bridge
        self._routes = WsgiRoutes(bridge)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer what is ours, and hand on all else."""
        self._bridge.ensure()
        if is_ours(environ.get("PATH_INFO", "")):
            return self._routes(environ, start_response)
        return self.app(environ, start_response)


def request_body(environ: WSGIEnvironment) -> Readable:
    """The body, which ends where the request ends: some servers would go on reading the connection."""
    source: Readable = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        return source
    length = environ.get("CONTENT_LENGTH") or "0"
    return _Limited(source, int(length)) if length.isascii() and length.isdigit() else io.BytesIO()


def request_url(environ: WSGIEnvironment, headers: Headers) -> str:
    """The URL that the client asked for, as far as the server knows it."""
    host = headers.get("host") or f"{environ['SERVER_NAME']}:{environ['SERVER_PORT']}"
    query = environ.get("QUERY_STRING", "")
    return f"{environ['wsgi.url_scheme']}://{host}{quote(_path(environ))}{'?' if query else ''}{query}"


def _path(environ: WSGIEnvironment) -> str:
    """The whole path, as the text that it is: servers decode its bytes as if they were Latin-1."""
    path: str = environ.get("SCRIPT_NAME", "").rstrip("/") + environ.get("PATH_INFO", "")
    return path.encode("latin-1").decode("utf-8", "replace")


class _Limited:
    """The first ``left`` bytes of a source."""

    def __init__(self, source: Readable, left: int) -> None:
        self._source = source
        self._left = left

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        part = self._source.read(self._left if size < 0 else min(size, self._left))
        self._left -= len(part)
        return part
