"""The kiosk, and real runs of pytest on copies of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

KIOSK = Path(__file__).parents[2] / "fixtures" / "kiosk"


@dataclass(frozen=True, slots=True)
class Session:
    """What one run of pytest said."""

    code: int
    text: str
    outcomes: Mapping[str, str]
    """By file and name: "passed", or what pytest tells of the failure."""

    @property
    def failures(self) -> dict[str, str]:
        """The tests that did not pass, and why."""
        return {name: said for name, said in self.outcomes.items() if said != "passed"}


def run_pytest(folder: Path, *arguments: str) -> Session:
    """Run pytest in a process of its own, with the folder as its root."""
    own = {n: v for n, v in os.environ.items() if not n.startswith(("WORKFLOW", "COV", "PYTEST", "PYTHON"))}
    report = folder.parent / f"{folder.name}.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", *arguments]
    done = subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, check=False, timeout=100)
    outcomes = {}
    for case in ElementTree.parse(report).iter("testcase") if report.exists() else ():
        file = f"{case.get('classname', '').rpartition('.')[2]}.py"
        wrong = [said for said in case if said.tag in ("failure", "error")]
        told = [f"{said.get('message')}\n{said.text}" for said in wrong]
        outcomes[f"{file}::{case.get('name')}"] = "\n".join(told) or "passed"
    return Session(done.returncode, done.stdout + done.stderr, outcomes)


def copy_kiosk(folder: Path) -> Path:
    """A copy that is not compiled."""
    shutil.copytree(KIOSK, folder, ignore=shutil.ignore_patterns("__pycache__", "_workflow", ".workflow"))
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, but what Python itself leaves."""
    found = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@pytest.fixture
def kiosk(tmp_path: Path) -> Path:
    """A kiosk that a test may change."""
    return copy_kiosk(tmp_path / "project")


@pytest.fixture
def tested() -> Callable[..., Session]:
    """``tested(folder, *arguments)``: what pytest says there."""
    return run_pytest


@pytest.fixture
def files_of() -> Callable[[Path], dict[str, bytes]]:
    """``files_of(folder)``: every file with its content."""
    return tree


@pytest.fixture(scope="module")
def passing(tmp_path_factory: pytest.TempPathFactory) -> tuple[Session, dict[str, bytes], dict[str, bytes]]:
    """A run of the kiosk's own tests, and the kiosk's files before and after it."""
    folder = copy_kiosk(tmp_path_factory.mktemp("passing") / "project")
    before = tree(folder)
    return run_pytest(folder), before, tree(folder)


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """A run of those of the kiosk's tests that fail."""
    return run_pytest(copy_kiosk(tmp_path_factory.mktemp("failing") / "project"), "failing", "-o", "workflow_timeout=2")
