"""One in-process request to an app: how a route that a table shows is confirmed."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class Answer:
    """What the app answered; header names are lower-case."""

    status: int
    headers: dict[str, str]


Get: TypeAlias = Callable[[Any, str, str | None], Answer]
"""Sends ``GET path`` to an app, for a host or for none; raises what the app raises."""


def get(app: Any, path: str, host: str | None = None) -> Answer:
    """Send ``GET path`` through an ASGI or a WSGI app's whole stack. Raises what the app raises; its lifespan is not run."""
    from workflow_build.adapters import asgi_probe, wsgi_probe

    return asgi_probe.get(app, path, host) if is_asgi(app) else wsgi_probe.get(app, path, host)


def is_asgi(app: object) -> bool:
    """Whether calling the app gives a coroutine, as it does for all ASGI apps, and for no WSGI app."""
    call = app if inspect.isroutine(app) else getattr(app, "__call__", None)  # noqa: B004 the method itself is needed
    return inspect.iscoroutinefunction(call)
