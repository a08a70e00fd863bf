"""The project that a command works with: the package that is named, or the one that stands in the current folder."""

from __future__ import annotations

import sys
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workflow_runtime.errors import WorkflowError

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from workflow_runtime.project import Project


def add_package(parser: ArgumentParser) -> None:
    """Declare the option that names it."""
    parser.add_argument(
        "--package",
        metavar="PACKAGE",
        help="the written package, as in shop._workflow; else the only one in this folder",
    )


def find_package(name: str | None) -> Project | None:
    """The project of that written package, or of the only one below the current folder; None when there is not exactly one.

    Raises ``ImportError``, and ``WorkflowError`` for a package that is none of ours.
    """
    from workflow_runtime.commands.package import load_package

    if name is None:
        found = [path.parent for place in (".", "src") for path in Path(place).glob("*/_workflow/__init__.py")]
        if len(found) != 1:
            return None
        if found[0].parent.parent.name == "src":
            sys.path.insert(0, "src")
        name = f"{found[0].parent.name}._workflow"
    return load_package(name)[0]


def needed_package(name: str | None) -> Project:
    """The same. Raises ``WorkflowError`` when there is none."""
    project = find_package(name)
    if project is None:
        raise WorkflowError(
            "which project? Run this in its folder, or name what workflow-build wrote: --package shop._workflow"
        )
    return project


def find_workflow(project: Project, text: str) -> str:
    """The id of the workflow that is meant: an id, or the own name of one. Raises ``WorkflowError``."""
    from workflow_runtime.seeing.phrases import name_of

    if text in project.workflows:
        return text
    fits = [workflow for workflow in project.workflows if name_of(workflow) == text]
    if len(fits) == 1:
        return fits[0]
    known = ", ".join(fits or sorted(name_of(workflow) for workflow in project.workflows))
    if fits:
        raise WorkflowError(f"{project.package} has several workflows {text!r}; there is {known}")
    there = f"there is {known}" if known else "there is none"
    raise WorkflowError(f"{project.package} has no workflow {text!r}; {there}, or run workflow-build if it is new")


def load_workflow(workflow: str) -> Any:
    """The function of the workflow with that id, from the user's module. Raises ``WorkflowError``."""
    import importlib

    _, module, name = workflow.split("//")
    try:
        return reduce(getattr, name.split("."), importlib.import_module(module))
    except AttributeError as error:
        raise WorkflowError(f"{module} has no {name}: run workflow-build again ({error})") from None
