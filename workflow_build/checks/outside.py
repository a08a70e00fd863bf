"""What code outside of workflows does with workflows: call them, or start what is none."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from workflow_build.checks.arguments import START
from workflow_build.checks.code import Code
from workflow_build.checks.trails import Definition
from workflow_build.model import Diagnostic, FunctionKind
from workflow_build.rules.calls import NOT_A_WORKFLOW, WORKFLOW_CALLED


def direct_calls(code: Code) -> Iterator[Diagnostic]:
    """Workflows that are called in place of being started. Not for code that a workflow runs."""
    for node in code.each(ast.Call):
        found = code.function(node.func)
        if found and found.kind is FunctionKind.WORKFLOW:
            arguments = ", …" if node.args or node.keywords else ""
            yield WORKFLOW_CALLED.at(code.place(node), name=found.qualname, arguments=arguments)


def wrong_starts(code: Code) -> Iterator[Diagnostic]:
    """``start`` with a step, or with a function that is not marked at all."""
    for node in code.each(ast.Call):
        if node.args and code.outside(node.func) == START:
            yield from _wrong_start(code, node.args[0])


def _wrong_start(code: Code, given: ast.expr) -> Iterator[Diagnostic]:
    found, name, defined = code.function(given), code.defined_name(given), code.definition(given)
    if found and found.kind is FunctionKind.STEP:
        advice = f"call it: `await {code.text(given)}(…)`; or start a workflow that calls it"
        yield NOT_A_WORKFLOW.at(code.place(given), name=found.qualname, what="a step", advice=advice)
    elif found is None and name and defined and isinstance(defined[0].parsed.tree.body[defined[1]], Definition):
        advice = f"mark {name[1]} with @workflow, or start a function that is"
        yield NOT_A_WORKFLOW.at(
            code.place(given), name=name[1], what="marked neither as a workflow nor as a step", advice=advice
        )
