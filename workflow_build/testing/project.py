"""The user's project as tests run it: compiled once per session, whatever the number of xdist's workers, and imported."""

from __future__ import annotations

import hashlib
import importlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from workflow_build.testing.errors import ProjectError
from workflow_runtime.project import Project, Registrations, register_project, register_steps

FAILED = "failed.txt"
"""What was wrong, in the folder of a project that could not be compiled: so that it is tried once."""
LONGEST_BUILD = 600.0
"""Seconds for which the other processes of a session wait for the one that compiles."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """A project that this process can run: what its written package says, and its steps."""

    project: Project
    steps: Registrations


def compiled_folder(project: Path, shared: Path) -> Path:
    """The folder with the project's written package, compiled unless another process of this session has done so.

    ``shared`` is a folder that is this session's alone, and all of its processes'. Raises ``ProjectError``.
    """
    folder = shared / f"workflow-build-{hashlib.sha256(str(project).encode()).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    # A database that nothing is written to: a lock on all systems, which is free when its holder dies.
    with closing(sqlite3.connect(folder / "lock", timeout=LONGEST_BUILD)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        if not (folder / "project.json").exists() and not (folder / FAILED).exists():
            _compile(project, folder)
    if (folder / FAILED).exists():
        raise ProjectError(f"{project} can not be compiled:\n\n{(folder / FAILED).read_text('utf-8')}")
    return folder


def _compile(project: Path, folder: Path) -> None:
    if not (project / "pyproject.toml").is_file():
        said = "it has no pyproject.toml; name the project's folder with `workflow_project` in pytest's configuration"
    else:
        command = [sys.executable, "-P", "-m", "workflow_build.testing.compiling", str(project), str(folder)]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        said = f"{done.stdout}{done.stderr}".strip()
    (folder / FAILED).write_text(said, "utf-8")


@contextmanager
def imported(folder: Path) -> Iterator[Compiled]:
    """The compiled project, known to this process; while the block lasts, its written package is imported from ``folder``.

    A package of that name that is imported already, from the project's own tree, is forgotten: its build may be an old one.
    Raises ``ProjectError`` when it can not be imported.
    """
    said = json.loads((folder / "project.json").read_text("utf-8"))
    package: str = said["package"]
    finder = _Finder(package, folder.joinpath(*package.split(".")))
    sys.meta_path.insert(0, finder)
    try:
        _forget(package)
        yield _import(package, Path(said["root"]))
    finally:
        sys.meta_path.remove(finder)
        _forget(package)


def _import(package: str, root: Path) -> Compiled:
    try:
        written: Any = importlib.import_module(package)
        # The paths in its bundles are those of the user's own files, so that tracebacks and debuggers show them.
        written.PROJECT = register_project(replace(written.PROJECT, root=root))
        steps: Registrations = importlib.import_module(f"{package}.step_registrations").STEPS
        steps.require(written.PROJECT.steps)
    except Exception as error:
        raise ProjectError(
            f"{package} can not be imported: {type(error).__name__}: {error}; if the package itself is not found, install the "
            f"project, or put `pythonpath` into pytest's configuration (the project is {root})"
        ) from error
    register_steps(steps)
    return Compiled(written.PROJECT, steps)


def _forget(package: str) -> None:
    for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
        del sys.modules[name]
    parent, _, own = package.rpartition(".")
    if parent in sys.modules:
        vars(sys.modules[parent]).pop(own, None)


@dataclass(frozen=True, slots=True)
class _Finder:
    """Finds one package in a folder, whatever its parent's path says; its modules are found there by its own path."""

    package: str
    folder: Path

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != self.package:
            return None
        return spec_from_file_location(name, self.folder / "__init__.py", submodule_search_locations=[str(self.folder)])
