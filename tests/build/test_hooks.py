"""The hooks: real build backends make real wheels, and the wheels have what the compiler writes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from textwrap import dedent

import pytest

ORDERS = """\
from workflow_runtime import step, workflow


@step
async def charge(cents: int) -> int:
    return cents


@workflow
async def checkout(cents: int) -> int:
    return await charge(cents)
"""
PROJECT = """\
[project]
name = "shop"
version = "1.0"
dependencies = ["fastapi"]

"""
TABLE = "[tool.workflow-build]\n"
HATCH = '[build-system]\nrequires = ["hatchling", "workflow-build"]\nbuild-backend = "hatchling.build"\n\n'
HATCH_HOOK = "[tool.hatch.build.hooks.workflow-build]\n"
SETUPTOOLS = '[build-system]\nrequires = ["setuptools", "workflow-build"]\nbuild-backend = "setuptools.build_meta"\n\n'
WRITTEN = {
    "shop/_workflow/__init__.py",
    "shop/_workflow/bundles/__init__.py",
    "shop/_workflow/fastapi.py",
    "shop/_workflow/manifest.json",
    "shop/_workflow/step_registrations.py",
}

pytestmark = pytest.mark.timeout(300)


def write(
    folder: Path, pyproject: str, *, source: str = ".", orders: str = ORDERS, ignored: str = "_workflow/\nbuild/\n"
) -> Path:
    """A project whose output git ignores, as a fresh clone has it: nothing is built."""
    package = folder / source / "shop"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "orders.py").write_text(orders)
    (folder / "pyproject.toml").write_text(pyproject)
    (folder / ".gitignore").write_text(ignored)
    return folder


def make(project: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE"))}
    command = [sys.executable, "-m", "build", "--no-isolation", "--skip-dependency-check", *flags]
    return subprocess.run(command, cwd=project, env=own, capture_output=True, text=True, check=False)


def wheel(project: Path, *flags: str) -> set[str]:
    """The names in the wheel that a build makes."""
    done = make(project, *flags)
    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = (project / "dist").glob("*.whl")
    with zipfile.ZipFile(found) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize("flags", [(), ("--wheel",)], ids=["by way of the sdist", "at once"])
@pytest.mark.parametrize("source", [".", "src"])
@pytest.mark.parametrize("backend", [HATCH + HATCH_HOOK, SETUPTOOLS], ids=["hatchling", "setuptools"])
def test_the_wheel_of_a_fresh_clone_has_the_output_that_git_ignores(
    backend: str, source: str, flags: tuple[str, ...], tmp_path: Path
) -> None:
    names = wheel(write(tmp_path, PROJECT + TABLE + backend, source=source), *flags)

    assert names >= WRITTEN
    assert len([name for name in names if name.startswith("shop/_workflow/bundles/b_")]) == 1
    assert not [name for name in names if "__pycache__" in name or name.startswith("src/")]


@pytest.mark.parametrize("backend", [HATCH + HATCH_HOOK, SETUPTOOLS], ids=["hatchling", "setuptools"])
def test_the_wheel_has_the_output_of_today_not_a_stale_one(backend: str, tmp_path: Path) -> None:
    project = write(tmp_path, PROJECT + TABLE + backend)
    wheel(project, "--wheel")
    shutil.rmtree(project / "dist")
    orders = project / "shop" / "orders.py"
    orders.write_text(orders.read_text().replace("charge", "bill"))

    wheel(project, "--wheel")

    (found,) = (project / "dist").glob("*.whl")
    registrations = zipfile.ZipFile(found).read("shop/_workflow/step_registrations.py").decode()
    assert "step//shop.orders//bill" in registrations
    assert "charge" not in registrations


def test_flat_modules_have_their_output_in_the_wheel_of_setuptools(tmp_path: Path) -> None:
    (tmp_path / "orders.py").write_text(ORDERS)
    (tmp_path / "pyproject.toml").write_text(
        PROJECT + TABLE + SETUPTOOLS + '[tool.setuptools]\npy-modules = ["orders"]\n'
    )

    assert wheel(tmp_path, "--wheel") >= {"orders.py", "_workflow/__init__.py", "_workflow/step_registrations.py"}


@pytest.mark.parametrize("backend", [HATCH + HATCH_HOOK, SETUPTOOLS], ids=["hatchling", "setuptools"])
def test_an_error_in_the_source_ends_the_build_and_says_where(backend: str, tmp_path: Path) -> None:
    wrong = ORDERS.replace("async def checkout", "def checkout").replace("return await", "return")

    done = make(write(tmp_path, PROJECT + TABLE + backend, orders=wrong), "--wheel")

    assert done.returncode != 0
    assert "shop/orders.py:10:" in done.stdout + done.stderr
    assert not list((tmp_path / "dist").glob("*.whl"))


def test_setuptools_projects_without_our_table_are_left_alone(tmp_path: Path) -> None:
    project = write(tmp_path, PROJECT + SETUPTOOLS)

    names = wheel(project, "--wheel")

    assert "shop/orders.py" in names
    assert not [name for name in names if "_workflow" in name]
    assert not (project / "shop" / "_workflow").exists()


def test_hatch_projects_without_the_hook_are_left_alone(tmp_path: Path) -> None:
    project = write(tmp_path, PROJECT + TABLE + HATCH)

    assert not [name for name in wheel(project, "--wheel") if "_workflow" in name]
    assert not (project / "shop" / "_workflow").exists()


@pytest.mark.parametrize("broken", ["", "[tool\n", "tool = 1\n"], ids=["missing", "unparsable", "odd"])
def test_the_setuptools_hook_does_no_harm_to_a_project_with_a_strange_pyproject(broken: str, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text("")
    (tmp_path / "setup.py").write_text("from setuptools import setup\nsetup(name='shop', packages=['shop'])\n")
    if broken:
        (tmp_path / "pyproject.toml").write_text(broken)
    script = "import os, sys; from setuptools import Distribution; Distribution(); print('fine')"

    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.stdout == "fine\n", done.stderr


def test_a_build_class_of_the_projects_own_still_runs(tmp_path: Path) -> None:
    project = write(tmp_path, PROJECT + TABLE + SETUPTOOLS)
    (project / "setup.py").write_text(
        dedent("""\
        from setuptools import setup
        from setuptools.command.build import build


        class Build(build):
            def run(self):
                super().run()
                print("the build of the project")


        setup(cmdclass={"build": Build})
        """)
    )

    done = make(project, "--wheel")

    assert "the build of the project" in done.stdout
    assert "1 workflow, 1 step" in done.stdout + done.stderr


@pytest.mark.parametrize("backend", [HATCH + HATCH_HOOK, SETUPTOOLS], ids=["hatchling", "setuptools"])
def test_an_editable_build_compiles_too(backend: str, tmp_path: Path) -> None:
    flat = '[tool.hatch.build.targets.wheel]\ndev-mode-dirs = ["."]\n' if "hatchling" in backend else ""
    project = write(tmp_path, PROJECT + TABLE + backend + flat)
    script = (
        f"import {'hatchling.build' if 'hatchling' in backend else 'setuptools.build_meta'} as b; b.build_editable('.')"
    )

    done = subprocess.run([sys.executable, "-c", script], cwd=project, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert (project / "shop" / "_workflow" / "manifest.json").is_file()


def test_the_sdist_of_hatchling_carries_the_output(tmp_path: Path) -> None:
    project = write(tmp_path, PROJECT + TABLE + HATCH + HATCH_HOOK)
    done = make(project, "--sdist")

    assert done.returncode == 0, done.stdout + done.stderr
    (found,) = (project / "dist").glob("*.tar.gz")
    with tarfile.open(found) as archive:
        assert {f"shop-1.0/{name}" for name in WRITTEN} <= set(archive.getnames())
