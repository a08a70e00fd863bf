"""Any WSGI app: ``mount`` wraps it, and answers what is ours before the app sees it."""

from __future__ import annotations

from dataclasses import dataclass

from workflow_build.adapters.asking import ask
from workflow_build.adapters.base import Clues
from workflow_build.model import Routes


@dataclass(frozen=True, slots=True)
class WSGIAdapter:
    """Everything about WSGI apps of whatever framework."""

    name: str = "wsgi"
    title: str = "WSGI"
    template: str = "wsgi.py.jinja"
    packages: tuple[str, ...] = ()
    app_classes: tuple[str, ...] = ()
    entrypoint_key: tuple[str, ...] = ()
    has_routes: bool = True

    def named_app(self, clues: Clues) -> str | None:
        """There are no conventions."""
        return None

    def mount_lines(self, module: str) -> tuple[str, ...]:
        """One import and one call, whose result is what the server serves."""
        return (f"from {module} import mount", "app = mount(app)")

    def read_routes(self, app: object, module: str, build: str) -> Routes:
        """Our routes, if the app is wrapped."""
        return ask(self, app, build, module)


ADAPTER = WSGIAdapter()
