"""What a browser asks, out of an ASGI scope: the path below the page's own root, its query, form and cookies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl

from workflow_runtime.asgi import Message
from workflow_runtime.headers import Headers, asgi_headers
from workflow_runtime.http import read_limited
from workflow_runtime.page import WEB_PATH as MOUNT

FORM_LIMIT = 1024 * 1024
"""Bytes that a form may have: it may carry the payload of a hook."""
_FIELDS = 50


class TooLargeError(Exception):
    """The form has more bytes than ``FORM_LIMIT``."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request for something of the page."""

    method: str
    path: str
    """Below the page's root and without a slash in front; empty for the list of runs."""
    query: Mapping[str, str]
    headers: Headers
    cookies: Mapping[str, str]
    form: Mapping[str, str] = field(default_factory=dict)
    client: str | None = None
    """The address at the other end of the connection; None when the server does not tell."""
    secure: bool = False

    @property
    def host(self) -> str:
        """The host, and the port if there is one, as the client named it."""
        return self.headers.get("host", "")

    @property
    def root(self) -> str:
        """The relative URL of the page's root, seen from this path. It works under any prefix, known or not."""
        return "../" * self.path.count("/")

    @property
    def parts(self) -> tuple[str, ...]:
        """The path's segments."""
        return tuple(self.path.split("/")) if self.path else ()


async def read_request(scope: Message, body: AsyncIterator[bytes]) -> Request:
    """The whole request, whose body comes part by part. Raises ``TooLargeError``, and whatever ``body`` raises."""
    headers = asgi_headers(scope)
    form: Mapping[str, str] = {}
    if scope["method"] == "POST":
        whole_body = await read_limited(body, FORM_LIMIT)
        if whole_body is None:
            raise TooLargeError
        form = _pairs(whole_body.decode("utf-8", "replace"))
    return Request(
        "GET" if scope["method"] == "HEAD" else scope["method"],
        path_below_mount(scope["path"]),
        _pairs(scope.get("query_string", b"").decode("latin-1")),
        headers,
        _cookies(headers.get("cookie", "")),
        form,
        (scope.get("client") or (None,))[0],
        scope.get("scheme") == "https",
    )


def whole(text: str | None) -> int:
    """The whole number that the text is; 0 for anything else."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 16 else 0


def path_below_mount(path: str) -> str:
    """The path below our root, whether or not a mount has taken what stands before it away."""
    _, found, tail = path.partition(f"{MOUNT}/")
    return (tail if found else path.removesuffix(MOUNT)).strip("/")  # some frameworks' mounts add a slash


def _pairs(text: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_FIELDS, errors="replace"))
    except ValueError:  # more fields than anything of ours has
        return {}


def _cookies(header: str) -> dict[str, str]:
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(header).items()}
    except CookieError:  # another app's, most likely
        return {}
