"""Whole projects, built: the written tree is compared byte for byte, then held to what it promises.

A case is a folder under ``golden/`` with ``project/`` and ``expected/``, and no ``expected.json``: those are for test_features.py. After a change on purpose:
``pytest tests/build/test_golden.py --update-golden``, and review the diff like code.
"""

from __future__ import annotations

import difflib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from workflow_build.build import build
from workflow_build.config import Flags, load
from workflow_build.emit import emit
from workflow_build.model import Bundles, Functions

GOLDEN = Path(__file__).parent / "golden"
REPOSITORY = Path(__file__).parents[2]
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/project") if not (path.parent / "expected.json").is_file())


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest) -> Path:
    return GOLDEN / str(request.param)


@pytest.fixture(scope="module")
def built_once(case: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    project = tmp_path_factory.mktemp("built") / "project"
    shutil.copytree(case / "project", project, ignore=shutil.ignore_patterns("__pycache__"))
    result = build(load(project, Flags()))
    assert [found.message for found in result.diagnostics] == []
    return project


@pytest.fixture
def built(built_once: Path, tmp_path: Path) -> Path:
    """A copy of the case's project, built with its routes read. Gives the copy's root."""
    return shutil.copytree(built_once, tmp_path / "project")


def output(project: Path) -> Path:
    return load(project, Flags()).out


def tree(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes().decode() for path in files}


def run_tool(project: Path, *arguments: str) -> None:
    """Run a tool in the project as its user would, away from this repository's settings."""
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "MYPYPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=project, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(arguments)}\n{done.stdout}{done.stderr}"


def test_the_written_tree_is_the_expected_one(case: Path, built: Path, pytestconfig: pytest.Config) -> None:
    actual, expected = tree(output(built)), case / "expected"
    if pytestconfig.getoption("--update-golden"):
        shutil.rmtree(expected, ignore_errors=True)
        shutil.copytree(output(built), expected, ignore=shutil.ignore_patterns("__pycache__"))

    diff = [line for name, text in differing(tree(expected), actual) for line in unified(name, *text)]

    assert not diff, "".join([*diff, "\nrun with --update-golden and review the diff, if this is meant"])


def differing(expected: dict[str, str], actual: dict[str, str]) -> list[tuple[str, tuple[str, str]]]:
    names = sorted({*expected, *actual})
    return [
        (name, (expected.get(name, ""), actual.get(name, "")))
        for name in names
        if expected.get(name) != actual.get(name)
    ]


def unified(name: str, old: str, new: str) -> Sequence[str]:
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), f"expected/{name}", f"actual/{name}"
    )
    return list(lines) or [f"{name}: missing or extra\n"]


def test_a_second_build_changes_no_byte(built: Path) -> None:
    before = tree(output(built))

    result = build(load(built, Flags()))

    assert result.output.written == ()
    assert tree(output(built)) == before


def test_another_place_on_disk_and_another_order_give_the_same_bytes(built: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "deeper"
    for path in sorted(built.rglob("*.*"), reverse=True):
        if "_workflow" not in path.parts and path.is_file():
            target = other / path.relative_to(built)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)

    build(load(other, Flags()))

    assert tree(output(other)) == tree(output(built))
    assert not any(str(tmp_path) in text for text in tree(output(other)).values())


@pytest.mark.parametrize(
    "settings", [["--isolated"], ["--config", str(REPOSITORY / "pyproject.toml")]], ids=["defaults", "ours"]
)
def test_linters_find_nothing(built: Path, settings: list[str]) -> None:
    run_tool(built, "ruff", "check", *settings, "--no-cache", "shop/_workflow")


@pytest.mark.parametrize("width", ["79", "88", "120"])
def test_formatters_change_nothing(built: Path, width: str) -> None:
    run_tool(built, "ruff", "format", "--isolated", "--no-cache", "--line-length", width, "--check", "shop/_workflow")


def test_type_checkers_find_nothing(built: Path) -> None:
    run_tool(built, "mypy", "--strict", "--cache-dir", str(REPOSITORY / ".mypy_cache" / "golden"), "shop")


def test_a_linter_that_removes_what_it_can_drops_no_step(built: Path) -> None:
    fix_all = ["--fix", "--unsafe-fixes", "--select", "ALL", "--ignore-noqa", "--exit-zero"]
    run_tool(built, "ruff", "check", "--isolated", "--no-cache", "--quiet", *fix_all, "shop/_workflow")
    check = "from shop._workflow.fastapi import PROJECT, STEPS; assert set(PROJECT.steps) == set(STEPS) and STEPS"
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}

    done = subprocess.run(
        [sys.executable, "-c", check], cwd=built, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr


def test_a_handler_without_its_steps_refuses_to_start_and_names_them(built: Path) -> None:
    (output(built) / "step_registrations.py").write_text(
        "from workflow_runtime.project import Registrations\n\nSTEPS = Registrations()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}

    done = subprocess.run(
        [sys.executable, "-O", "-c", "import shop.main"],
        cwd=built,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "StepNotRegisteredError: step//shop.payments//cancel" in done.stderr
    assert "run workflow-build again" in done.stderr.lower()


def test_emitting_for_no_target_leaves_only_the_handler_out(tmp_path: Path) -> None:
    config = load(tmp_path, Flags(targets=("fastapi",)))
    everything = emit(config, Functions(()), Bundles(()))

    assert set(everything) - set(emit(replace(config, targets=()), Functions(()), Bundles(()))) == {"fastapi.py"}
