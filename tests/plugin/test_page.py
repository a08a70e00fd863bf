"""The page about testing, typed in as it stands: its tests pass, without anything built before."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plugin.conftest import Session, run_pytest
from workflow_build.testing import AsyncWorkflows, Workflows
from workflow_build.testing.plugin import PATIENCE
from workflow_runtime.client import Start

PAGE = (Path(__file__).parents[2] / "docs" / "testing.md").read_text("utf-8")
FILE = re.compile(r"(?ms)^```python\n# ([\w/]+\.py)\n(.*?)^```$")

PROJECT = """
[project]
name = "shop"
version = "1"
dependencies = ["fastapi"]

[tool.pytest.ini_options]
filterwarnings = ["error", "ignore:Using .httpx. with"]
"""


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """What pytest says of the page's files."""
    folder = tmp_path_factory.mktemp("page") / "project"
    for name in ("shop", "tests"):
        (folder / name).mkdir(parents=True)
    (folder / "shop" / "__init__.py").touch()
    (folder / "pyproject.toml").write_text(PROJECT, "utf-8")
    for name, text in FILE.findall(PAGE):
        (folder / name).write_text(text, "utf-8")
    return run_pytest(folder, "tests", "-p", "no:asyncio")


def test_all_tests_of_the_page_pass(typed: Session) -> None:
    written = re.findall(r"(?m)^(?:async )?def (test_\w+)", PAGE)

    assert not typed.failures, typed.text
    assert sorted(name.partition("::")[2].partition("[")[0] for name in typed.outcomes) == sorted(written)


def test_the_table_has_every_method() -> None:
    table = PAGE.partition("## What each does")[2].partition("\n## ")[0]
    told = set(re.findall(r"`(\w+)(?:\(|`)", table)) & {name for name in dir(Workflows) if name[0] != "_"} | {"fake"}
    names = {name for name in dir(AsyncWorkflows) if name[0] != "_"}

    assert told == names
    assert names - {"fake"} == {name for name in dir(Workflows) if name[0] != "_"}


def test_the_options_are_those_of_start_and_one_more() -> None:
    def options(function: Callable[..., object]) -> set[str]:
        return set(inspect.signature(function).parameters) - {"self"}

    assert options(AsyncWorkflows.options) == options(Workflows.options) == options(Start.options) | {"crash_at"}


def test_the_settings_are_those_that_there_are() -> None:
    plugin = (Path(__file__).parents[2] / "workflow_build" / "testing" / "plugin.py").read_text("utf-8")
    table = PAGE.partition("## Settings")[2].partition("\n## ")[0]

    assert set(re.findall(r"(?m)^\| `(\w+)` \|", table)) == set(re.findall(r'addini\("(\w+)"', plugin))
    assert f"default: {PATIENCE}" in table
