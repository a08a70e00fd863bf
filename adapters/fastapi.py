"""FastAPI: Starlette's table, seen through the routers that are included in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

from workflow_build.adapters.base import Clues
from workflow_build.adapters.reading import read
from workflow_build.adapters.starlette import walk
from workflow_build.adapters.table import Table, is_a
from workflow_build.model import Routes


@dataclass(frozen=True, slots=True)
class FastAPIAdapter:
    """Everything about FastAPI."""

    name: str = "fastapi"
    title: str = "FastAPI"
    template: str = "fastapi.py.jinja"
    packages: tuple[str, ...] = ("fastapi",)
    app_classes: tuple[str, ...] = ("FastAPI",)
    entrypoint_key: tuple[str, ...] = ("tool", "fastapi", "entrypoint")
    has_routes: bool = True

    def named_app(self, clues: Clues) -> str | None:
        """FastAPI's settings are all in pyproject.toml."""
        return None

    def mount_lines(self, module: str) -> tuple[str, ...]:
        """One import and one call."""
        return (f"from {module} import mount", "mount(app)")

    def table(self, app: object) -> Table | None:
        """The routes of a FastAPI app or router."""
        if not is_a(app, "fastapi.FastAPI", "fastapi.APIRouter"):
            return None
        from fastapi import routing

        nested = hasattr(routing, "iter_route_contexts")
        source = "fastapi.routing.iter_route_contexts" if nested else "fastapi.FastAPI.routes"
        root = str(getattr(app, "root_path", "") or "").rstrip("/")
        return Table(tuple(walk(cast(Any, app).routes)), source, root)

    def read_routes(self, app: object, module: str, build: str) -> Routes:
        """Our routes as FastAPI has them."""
        return read(self, app, module, build)


ADAPTER = FastAPIAdapter()
