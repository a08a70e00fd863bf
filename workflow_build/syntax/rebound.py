"""Marked functions whose name means something else by the time that their module is loaded."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from workflow_build.model import Binding, Function
from workflow_build.syntax.bindings import bindings_of
from workflow_build.syntax.branches import never_runs


def rebound(tree: ast.Module, functions: Iterable[Function]) -> dict[str, ast.stmt]:
    """For the id of each such function the statement that binds its name again, or deletes it. Other marked functions do not count."""
    plain = [one for one in functions if one.binding is Binding.FUNCTION]
    wanted = {one.qualname: one for one in plain}
    marked = {line for one in plain for line in one.lines}
    found: dict[str, ast.stmt] = {}
    for node in tree.body if wanted else ():
        lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
        if never_runs(node) or any(line in lines for line in marked):
            continue
        for name in bindings_of([node], "", is_package=False).names & wanted.keys():
            if node.lineno > max(wanted[name].lines):
                found.setdefault(wanted[name].id, node)
    return found
