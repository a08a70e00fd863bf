"""The world that a URL names, as in ``WORKFLOW_WORLD``.

``sqlite:///data/shop.db`` is relative to the current folder and ``sqlite:////var/lib/shop.db`` is absolute: three slashes, then the path, as
SQLAlchemy has it. ``memory://`` is a world of this process that is gone with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import SplitResult, unquote, urlsplit

from workflow_runtime.errors import WorldError
from workflow_runtime.worlds.base import World

_PLACE = re.compile(r"(schema|namespace)=[\w$.-]{1,63}", re.ASCII)


def open_world_url(url: str) -> World:
    """The world that ``url`` names, not yet opened. Raises ``WorldError`` when it names none."""
    make = _MAKERS.get(split_world_url(url).scheme)
    if make is None:
        known = ", ".join(f"{name}://" for name in _MAKERS)
        raise WorldError(f"the world URL {shown_url(url)!r} has no scheme that this version knows; use one of {known}")
    return make(url)


def split_world_url(url: str) -> SplitResult:
    """The URL's parts. Raises ``WorldError`` when it has none that could be told apart."""
    try:
        return urlsplit(url)
    except ValueError:  # it quotes the URL, in which a password may be
        raise WorldError(
            f"the world URL {url.partition(':')[0]}:… can not be read; write the characters []/?#@ of a user or a password as %5B, %5D and so on"
        ) from None


def shown_url(url: str) -> str:
    """The URL as it may be printed and logged: without user and password, and of the options, which may hold one too, only where in the
    database the world is.
    """
    parts = urlsplit(url)
    if "@" not in url and not parts.query:
        return url
    if "@" in parts.path or "@" in parts.fragment:  # a password that was not escaped may be cut anywhere
        return f"{parts.scheme}://…"
    host = f"…@{parts.netloc.rpartition('@')[2]}" if "@" in parts.netloc else parts.netloc
    return f"{parts.scheme}://{host}{parts.path}{_shown_query(parts.query)}"


def _shown_query(query: str) -> str:
    """The parameters that name a schema or a namespace; in place of all others, if there are any, ``…``."""
    parameters = query.split("&") if query else []
    shown = [parameter for parameter in parameters if _PLACE.fullmatch(parameter)]
    hidden = ["…"] if len(shown) < len(parameters) else []
    return "?" + "&".join(shown + hidden) if parameters else ""


def _memory(url: str) -> World:
    if url not in ("memory://", "memory:"):
        raise WorldError(f"the world URL {url!r} says more than memory:// can mean; write memory://")
    from workflow_runtime.worlds.memory import MemoryWorld  # what an app does without costs it nothing

    return MemoryWorld()


def _sqlite(url: str) -> World:
    parts = urlsplit(url)
    if not url.lower().startswith("sqlite://"):
        path = url.partition(":")[2]
        raise WorldError(f"the world URL {url!r} lacks slashes; write sqlite:///{path}" + _meant(path))
    if parts.netloc or parts.query or parts.fragment or len(parts.path) < 2:
        raise WorldError(
            f"the world URL {url!r} names no SQLite file; write sqlite:///relative/path.db or sqlite:////absolute/path.db"
        )
    from workflow_runtime.worlds.sqlite import SqliteWorld  # and so with SQLite

    return SqliteWorld(unquote(parts.path.removeprefix("/")))


def _nats(url: str) -> World:
    try:
        from workflow_runtime.worlds.nats import NatsWorld, read_url  # and so with NATS
    except ModuleNotFoundError as error:
        raise WorldError(
            f"a nats:// world needs the package {error.name}; install the extra: pip install 'workflow-build[nats]'"
        ) from error
    return NatsWorld(read_url(url))


def _meant(path: str) -> str:
    """What to write when a path that looks absolute may not be meant so."""
    return f", or sqlite:///{path.removeprefix('/')} for a path from the current folder" if path[:1] == "/" else ""


def _postgres(url: str) -> World:
    try:
        from workflow_runtime.worlds.postgres import PostgresWorld  # and so with Postgres
    except ModuleNotFoundError as error:
        raise WorldError(
            f"a postgresql:// world needs the package {error.name}; install the extra: pip install 'workflow-build[postgres]'"
        ) from error
    return PostgresWorld(url)


_MAKERS: Mapping[str, Callable[[str], World]] = {
    "memory": _memory,
    "sqlite": _sqlite,
    "postgresql": _postgres,
    "postgres": _postgres,
    "nats": _nats,
}
