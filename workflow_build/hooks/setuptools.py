"""The hook for setuptools: for projects with ``[tool.workflow-build]``, ``build`` gets a sub-command that runs the compiler.

Setuptools calls ``finalize`` for every project that is built where workflow-build is installed, so it does little and imports little.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from setuptools import Command, Distribution

if TYPE_CHECKING:
    from workflow_build.model import Config

COMMAND = "build_workflow"
TABLE = "workflow-build"


def finalize(distribution: Distribution) -> None:
    """Let ``build`` begin with our sub-command, whichever class it is; projects without our table stay as they are."""
    if not _is_configured(Path.cwd()):
        return
    base: Any = distribution.get_command_class("build")
    steps = [(COMMAND, None), *(step for step in base.sub_commands if step[0] != COMMAND)]
    distribution.cmdclass["build"] = type(base.__name__, (base,), {"sub_commands": steps})
    distribution.cmdclass[COMMAND] = BuildWorkflow


class BuildWorkflow(Command):
    """Compiles, then tells setuptools of the packages that were written. Keeps to setuptools' ``SubCommand`` protocol."""

    description = "compile workflows and steps (workflow-build)"
    user_options: ClassVar[list[tuple[str, str, str]]] = []
    editable_mode = False
    build_lib: str | None = None

    def initialize_options(self) -> None:
        """There are no options."""

    def finalize_options(self) -> None:
        """There are no options."""

    def run(self) -> None:
        """Compile before the other sub-commands collect files."""
        from workflow_build.hooks.compile import compile_project

        self._add_packages(compile_project(Path.cwd()))

    def get_source_files(self) -> list[str]:
        """Nothing: the output goes into a source distribution if it is there, as a package; the wheel's build makes it anew."""
        return []

    def get_outputs(self) -> list[str]:
        """Nothing: ``build_py`` copies what was written."""
        return []

    def get_output_mapping(self) -> dict[str, str]:
        """Nothing: ``build_py`` copies what was written."""
        return {}

    def _add_packages(self, config: Config) -> None:
        """Packages are looked for before commands run, so those that were just written have to be named."""
        from workflow_build.emit import output_package

        package = output_package(config)
        distribution: Any = self.distribution
        # Changed in place, since build_py may have been asked for its options already, and then holds these very objects.
        packages = distribution.packages = distribution.packages or []
        packages.extend(name for name in (package, f"{package}.bundles") if name not in packages)
        distribution.package_data.setdefault(package, []).append("*.json")


def _is_configured(project: Path) -> bool:
    try:
        content = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    except (OSError, ValueError):
        return False  # setuptools reads the file too, and says it better
    tool = content.get("tool")
    return isinstance(tool, dict) and TABLE in tool
