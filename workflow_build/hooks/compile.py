"""What the hooks share: compile a project on the way to its wheel, or end the build with what is wrong."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console

from workflow_build import config as configuration
from workflow_build import report
from workflow_build.build import build
from workflow_build.errors import BuildError
from workflow_build.model import Config


def compile_project(project: Path) -> Config:
    """Bring the project's output up to date, findings on standard error. Raises ``BuildError``.

    The routes are not read: an isolated build has none of what the app imports.
    """
    config = configuration.load(project)
    result = build(config, with_routes=False)
    screen = Console(stderr=True, highlight=False, markup=False, emoji=False, color_system=None)
    report.print_diagnostics(screen, result.diagnostics, config.project, 0)
    if result.failed:
        raise BuildError(report.summary(result))
    print(report.summary(result), file=sys.stderr)
    return config
