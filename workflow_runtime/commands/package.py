"""The project that a command is to work with, by the name of its written package."""

from __future__ import annotations

import importlib
import os
from importlib.util import find_spec
from typing import TYPE_CHECKING

from workflow_runtime.errors import WorkflowError

if TYPE_CHECKING:
    from workflow_runtime.project import Project, Registrations


def load_package(package: str) -> tuple[Project, Registrations]:
    """The project and the steps of a written package, as ``shop._workflow``, which is imported with all that it imports.

    Where ``DJANGO_SETTINGS_MODULE`` is set, Django is set up first. Raises ``ImportError``, and ``WorkflowError`` for any other package and for
    one that is not there.
    """
    from workflow_runtime.project import registered_projects

    if os.environ.get("DJANGO_SETTINGS_MODULE") and find_spec("django"):
        importlib.import_module("django").setup()  # as for its own commands: modules with models need its apps
    _import(package)
    if not package.endswith("._workflow") and find_spec(f"{package}._workflow"):
        raise WorkflowError(f"{package} is not what workflow-build wrote; did you mean {package}._workflow?")
    registrations = importlib.import_module(f"{package}.step_registrations")
    steps: Registrations = registrations.STEPS
    project = next((project for project in registered_projects() if project.package == package), None)
    if project is None:
        raise WorkflowError(f"{package} is not a package that workflow-build wrote")
    return project, steps


def _import(package: str) -> None:
    try:
        importlib.import_module(package)
    except ModuleNotFoundError as error:
        if not f"{package}.".startswith(f"{error.name}."):
            raise  # something that the user's modules import is missing, and not the package
        raise WorkflowError(
            f"there is no package {package}: run this in the project's folder, after workflow-build"
        ) from None
