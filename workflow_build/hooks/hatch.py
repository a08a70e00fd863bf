"""The hook for hatchling: ``[tool.hatch.build.hooks.workflow-build]`` runs the compiler and takes the output along."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.plugin import hookimpl

from workflow_build.hooks.compile import compile_project


class WorkflowBuildHook(BuildHookInterface[BuilderConfig]):
    """Compiles before anything is packed. Hatchling finds hooks by their class."""

    PLUGIN_NAME = "workflow-build"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and name the output as made by the build, so that it is packed although git ignores it."""
        config = compile_project(Path(self.root))
        build_data["artifacts"].append(f"/{config.out.relative_to(config.project).as_posix()}/**")


@hookimpl
def hatch_register_build_hook() -> type[WorkflowBuildHook]:
    """What hatchling asks each of its plugins."""
    return WorkflowBuildHook
