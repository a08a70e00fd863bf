"""Where a workflow is named only to be started or found: of such a workflow a bundle needs the signature and no more."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

from workflow_build.model import FunctionKind, Location
from workflow_build.reach.lookup import External, Lookup, Node
from workflow_build.reach.territory import Territory
from workflow_build.syntax.nodes import walk
from workflow_build.syntax.source import span

TAKING_FIRST = frozenset({"workflow_runtime.start", "workflow_runtime.start.options"})
"""Functions, or what makes them, whose first argument is a workflow."""
TAKING_NAMED = frozenset({"workflow_runtime.list_runs", "workflow_runtime.cancel_runs"})
"""Functions whose argument ``workflow`` is one."""


def started_in(node: Node, territory: Territory) -> frozenset[Location]:
    """Where the statement names something only to hand it to the runtime as a workflow."""
    known: dict[Location, set[str]] = {}
    for read, steps in territory.reads(node):
        found = {step.name for step in steps if isinstance(step, External)} & (TAKING_FIRST | TAKING_NAMED)
        if found:
            known.setdefault(read.location, set()).update(found)
    syntax = territory.lookup.modules.syntax(node.module)
    if not known or syntax is None:
        return frozenset()
    parsed = syntax.parsed

    def names(function: ast.expr) -> set[str]:
        return known.get(span(parsed.file.path, parsed.lines, function), set())

    calls = (part for part in walk(parsed.tree.body[node.index]) if isinstance(part, ast.Call))
    return frozenset(span(parsed.file.path, parsed.lines, part) for call in calls for part in _workflows(call, names))


def _workflows(call: ast.Call, names: Callable[[ast.expr], set[str]]) -> Iterator[ast.expr]:
    """The argument of the call that is a workflow."""
    made = call.func.func if isinstance(call.func, ast.Call) else None
    starts = "workflow_runtime.start" in names(call.func) or (
        made is not None and "workflow_runtime.start.options" in names(made)
    )
    if starts:
        yield from call.args[:1]
    elif names(call.func) & TAKING_NAMED:
        yield from (keyword.value for keyword in call.keywords if keyword.arg == "workflow")


def is_workflow(node: Node, lookup: Lookup) -> bool:
    """Whether the statement is a workflow's definition and nothing else."""
    syntax = lookup.modules.syntax(node.module)
    statement = syntax.parsed.tree.body[node.index] if syntax and node.name is None else None
    if not isinstance(statement, ast.AsyncFunctionDef):
        return False
    marked = lookup.modules.function(node.module, statement.lineno)
    return marked is not None and marked.kind is FunctionKind.WORKFLOW
