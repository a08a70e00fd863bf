"""Whether a linter or formatter of the project would change the output: it is asked, and writes nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from workflow_build.doctor.finding import Finding, Level, Patient

PATIENCE = 60.0
"""Seconds that a tool may take."""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that rewrites Python: how one sees that a project uses it, and how one asks it without letting it write."""

    name: str
    table: str
    """Its table under ``[tool]`` in pyproject.toml."""
    command: tuple[str, ...]
    """What asks it about the folder ``{out}``."""
    setting: str
    """What keeps it away from the folder ``{out}``."""
    files: tuple[str, ...] = ()
    """Configuration files of its own."""
    by_output: bool = False
    """Whether it tells by printing, and not by its exit code, that it would change something."""


_RUFF = '[tool.ruff]\nextend-exclude = ["{out}"]'
_FILES = ("ruff.toml", ".ruff.toml")
TOOLS = (
    Tool(
        "ruff",
        "ruff",
        ("ruff", "check", "--no-cache", "--force-exclude", "--diff", "--quiet", "--exit-zero", "{out}"),
        _RUFF,
        _FILES,
        by_output=True,
    ),
    Tool(
        "ruff-format",
        "ruff",
        ("ruff", "format", "--no-cache", "--force-exclude", "--check", "--quiet", "{out}"),
        _RUFF,
        _FILES,
    ),
    Tool("black", "black", ("black", "--check", "--quiet", "{out}"), '[tool.black]\nextend-exclude = "/{out}/"'),
    Tool(
        "isort",
        "isort",
        ("isort", "--check-only", "--quiet", "--filter-files", "{out}"),
        '[tool.isort]\nextend_skip = ["{out}"]',
        (".isort.cfg",),
    ),
    Tool(
        "autoflake",
        "autoflake",
        ("autoflake", "--check", "--quiet", "--recursive", "{out}"),
        '[tool.autoflake]\nexclude = ["{out}"]',
    ),
    Tool("pycln", "pycln", ("pycln", "--check", "--quiet", "{out}"), '[tool.pycln]\nextend-exclude = "{out}"'),
    Tool("unimport", "unimport", ("unimport", "--check", "{out}"), '[tool.unimport]\nexclude = "{out}"'),
)


def check_with(tool: Tool) -> Callable[[Patient], Finding | None]:
    """The check for one tool. It gives None where the project has no configuration of the tool, or nothing is built yet."""

    def check(patient: Patient) -> Finding | None:
        return _ask(tool, patient) if _is_configured(tool, patient) and patient.config.out.is_dir() else None

    return check


def _is_configured(tool: Tool, patient: Patient) -> bool:
    return patient.at("tool", tool.table) is not None or any(
        (patient.config.project / name).is_file() for name in tool.files
    )


def _ask(tool: Tool, patient: Patient) -> Finding:
    program = _program(tool.command[0])
    if program is None:
        message = f"the project configures {tool.command[0]}, which is not installed here and could not be asked"
        return Finding(tool.name, Level.WARNING, message, "run workflow-build doctor where it is installed")
    command = [program, *(part.format(out=patient.out) for part in tool.command[1:])]
    try:
        done = subprocess.run(
            command, cwd=patient.config.project, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(tool.name, Level.WARNING, f"{program} could not be asked: {error}", "see why it does not run")
    if not (done.stdout.strip() if tool.by_output else done.returncode):
        return Finding(tool.name, Level.OK, f"{' '.join(command[:1] and tool.command[:2])} leaves {patient.out} alone")
    message = f"{tool.name} would change {patient.out}; every step stays registered, but --check will call it stale"
    return Finding(tool.name, Level.WARNING, message, f"keep it away\n{tool.setting.format(out=patient.out)}")


def _program(name: str) -> str | None:
    """The tool beside this Python, else the one on the path."""
    return shutil.which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
