"""Where the name of a marker may do something that can not be followed, and where it does nothing."""

from __future__ import annotations

import ast

from workflow_build.syntax.bindings import arguments_of
from workflow_build.syntax.nodes import children, walk
from workflow_build.syntax.reads import chain_of

IDLE = (ast.Await, ast.BinOp, ast.Compare, ast.Expr, ast.UnaryOp)
"""What makes nothing of a function that is named in it."""


def parts_with_mentions(node: ast.AST, *, is_judged: bool) -> list[ast.AST]:
    """What is directly in ``node``, without names that nothing is made of, and without what is called if that ``is_judged`` already."""
    parts = children(node)
    if isinstance(node, IDLE):
        return [part for part in parts if not isinstance(part, ast.Name | ast.Attribute) or chain_of(part) is None]
    return [part for part in parts if not is_judged or part is not getattr(node, "func", None)]


def small_variables(tree: ast.Module) -> set[str]:
    """The variables of all lambdas and comprehensions of the module."""
    found: set[str] = set()
    for node in walk(tree):
        if isinstance(node, ast.comprehension):
            found |= {part.id for part in walk(node.target) if isinstance(part, ast.Name)}
        elif isinstance(node, ast.Lambda):
            found |= {argument.arg for argument in arguments_of(node.args)}
    return found
