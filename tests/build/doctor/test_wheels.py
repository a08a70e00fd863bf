"""The doctor's verdict on wheels, held against the wheels that the backends really make."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from workflow_build.doctor.finding import Level

if TYPE_CHECKING:
    from tests.build.doctor.conftest import Clinic

HATCH = '[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n'
POETRY = '[build-system]\nrequires = ["poetry-core"]\nbuild-backend = "poetry.core.masonry.api"\n'
SETUPTOOLS = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
WRITTEN = {
    "shop/_workflow/__init__.py",
    "shop/_workflow/bundles/__init__.py",
    "shop/_workflow/fastapi.py",
    "shop/_workflow/step_registrations.py",
}


def in_wheel(project: Path) -> bool:
    """Whether a real wheel of the project has the output; a part of it would be a failure of the test."""
    command = [sys.executable, "-m", "build", "--no-isolation", "--skip-dependency-check", "--wheel"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = (project / "dist").glob("*.whl")
    names = {name for name in zipfile.ZipFile(made).namelist() if "_workflow/" in name and name.endswith(".py")}
    assert not names or names >= WRITTEN or names >= {name.removeprefix("shop/") for name in WRITTEN}
    return bool(names)


IGNORED = {".gitignore": "_workflow/\nbuild/\ndist/\n"}
FIND = "[tool.setuptools.packages.find]\n"
WHEELS = {
    "hatchling, ignored": (HATCH, IGNORED, False),
    "hatchling, not ignored": (HATCH, {}, True),
    "hatchling, ignored in a nested file that it does not read": (HATCH, {"shop/.gitignore": "_workflow/\n"}, True),
    "hatchling, ignored but an artifact": (
        HATCH + '[tool.hatch.build]\nartifacts = ["shop/_workflow/**"]\n',
        IGNORED,
        True,
    ),
    "hatchling, ignored but told to care nothing for git": (
        HATCH + "[tool.hatch.build]\nignore-vcs = true\n",
        IGNORED,
        True,
    ),
    "hatchling, excluded by its own setting": (
        HATCH + '[tool.hatch.build.targets.wheel]\nexclude = ["_workflow"]\n',
        {},
        False,
    ),
    "hatchling, ignored but forced in": (
        HATCH + '[tool.hatch.build.targets.wheel.force-include]\n"shop/_workflow" = "shop/_workflow"\n',
        IGNORED,
        True,
    ),
    "hatchling, ignored but with our hook": (HATCH + "[tool.hatch.build.hooks.workflow-build]\n", IGNORED, True),
    "poetry, ignored": (POETRY, IGNORED, False),
    "poetry, not ignored": (POETRY, {}, True),
    "poetry, ignored in a nested file": (POETRY, {"shop/.gitignore": "_workflow/\n"}, False),
    "poetry, ignored but included": (
        POETRY + '[tool.poetry]\ninclude = [{ path = "shop/_workflow/**/*", format = ["sdist", "wheel"] }]\n',
        IGNORED,
        True,
    ),
    "poetry, ignored and included in the sdist alone": (
        POETRY + '[tool.poetry]\ninclude = ["shop/_workflow/**/*"]\n',
        IGNORED,
        False,
    ),
    "setuptools, ignored": (SETUPTOOLS, IGNORED, True),
    "setuptools, listed without the output": (SETUPTOOLS + '[tool.setuptools]\npackages = ["shop"]\n', {}, False),
    "setuptools, listed": (
        SETUPTOOLS + '[tool.setuptools]\npackages = ["shop", "shop._workflow", "shop._workflow.bundles"]\n',
        {},
        True,
    ),
    "setuptools, looking for too little": (SETUPTOOLS + FIND + 'include = ["shop"]\n', {}, False),
    "setuptools, looking for enough": (SETUPTOOLS + FIND + 'include = ["shop*"]\n', {}, True),
    "setuptools, excluding private packages": (SETUPTOOLS + FIND + 'exclude = ["*._*"]\n', {}, False),
    "setuptools, listed without the output but with our hook": (
        SETUPTOOLS.replace('"setuptools"]', '"setuptools", "workflow-build"]')
        + '[tool.workflow-build]\n[tool.setuptools]\npackages = ["shop"]\n',
        IGNORED,
        True,
    ),
}


@pytest.mark.parametrize("case", WHEELS)
def test_the_verdict_on_the_wheel_is_what_a_real_wheel_shows(case: str, clinic: Clinic) -> None:
    settings, files, taken = WHEELS[case]
    project = clinic.write(files, settings=settings)

    found = clinic.look(project, "wheel")

    assert in_wheel(project) is taken
    assert found is not None
    assert found.level is (Level.OK if taken else Level.PROBLEM), found


ADVISED = (
    "hatchling, ignored",
    "hatchling, excluded by its own setting",
    "poetry, ignored",
    "setuptools, looking for too little",
    "setuptools, excluding private packages",
)


@pytest.mark.parametrize("case", ADVISED)
def test_the_setting_that_it_advises_puts_the_output_into_the_wheel(case: str, clinic: Clinic) -> None:
    settings, files, _ = WHEELS[case]
    project = clinic.write(files, settings=settings)
    found = clinic.look(project, "wheel")
    assert found is not None
    advised = "\n".join(found.advice.splitlines()[1:-1])
    kept = settings.partition(FIND)[0]  # what it shows takes the place of a table that is there

    (project / "pyproject.toml").write_text(f"{clinic.pyproject}{kept}\n{advised}\n")

    assert in_wheel(project)
    assert clinic.level(project, "wheel") == "ok"


def test_the_verdict_on_flat_modules_is_what_a_real_wheel_of_setuptools_shows(clinic: Clinic) -> None:
    project = clinic.write({}, SETUPTOOLS, built=False)
    (project / "shop" / "orders.py").rename(project / "orders.py")
    shutil.rmtree(project / "shop")
    clinic.build(project)

    assert clinic.level(project, "wheel") == "problem"
    assert not in_wheel(project)


def test_a_backend_that_nobody_knows_is_only_a_warning_and_only_when_git_ignores_the_output(clinic: Clinic) -> None:
    unknown = '[build-system]\nrequires = ["odd"]\nbuild-backend = "odd.api"\n'
    project = clinic.write({}, settings=unknown)
    before = clinic.level(project, "wheel")

    (project / ".gitignore").write_text("shop/_workflow/\n")

    assert (before, clinic.level(project, "wheel")) == ("ok", "warning")


def test_a_project_that_is_no_distribution_is_not_judged_by_wheels(clinic: Clinic) -> None:
    assert clinic.look(clinic.write({"pyproject.toml": ""}), "wheel") is None
