"""pytest's plugin. It is loaded wherever this distribution is installed: it imports nothing before a fixture of it is used."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workflow_build.testing.plain import Workflows
    from workflow_build.testing.project import Compiled
    from workflow_build.testing.workflows import AsyncWorkflows

PATIENCE = "30"
"""Real seconds that one wait of a test may take, unless configured otherwise."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The settings."""
    parser.addini("workflow_project", "The folder of the project with the workflows, from the root folder.", default="")
    parser.addini("workflow_timeout", "Real seconds that a wait for a workflow's run may take.", default=PATIENCE)


@pytest.fixture(scope="session")
def _workflow_project(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compiled]:
    """The project, compiled into a temporary folder, and imported from there."""
    from workflow_build.testing.errors import ProjectError
    from workflow_build.testing.project import compiled_folder, imported

    own = tmp_path_factory.getbasetemp()
    shared = own.parent if hasattr(pytestconfig, "workerinput") else own  # xdist's workers have a folder each, in one
    try:
        folder = compiled_folder(_project_folder(pytestconfig), shared)
        entered = imported(folder)
        compiled = entered.__enter__()
    except ProjectError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None  # or pytest says all of it twice
    yield compiled
    entered.__exit__(None, None, None)


@pytest.fixture
def async_workflows(_workflow_project: Compiled, pytestconfig: pytest.Config) -> Iterator[AsyncWorkflows]:
    """Runs of the project's workflows in this test: in memory, in time that is skipped. For async tests."""
    from workflow_build.testing.fakes import Fakes
    from workflow_build.testing.host import Host
    from workflow_build.testing.workflows import AsyncWorkflows
    from workflow_runtime.project import register_project

    register_project(_workflow_project.project)
    host, fakes = Host(seconds_of(str(pytestconfig.getini("workflow_timeout")))), Fakes(_workflow_project.steps)
    host.enter()
    try:
        yield AsyncWorkflows(host, fakes)
    finally:
        fakes.restore()
        host.close()


@pytest.fixture
def workflows(async_workflows: AsyncWorkflows) -> Workflows:
    """Runs of the project's workflows in this test: in memory, in time that is skipped. For tests that are plain functions."""
    from workflow_build.testing.plain import Workflows

    return Workflows(async_workflows)


def _project_folder(config: pytest.Config) -> Path:
    named = str(config.getini("workflow_project"))
    if named:
        return (config.rootpath / named).resolve()
    here = config.invocation_params.dir
    likely = [config.rootpath, here, *here.parents]
    return next((folder for folder in likely if (folder / "pyproject.toml").is_file()), config.rootpath)


def seconds_of(text: str) -> float:
    """The setting ``workflow_timeout``. Raises ``UsageError``."""
    try:
        limit = float(text)
    except ValueError:
        limit = 0.0
    if not 0 < limit < float("inf"):
        raise pytest.UsageError(f"workflow_timeout is {text!r}; it must be a number of seconds above 0")
    return limit
