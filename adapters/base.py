"""What an adapter is: all that the compiler knows about one framework.

An adapter is found through the entry-point group ``workflow_build.adapters``. Loading one never imports its framework; only
``read_routes`` may, and that runs in a subprocess beside the user's app.
"""

from __future__ import annotations

from typing import Protocol

from workflow_build.model import Routes


class Adapter(Protocol):
    """One framework: how it is detected, which template makes its handler module, how its route table is read."""

    @property
    def name(self) -> str:
        """What ``--target`` takes; also the name of the written module."""

    @property
    def template(self) -> str:
        """The file name of the handler module's template."""

    @property
    def packages(self) -> tuple[str, ...]:
        """Names, as imported and as installed, that show that a project uses the framework."""

    @property
    def app_classes(self) -> tuple[str, ...]:
        """Class names whose call at module level makes an app."""

    @property
    def entrypoint_key(self) -> tuple[str, ...]:
        """Where in pyproject.toml the framework's own tools keep ``module:attribute``; empty when they do not."""

    def mount_lines(self, module: str) -> tuple[str, ...]:
        """The lines that a user adds to mount the handler module ``module``."""

    def read_routes(self, app: object, module: str, build: str) -> Routes:
        """Our routes in the app's own table, found by the endpoints' ``module``, confirmed by a request that ``build`` answers."""
