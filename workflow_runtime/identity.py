"""Which workflow a function is, wherever it is asked: in the app, in the script that defines it, in workflow code."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workflow_runtime.errors import WorkflowError
from workflow_runtime.machine.current import running_machine
from workflow_runtime.marking import is_step
from workflow_runtime.project import workflow_of_script
from workflow_runtime.sandbox.naming import users_name
from workflow_runtime.values import PROCESS_CLASSES, Classes
from workflow_runtime.values.classes import ScriptClasses


@dataclass(frozen=True, slots=True)
class Callee:
    """A workflow's function: its own body, its id, and the classes that its arguments may have."""

    body: Callable[..., Any]
    workflow: str
    classes: Classes


def workflow_of(function: Callable[..., Any]) -> Callee:
    """The workflow that ``function`` is. Raises ``WorkflowError`` for a step, ``TypeError`` for what is no function."""
    body = inspect.unwrap(function)
    if not inspect.isroutine(body):
        raise TypeError(f"a workflow is a function; {function!r} is not one")
    if is_step(body) or getattr(function, "__workflow_stub__", False):
        raise WorkflowError(f"{body.__qualname__} is a step; start() takes a workflow, which calls the step")
    name = body.__qualname__
    machine = running_machine()
    if machine is not None:
        return Callee(body, f"workflow//{users_name(body.__module__)}//{name}", machine.program.classes)
    workflow = f"workflow//{body.__module__}//{name}"
    if body.__module__ != "__main__":
        return Callee(body, workflow, PROCESS_CLASSES)
    workflow = workflow_of_script(name, getattr(sys.modules["__main__"], "__file__", None)) or workflow
    return Callee(body, workflow, ScriptClasses(workflow.split("//")[1]))
