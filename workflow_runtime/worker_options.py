"""How a worker works, and where its settings come from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from workflow_runtime.settings import count, length_of_time, setting


@dataclass(frozen=True, slots=True)
class Address:
    """Where something listens. Port 0 is any that is free."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How a worker works."""

    concurrency: int = 64
    """How many messages it has in hand at once."""
    grace: float = 10.0
    """Seconds that steps in progress are given when it stops."""
    retention: float | None = None
    """Seconds after its end at which a run is removed; None: never."""
    health: Address | None = None
    """Where a worker of its own tells how it is; None: nowhere. In a web app, a route does."""


def worker_options(environment: Mapping[str, str] = os.environ) -> WorkerOptions:
    """The options that ``WORKFLOW_CONCURRENCY``, ``WORKFLOW_GRACE``, ``WORKFLOW_RETENTION`` and ``WORKFLOW_HEALTH`` set, the defaults for those
    that are not set. Raises ``WorkflowError`` when one makes no sense.
    """
    defaults = WorkerOptions()
    return WorkerOptions(
        concurrency=setting(environment, "WORKFLOW_CONCURRENCY", count, defaults.concurrency),
        grace=setting(environment, "WORKFLOW_GRACE", length_of_time, defaults.grace),
        retention=setting(environment, "WORKFLOW_RETENTION", time_to_keep, defaults.retention),
        health=setting(environment, "WORKFLOW_HEALTH", address, defaults.health),
    )


def time_to_keep(text: str) -> float:
    """Seconds for which ended runs are kept. Raises ``ValueError``, for 0 too: who gives that may well mean to keep them for ever."""
    if kept := length_of_time(text):
        return kept
    raise ValueError("give a time above 0, after which ended runs are removed; leave it out to keep them for ever")


def address(text: str) -> Address:
    """The address that ``127.0.0.1:8081`` or ``[::1]:8081`` is. Raises ``ValueError`` for other text."""
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port is None or parts.netloc != text or "@" in text:
        raise ValueError("give HOST:PORT, as in 127.0.0.1:8081, or 0.0.0.0:8081 for all addresses of the machine")
    return Address(host, port)
