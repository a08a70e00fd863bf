"""What the URL of a Postgres world says: where the server is, in libpq's words, and our own words among the parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from workflow_runtime.errors import WorldError
from workflow_runtime.worlds.urls import shown_url

DEFAULT_SCHEMA = "workflow"
_SCHEMA = re.compile(r"[A-Za-z_][A-Za-z0-9_$]{0,62}")


@dataclass(frozen=True, slots=True)
class Options:
    """A world's settings. ``dsn`` is what asyncpg is given, in libpq's words."""

    dsn: str
    schema: str = DEFAULT_SCHEMA
    lease: float = 20.0
    """Seconds after which a process that says nothing counts as dead."""
    connections: int = 8
    """How many connections a worker's event loop may have open."""
    pooler: bool = False
    """Whether a pooler stands between that hands out a connection for one transaction only, and knows no prepared statements."""
    listen: str | None = None
    """Where to listen for notifications past the pooler, as a ``dsn``; empty for not at all; None: on ``dsn``."""
    migrate: bool = True
    """Whether opening brings the schema up to date."""

    @property
    def where(self) -> str:
        """The world as it may be shown."""
        return f"Postgres world {shown_url(self.dsn)} (schema {self.schema})"

    @property
    def quoted(self) -> str:
        """The schema's name in SQL."""
        return f'"{self.schema}"'

    @property
    def direct(self) -> Options:
        """The same server without a pooler, for what belongs to one connection."""
        return replace(self, dsn=self.listen, pooler=False, listen=None) if self.listen else self


def options_of(url: str) -> Options:
    """The options that the URL gives. Raises ``WorldError`` for what can not be meant."""
    parts = urlsplit(url)
    ours: dict[str, Any] = {}
    theirs = []
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name in _READERS:
            ours[name] = _read(url, name, value)
        else:
            theirs.append((name, value))
    dsn = parts._replace(scheme="postgresql", query=urlencode(theirs, quote_via=quote)).geturl()
    return Options(dsn, **ours)


def _read(url: str, name: str, value: str) -> Any:
    try:
        return _READERS[name](value)
    except ValueError as error:
        raise WorldError(f"the world URL {shown_url(url)!r} has a parameter {name!r} that {error}") from None


def _schema(value: str) -> str:
    if not _SCHEMA.fullmatch(value):
        raise ValueError("is no plain name: letters, digits and underscores, 63 at most, a letter first")
    return value


def _seconds(value: str) -> float:
    number = float(value) if re.fullmatch(r"\d+(\.\d+)?", value) else 0.0
    if not 0.2 <= number <= 3600:
        raise ValueError("is no number of seconds from 0.2 to 3600")
    return number


def _count(value: str) -> int:
    if not value.isdecimal() or not 1 <= int(value) <= 1000:
        raise ValueError("is no whole number from 1 to 1000")
    return int(value)


def _pooler(value: str) -> bool:
    if value not in ("transaction", "none"):
        raise ValueError("is neither 'transaction' nor 'none'")
    return value == "transaction"


def _listen(value: str) -> str:
    if value == "off":
        return ""
    if urlsplit(value).scheme not in ("postgres", "postgresql"):
        raise ValueError("is neither 'off' nor a URL of the server itself, percent-encoded")
    return value


def _migrate(value: str) -> bool:
    if value not in ("yes", "no"):
        raise ValueError("is neither 'yes' nor 'no'")
    return value == "yes"


_READERS: Mapping[str, Callable[[str], Any]] = {
    "schema": _schema,
    "lease": _seconds,
    "connections": _count,
    "pooler": _pooler,
    "listen": _listen,
    "migrate": _migrate,
}
