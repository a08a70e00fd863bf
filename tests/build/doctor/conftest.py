"""Small real projects for the doctor to look at."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from workflow_build.build import build
from workflow_build.config import Flags, load
from workflow_build.doctor import examine
from workflow_build.doctor.finding import Finding

ORDERS = """\
from workflow_runtime import step, workflow


@step
async def charge(cents: int) -> int:
    return cents


@workflow
async def checkout(cents: int) -> int:
    return await charge(cents)
"""
MAIN = """\
from fastapi import FastAPI

from shop._workflow.fastapi import mount

app = FastAPI()
mount(app)
"""
PROJECT = '[project]\nname = "shop"\nversion = "1.0"\ndependencies = ["fastapi", "workflow-build"]\n'


@dataclass(frozen=True, slots=True)
class Clinic:
    """Writes projects and has the doctor look at them."""

    folder: Path
    pyproject: str = PROJECT

    def write(
        self, files: Mapping[str, str], settings: str = "", *, place: str = ".", git: bool = True, built: bool = True
    ) -> Path:
        """A shop, built unless told otherwise, in a git repository; ``settings`` end its pyproject.toml."""
        shop = {"shop/__init__.py": "", "shop/orders.py": ORDERS, "shop/main.py": MAIN}
        project = self.folder / place
        for name, text in {**shop, "pyproject.toml": self.pyproject + settings, **files}.items():
            path = project / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        if git:
            subprocess.run(["git", "init", "-q"], cwd=project, check=True)
        if built:
            self.build(project)
        return project

    def build(self, project: Path, *, with_routes: bool = False) -> None:
        """Compile a project."""
        assert not build(load(project, Flags()), with_routes=with_routes).failed

    def look(self, project: Path, check: str, **environ: str) -> Finding | None:
        """What one check finds."""
        found = [finding for finding in examine(load(project, Flags()), environ).findings if finding.check == check]
        assert len(found) < 2
        return found[0] if found else None

    def level(self, project: Path, check: str, **environ: str) -> str:
        """The level of a check that must have something to say."""
        found = self.look(project, check, **environ)
        assert found is not None
        return found.level


@pytest.fixture
def clinic(tmp_path: Path) -> Clinic:
    """A clinic in a folder of this test's own."""
    return Clinic(tmp_path)
