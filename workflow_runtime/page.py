"""The web page within the user's own app: nothing, unless the environment asks for it; only then are its parts imported."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from workflow_runtime.asgi import AsgiApp
    from workflow_runtime.http import HttpResponse, HttpStream

WEB_PATH = "/_workflow"
"""Where apps have the page, below whatever prefix they give it."""


class Page(Protocol):
    """The page: an ASGI app, and, for frameworks that can not mount one, a function from requests to answers."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer an ``http`` scope; a WebSocket is refused."""

    async def answer(self, scope: Any, body: AsyncIterator[bytes]) -> HttpResponse | HttpStream:
        """The answer to a request. Of an ASGI scope, ``method``, ``path``, ``headers`` and, where they are known, ``raw_path``,
        ``query_string``, ``client`` and ``scheme`` are looked at. Whoever sends the stream ends it when the client has gone.
        """


def web_page() -> Page | None:
    """The page of the process's world, to be mounted at ``WEB_PATH``; None when neither ``WORKFLOW_WEB_TOKEN`` nor
    ``WORKFLOW_WEB`` asks for it.

    With the token, whoever has it is let in. With ``WORKFLOW_WEB=1`` alone, who is on this machine. Raises ``WorkflowError`` for a token
    that is too short.
    """
    if not (os.environ.get("WORKFLOW_WEB_TOKEN") or os.environ.get("WORKFLOW_WEB") == "1"):
        return None
    from workflow_runtime.process import process_world, world_url
    from workflow_runtime.web.app import WebApp
    from workflow_runtime.web.guard import environment_gate
    from workflow_runtime.worlds.urls import shown_url

    gate = environment_gate()
    return None if gate is None else WebApp(process_world, shown_url(world_url()), gate)


def with_page(app: AsgiApp) -> AsgiApp:
    """``app`` with the page before it when the environment asks for it; else ``app`` itself."""
    page = web_page()
    return app if page is None else PageBefore(app, page)


class PageBefore:
    """An ASGI app with the page before it."""

    def __init__(self, app: AsgiApp, page: AsgiApp) -> None:
        self.app = app
        self._page = page

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer what is below ``WEB_PATH``, and hand on all else."""
        if scope["type"] == "http":
            path = scope["path"].removeprefix(scope.get("root_path", "").rstrip("/"))
            if path == WEB_PATH or path.startswith(f"{WEB_PATH}/"):
                return await self._page(scope, receive, send)
        return await self.app(scope, receive, send)
