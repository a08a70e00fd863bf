"""Definitions of which only one comes to be, since they stand in different branches."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

from workflow_build.syntax.nodes import children


def never_runs(node: ast.stmt) -> bool:
    """Whether ``node`` is for scripts (``if __name__ == "__main__"``) or for type checkers (``if TYPE_CHECKING``) only."""
    match node:
        case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"), orelse=[]):
            return True
    return is_for_scripts(node)


def is_for_scripts(node: ast.stmt) -> bool:
    """Whether ``node`` is ``if __name__ == "__main__"``."""
    match node:
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()])):
            return True
    return False


def functions_in(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions that ``node`` defines in the scope it stands in: itself, or those in its blocks."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield node
    elif not isinstance(node, ast.ClassDef | ast.expr):
        for child in children(node):
            yield from functions_in(child)


def all_functions_in(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """All functions in ``node``, methods and nested ones included, in the order of the source."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield node
    if not isinstance(node, ast.expr):
        for child in children(node):
            yield from all_functions_in(child)


def are_exclusive(body: Sequence[ast.stmt], first: int, second: int) -> bool:
    """Whether the statements on those two lines are in branches of which only one runs, or in a ``try`` and its handler."""
    for node in body:
        for branches in _alternatives(node):
            homes = [
                next((number for number, branch in enumerate(branches) if _holds(branch, line)), None)
                for line in (first, second)
            ]
            if None in homes:
                continue
            if homes[0] != homes[1]:
                return len(branches) > 1 and not isinstance(node, ast.ClassDef)
            return are_exclusive(branches[homes[0] or 0], first, second)
    return False


def _alternatives(node: ast.stmt) -> Iterator[Sequence[Sequence[ast.stmt]]]:
    """Groups of blocks: those of one group are alternatives to each other."""
    match node:
        case ast.If(body=body, orelse=orelse):
            yield [body, orelse]
        case ast.Match(cases=cases):
            yield [case.body for case in cases]
        case ast.Try(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody):
            yield [[*body, *orelse], *(handler.body for handler in handlers)]
            yield [finalbody]
        case ast.With(body=body) | ast.ClassDef(body=body):
            yield [body]


def _holds(block: Sequence[ast.stmt], line: int) -> bool:
    return any(node.lineno <= line <= (node.end_lineno or node.lineno) for node in block)
