"""What a check of the doctor is given, and what it gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from workflow_build.emit import output_package
from workflow_build.model import Config

USUAL_FILES = ("__init__.py", "bundles/__init__.py", "manifest.json", "step_registrations.py")
"""Written by every build."""


class Level(StrEnum):
    """How a check went. Only PROBLEM makes the command fail."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    check: str
    """The name of the check."""
    level: Level
    message: str
    advice: str = ""
    """What to do, settings ready to paste included; empty when nothing is to be done."""


@dataclass(frozen=True, slots=True)
class Patient:
    """A project, as the checks see it."""

    config: Config
    pyproject: Mapping[str, object]
    environ: Mapping[str, str]

    @property
    def out(self) -> str:
        """The output folder relative to the project, with forward slashes."""
        return self.config.out.relative_to(self.config.project).as_posix()

    @property
    def packages(self) -> tuple[str, str]:
        """The written packages, by dotted name."""
        package = output_package(self.config)
        return package, f"{package}.bundles"

    @property
    def files(self) -> tuple[str, ...]:
        """The files of the output relative to the project, sorted; before the first build, those that each build writes."""
        out = self.config.out
        found = (path.relative_to(out) for path in out.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
        names = {name.as_posix() for name in found if not name.name.startswith(".")} or set(USUAL_FILES)
        return tuple(sorted(f"{self.out}/{name}" for name in names))

    def at(self, *keys: str) -> object:
        """The value in pyproject.toml at a path of keys, or None."""
        content: object = self.pyproject
        for key in keys:
            content = content.get(key) if isinstance(content, Mapping) else None
        return content

    def texts_at(self, *keys: str) -> list[str]:
        """The strings in the list at a path of keys."""
        value = self.at(*keys)
        return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
