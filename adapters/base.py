"""What an adapter is: all that the compiler knows about one framework.

An adapter is found through the entry-point group ``workflow_build.adapters``. Loading one never imports its framework; only
``read_routes`` and ``table`` may, and these run in a subprocess beside the user's app.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from workflow_build.adapters.table import Table
    from workflow_build.model import Routes, SourceFile


@dataclass(frozen=True, slots=True)
class Clues:
    """What a framework's own tools look at to find the app."""

    project: Path
    environment: Mapping[str, str]
    files: Sequence[SourceFile]
    """The project's importable files, without its tests and without the output."""


class Adapter(Protocol):
    """One framework: how it is detected, which template makes its handler module, how its route table is read."""

    @property
    def name(self) -> str:
        """What ``--target`` takes; also the name of the written module, with ``_`` for ``-``."""

    @property
    def title(self) -> str:
        """What its users call the framework."""

    @property
    def template(self) -> str:
        """The handler module's template: a file of ``workflow_build.templates``, or ``package:file`` for one elsewhere."""

    @property
    def packages(self) -> tuple[str, ...]:
        """Names, as imported and as installed, that show that a project uses the framework; empty if nothing does.

        ``package.module`` for a package whose other modules are used without the framework, as clients are.
        """

    @property
    def app_classes(self) -> tuple[str, ...]:
        """Names of classes of these packages whose call makes an app."""

    @property
    def entrypoint_key(self) -> tuple[str, ...]:
        """Where in pyproject.toml the framework's own tools keep ``module:attribute``; empty when they do not."""

    @property
    def has_routes(self) -> bool:
        """Whether the handler module has routes that some app or platform serves."""

    def named_app(self, clues: Clues) -> str | None:
        """The app that the framework's own settings outside of pyproject.toml name, as ``module:attribute``."""

    def mount_lines(self, module: str) -> tuple[str, ...]:
        """The lines that a user adds to mount the handler module ``module``."""

    def read_routes(self, app: object, module: str, build: str) -> Routes:
        """Our routes as they are reached from outside, found by the endpoints' ``module``, confirmed by a request that ``build`` answers."""


@runtime_checkable
class FittingAdapter(Adapter, Protocol):
    """An adapter whose lines depend on how the app is served."""

    def fitting_lines(self, module: str, source: str) -> tuple[str, ...]:
        """``mount_lines`` for an app in a module with that text; an empty text when no app is known."""


@runtime_checkable
class TableAdapter(Adapter, Protocol):
    """An adapter whose framework keeps a table of routes in the app."""

    def table(self, app: object) -> Table | None:
        """The table of that very object; None when it is no app of this framework. Wrappers around an app are looked through before."""
