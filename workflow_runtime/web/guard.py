"""Who may see the page, and that what it is told to do was told by its own forms."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import secrets
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from workflow_runtime.errors import WorkflowError
from workflow_runtime.web.request import Request

SESSION_COOKIE = "workflow_web_session"
CSRF_COOKIE = "workflow_web_csrf"
SESSION_SECONDS = 12 * 3600
"""How long one is signed in."""
SHORTEST_TOKEN = 16
"""Characters that the token has at least: whoever has it may cancel and resume runs."""
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets in who has the token; without a token, who sits at this machine."""

    token: str | None = None

    def is_open_to(self, request: Request) -> bool:
        """Whether the request may be answered."""
        if self.token is None:
            return _is_local(request)
        return self.has_bearer(request) or self._has_session(request)

    def has_bearer(self, request: Request) -> bool:
        """Whether the request carries the token itself, which no browser adds to what another page makes it send."""
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        return self.token is not None and kind.lower() == "bearer" and _same(given.strip(), self.token)

    def session_for(self, given: str) -> str | None:
        """The session of somebody who gave the right token; None when it is wrong."""
        if self.token is None or not _same(given, self.token):
            return None
        return self._signed(str(int(time.time()) + SESSION_SECONDS))

    def _has_session(self, request: Request) -> bool:
        cookie = request.cookies.get(SESSION_COOKIE, "")
        until = cookie.partition(".")[0]
        if not (until.isascii() and until.isdigit() and len(until) <= 12 and int(until) > time.time()):
            return False
        return _same(cookie, self._signed(until))

    def _signed(self, until: str) -> str:
        key = hashlib.sha256(b"workflow web session\0" + (self.token or "").encode()).digest()
        return f"{until}.{hmac.digest(key, until.encode(), hashlib.sha256).hex()}"


def environment_gate() -> Gate | None:
    """What ``WORKFLOW_WEB_TOKEN`` and ``WORKFLOW_WEB`` say; None when they do not ask for the page.

    Raises ``WorkflowError`` for a token that could be guessed.
    """
    token = os.environ.get("WORKFLOW_WEB_TOKEN", "")
    if token:
        return Gate(checked_token(token))
    return Gate() if os.environ.get("WORKFLOW_WEB") == "1" else None


def checked_token(token: str) -> str:
    """The token. Raises ``WorkflowError`` when it is too short."""
    if len(token) < SHORTEST_TOKEN:
        raise WorkflowError(
            f"WORKFLOW_WEB_TOKEN has {len(token)} characters; it lets people cancel and resume runs, so give it {SHORTEST_TOKEN} or more, as from "
            "`python -c 'import secrets; print(secrets.token_urlsafe())'`"
        )
    return token


def csrf_cookie(request: Request) -> str:
    """The browser's own secret, which its forms prove to know; a new one when it has none, or none of ours."""
    cookie = request.cookies.get(CSRF_COOKIE, "")
    return cookie if len(cookie) == 32 and set(cookie) <= set("0123456789abcdef") else secrets.token_hex(16)


def csrf_field(cookie: str) -> str:
    """What a form sends along. It differs each time, so that the size of a compressed page says nothing of it."""
    nonce = secrets.token_hex(8)
    return f"{nonce}.{_csrf_digest(cookie, nonce)}"


def is_own_form(request: Request) -> bool:
    """Whether a POST comes from a form of this page: the same origin, and the browser's own secret."""
    origin = request.headers.get("origin", "")
    if urlsplit(origin).netloc.lower() != request.host.lower() or not request.host:
        return False
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        return False
    cookie = request.cookies.get(CSRF_COOKIE, "")
    nonce, _, digest = request.form.get("csrf", "").partition(".")
    return bool(cookie and nonce) and _same(digest, _csrf_digest(cookie, nonce))


def _csrf_digest(cookie: str, nonce: str) -> str:
    return hmac.digest(cookie.encode(), f"form {nonce}".encode(), hashlib.sha256).hex()


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode("utf-8", "replace"))


def _is_local(request: Request) -> bool:
    """From this machine, under a name that no other site can point at it, and not handed on by a proxy for somebody else."""
    if any(name in request.headers for name in _FORWARDED):
        return False
    return is_loopback(request.client or "") and is_loopback(_host_name(request.host))


def _host_name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def is_loopback(name: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
