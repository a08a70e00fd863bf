"""No web at all: a process that works on runs."""

from __future__ import annotations

from dataclasses import dataclass

from workflow_build.adapters.base import Clues
from workflow_build.model import Routes


@dataclass(frozen=True, slots=True)
class WorkerAdapter:
    """Everything about a worker of its own."""

    name: str = "worker"
    title: str = "no framework"
    template: str = "worker.py.jinja"
    packages: tuple[str, ...] = ()
    app_classes: tuple[str, ...] = ()
    entrypoint_key: tuple[str, ...] = ()
    has_routes: bool = False

    def named_app(self, clues: Clues) -> str | None:
        """There is no app."""
        return None

    def mount_lines(self, module: str) -> tuple[str, ...]:
        """Nothing is mounted; this is the command."""
        return (f"python -m {module}",)

    def read_routes(self, app: object, module: str, build: str) -> Routes:
        """None."""
        return Routes(self.name, ())


ADAPTER = WorkerAdapter()
