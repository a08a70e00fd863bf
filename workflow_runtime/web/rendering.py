"""From templates to answers: HTML that escapes everything, compressed, with headers that allow the page nothing but itself."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from workflow_runtime.http import HttpResponse
from workflow_runtime.web import showing
from workflow_runtime.web.request import Request

SECURITY = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""On every answer."""
_SMALLEST = 512  # bytes below which compressing is no gain
_STYLES = ("page.css", "runs.css", "timeline.css", "panel.css", "graph.css")
_SCRIPTS = ("page.js", "runs.js", "axis.js", "rows.js", "book.js", "map.js", "timeline.js", "panel.js", "streams.js")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("workflow_runtime.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(showing.FILTERS)
    environment.globals["version"] = assets_version()
    return environment


def render(template: str, **values: Any) -> str:
    """The text of a template of ours."""
    return _environment().get_template(f"{template}.html.jinja").render(**values)


def html(request: Request, text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """A page, or a part of one."""
    return answer(request, status, "text/html; charset=utf-8", text.encode("utf-8", "replace"), headers)


def answer(
    request: Request, status: int, kind: str, body: bytes, headers: Mapping[str, str] | None = None
) -> HttpResponse:
    """A whole answer that nobody keeps, compressed for those who take it so."""
    sent = {"content-type": kind, "cache-control": "no-store", "vary": "accept-encoding", **SECURITY, **(headers or {})}
    if len(body) >= _SMALLEST and takes_gzip(request):
        body = gzip.compress(body, 6, mtime=0)
        sent["content-encoding"] = "gzip"
    return HttpResponse(status, sent, body)


def takes_gzip(request: Request) -> bool:
    """Whether the client takes compressed answers."""
    return any(part.strip().split(";")[0] == "gzip" for part in request.headers.get("accept-encoding", "").split(","))


def asset(request: Request, name: str) -> HttpResponse | None:
    """The style sheet or the script, for ever the same under its version; None when it is neither."""
    if name not in ("page.css", "page.js"):
        return None
    plain, packed = _assets()[name]
    kind = "text/css; charset=utf-8" if name.endswith("css") else "text/javascript; charset=utf-8"
    headers = {
        **SECURITY,
        "content-type": kind,
        "cache-control": "private, max-age=31536000, immutable",
        "vary": "accept-encoding",
    }
    if takes_gzip(request):
        return HttpResponse(200, {**headers, "content-encoding": "gzip"}, packed)
    return HttpResponse(200, headers, plain)


def assets_version() -> str:
    """Changes with the style sheet and the script."""
    return hashlib.sha256(b"".join(plain for plain, _ in _assets().values())).hexdigest()[:12]


@cache
def _assets() -> Mapping[str, tuple[bytes, bytes]]:
    """Each as it is, and compressed. The files are put together here, so that a browser asks once."""
    folder = resources.files("workflow_runtime.web").joinpath("static")
    joined = {
        "page.css": b"\n".join(folder.joinpath(name).read_bytes() for name in _STYLES),
        "page.js": b"\n".join(
            [b"(() => {", b'"use strict";', *(folder.joinpath(name).read_bytes() for name in _SCRIPTS), b"})();"]
        ),
    }
    return {name: (body, gzip.compress(body, 9, mtime=0)) for name, body in joined.items()}
