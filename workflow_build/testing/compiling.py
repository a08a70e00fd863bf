"""Compile a project into a folder that is not its own: ``python -m workflow_build.testing.compiling PROJECT FOLDER``.

The project itself is only read. A process of its own does it, so that what tests import is not what the compiler needs.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from workflow_build import config as configuration
from workflow_build import report
from workflow_build.emit import output_package
from workflow_build.errors import BuildError
from workflow_build.scan import scan
from workflow_build.stages import compile_sources
from workflow_build.write import write

SAID = "project.json"
"""Beside the written package: its name as ``package``, and the folder that its files' paths are relative to as ``root``."""


def compile_into(project: Path, folder: Path, screen: Console) -> bool:
    """Write the project's package into ``folder``. False when its source has errors, which the screen shows then.

    Raises ``BuildError`` when the build can not go on.
    """
    # Bundles of former builds are of no use: no run of a test is older than the test.
    config = replace(configuration.load(project), prune_bundles=True)
    compiled, files = compile_sources(scan(config), config)
    if compiled.stopped:
        report.print_diagnostics(screen, compiled.findings, config.project, -1)
        return False
    package = output_package(config)
    write(folder.joinpath(*package.split(".")), files)
    (folder / SAID).write_text(json.dumps({"package": package, "root": str(config.project)}), "utf-8")
    return True


def main(project: str, folder: str) -> int:
    """The exit code: 0 when it was compiled, 1 when it can not be; standard output says why."""
    screen = Console(highlight=False, markup=False, emoji=False, color_system=None, soft_wrap=True)
    try:
        return 0 if compile_into(Path(project), Path(folder), screen) else 1
    except BuildError as error:
        screen.print(f"workflow-build: {error}")
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
