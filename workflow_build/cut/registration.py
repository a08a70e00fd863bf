"""How a bundle makes the stub of a step what a workflow calls."""

from __future__ import annotations

from workflow_build.model import Binding, Function

REGISTER = "__workflow_step__"
"""What the sandbox provides: ``__workflow_step__(step_id)(stub)`` gives what a workflow calls.

``__workflow_step__(step_id, staticmethod)`` binds it so, and ``captured=lambda: {"name": name}`` gives what a nested step reads of the
functions around it.
"""

_BINDERS = {Binding.STATIC: "staticmethod", Binding.CLASS: "classmethod"}


def registration(step: Function) -> str:
    """The expression that takes the stub."""
    arguments = [f'"{step.id}"']
    if step.binding in _BINDERS:
        arguments.append(_BINDERS[step.binding])
    if step.binding is Binding.NESTED:
        values = ", ".join(f'"{name}": {name}' for name in step.captured)
        arguments.append(f"captured=lambda: {{{values}}}")
    return f"{REGISTER}({', '.join(arguments)})"
