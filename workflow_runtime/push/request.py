"""One request of a pusher: a signed POST, of whose answer only the head matters."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from workflow_runtime import clock
from workflow_runtime.errors import WorkflowError
from workflow_runtime.http import PREFIX

CONNECT = 15.0
"""Seconds until there has to be a connection."""


@dataclass(frozen=True, slots=True)
class Target:
    """A flow route."""

    host: str
    port: int
    is_tls: bool
    path: str
    """With its query."""
    shown: str
    """The URL without its query, which may hold a key."""

    @property
    def authority(self) -> str:
        """The host as requests name it: with the port, unless that is the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request."""

    status: int | None
    """None: there was no answer."""
    retry_after: float = 0.0
    """Seconds for which whoever answered wants to be left alone."""
    error: str = ""
    """Why there was none."""


def target_of(url: str) -> Target:
    """The flow route at ``url``, which may be the route's own or that of the app, as ``WORKFLOW_URL`` has it. Raises ``WorkflowError``."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    is_plain = url.isascii() and url.isprintable() and " " not in url
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or not is_plain:
        raise WorkflowError("give the URL to push to as https://shop.example.com, or as that of the flow route itself")
    is_tls = parts.scheme == "https"
    path = parts.path.rstrip("/")
    if not path.endswith(f"{PREFIX}/flow"):
        path += f"{PREFIX}/flow"
    query = f"?{parts.query}" if parts.query else ""
    shown = f"{parts.scheme}://{parts.netloc}{path}"
    return Target(host, port or (443 if is_tls else 80), is_tls, f"{path}{query}", shown)


async def post(target: Target, headers: Mapping[str, str], body: bytes, tls: ssl.SSLContext) -> Answer:
    """POST to it on a connection of its own, and wait for as long as the answer takes."""
    try:
        async with asyncio.timeout(CONNECT):
            reader, writer = await asyncio.open_connection(target.host, target.port, ssl=tls if target.is_tls else None)
    except (OSError, TimeoutError) as error:  # SSLError is an OSError
        return Answer(None, error=f"no connection: {error or type(error).__name__}")
    try:
        writer.write(_head(target, headers, len(body)) + body)
        await writer.drain()
        while (answer := _parsed(await reader.readuntil(b"\r\n\r\n"))).status in range(100, 200):
            pass  # the real one follows
    except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as error:
        return Answer(None, error=f"the connection broke: {type(error).__name__}")
    else:
        return answer
    finally:
        writer.transport.abort()  # nobody reads the rest


def _head(target: Target, headers: Mapping[str, str], length: int) -> bytes:
    fields = {
        "host": target.authority,
        "content-type": "application/json",
        "content-length": str(length),
        "connection": "close",
        **headers,
    }
    lines = [f"POST {target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _parsed(head: bytes) -> Answer:
    """Raises ``ValueError`` for what is no head of an answer."""
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    status = rest[:3]
    if not version.startswith("HTTP/1.") or not (status.isascii() and status.isdigit()):
        raise ValueError("not HTTP")
    found = (line.partition(":") for line in lines)
    after = next((value.strip() for name, _, value in found if name.strip().lower() == "retry-after"), "")
    return Answer(int(status), _retry_after(after))


def _retry_after(text: str) -> float:
    """Seconds from now; 0 for text that means nothing."""
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0.0
    return max(0.0, (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - clock.now())
