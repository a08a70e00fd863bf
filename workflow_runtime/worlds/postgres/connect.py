"""Opening connections."""

from __future__ import annotations

import ssl
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import asyncpg

from workflow_runtime.errors import WorldError
from workflow_runtime.worlds.postgres.faults import FAILURES, explain
from workflow_runtime.worlds.postgres.options import Options

Connection: TypeAlias = "asyncpg.Connection[Any]"
CONNECT_TIMEOUT = 10.0  # seconds
ANSWER_TIMEOUT = 30.0
"""Seconds after which a server that does not answer counts as gone."""


async def connect(options: Options) -> Connection:
    """A new connection. Raises ``WorldError`` when the address makes no sense, else what asyncpg and the system raise."""
    more: dict[str, Any] = {}
    if options.pooler:
        more["statement_cache_size"] = 0
    if "," in urlsplit(options.dsn).netloc and "target_session_attrs" not in options.dsn:
        more["target_session_attrs"] = "read-write"
    try:
        connection: Connection = await asyncpg.connect(
            options.dsn,
            timeout=CONNECT_TIMEOUT,
            command_timeout=ANSWER_TIMEOUT,
            max_cached_statement_lifetime=0,
            **more,
        )
        return connection
    except ssl.SSLError:  # a bad certificate is a bad value, too
        raise
    except (ValueError, asyncpg.ClientConfigurationError):
        # Their messages quote the URL, and with it the password.
        raise WorldError(
            f"{options.where}: the URL can not be read; write postgresql://user:password@host:port/database, with each special "
            "character of user and password percent-encoded"
        ) from None


async def connect_once(options: Options) -> Connection:
    """A new connection. Raises ``WorldError`` for whatever goes wrong."""
    try:
        return await connect(options)
    except FAILURES as error:
        raise explain(error, options.where) from error
