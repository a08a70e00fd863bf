"""What workflow code reads of a module while other code, which it does not run, changes it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from workflow_build.checks.code import Code
from workflow_build.checks.trails import Definition
from workflow_build.model import Diagnostic, FunctionKind, WorkflowClosure
from workflow_build.rules.replay import UNSEEN_CHANGE


def unseen_changes(code: Code, closure: WorkflowClosure) -> Iterator[Diagnostic]:
    """A finding at a name whose value a step changes, or a function that the bundle does not hold, in the module of the name."""
    node = code.node
    if not isinstance(node, ast.Assign | ast.AnnAssign) or code.workflow is None:
        return
    names = set(code.syntax.statements[code.index].binds)
    kept = {
        statement.index
        for module in closure.modules
        if module.name == code.module
        for statement in module.statements
        if not statement.is_stub
    }
    for index, altering in code.syntax.altering.items():
        other = code.syntax.parsed.tree.body[index]
        changed = names & altering
        if not changed or not isinstance(other, Definition):
            continue
        marked = code.marked(other)
        is_step = marked is not None and marked.kind is FunctionKind.STEP
        if is_step or index not in kept:
            who = f"{'step ' if is_step else ''}{other.name}"
            name = min(changed)
            yield UNSEEN_CHANGE.at(code.place(node), workflow=code.workflow.qualname, name=name, who=who)
            return
