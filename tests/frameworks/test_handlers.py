"""The handler module of every target, written for one project and compared byte for byte, then held to what it promises.

After a change on purpose: ``pytest tests/frameworks/test_handlers.py --update-golden``, and review the diff like code.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workflow_build.adapters import adapter_names, handler_module
from workflow_build.config import Flags, load
from workflow_build.emit import emit
from workflow_build.model import Bundles, Functions
from workflow_build.write import write

GOLDEN = Path(__file__).parents[1] / "build" / "golden" / "handlers"
REPOSITORY = Path(__file__).parents[2]
OUR_TARGETS = [name for name in adapter_names() if (REPOSITORY / "adapters" / f"{name.replace('-', '_')}.py").is_file()]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose output has the handlers of all targets. Gives the output folder."""
    project = tmp_path_factory.mktemp("handlers")
    (project / "shop").mkdir()
    (project / "shop" / "__init__.py").touch()
    config = load(project, Flags(targets=tuple(OUR_TARGETS), out="shop/_workflow"))
    write(config.out, emit(config, Functions(()), Bundles(())))
    return config.out


def run_tool(package: Path, *arguments: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=package.parents[1],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("target", OUR_TARGETS)
def test_the_handler_is_the_expected_one(target: str, package: Path, pytestconfig: pytest.Config) -> None:
    name = f"{handler_module('', target)[1:]}.py"
    written, expected = (package / name).read_text("utf-8"), GOLDEN / name
    if pytestconfig.getoption("--update-golden"):
        expected.write_text(written, "utf-8")

    assert written == expected.read_text("utf-8")


@pytest.mark.parametrize(
    "settings", [["--isolated"], ["--config", str(REPOSITORY / "pyproject.toml")]], ids=["defaults", "ours"]
)
def test_linters_find_nothing(package: Path, settings: list[str]) -> None:
    run_tool(package, "ruff", "check", *settings, "--no-cache", "shop/_workflow")


@pytest.mark.parametrize("width", ["79", "88", "120"])
def test_formatters_change_nothing(package: Path, width: str) -> None:
    run_tool(package, "ruff", "format", "--isolated", "--no-cache", "--line-length", width, "--check", "shop/_workflow")


def test_type_checkers_find_nothing(package: Path) -> None:
    run_tool(package, "mypy", "--strict", "--cache-dir", str(REPOSITORY / ".mypy_cache" / "golden"), "shop")
