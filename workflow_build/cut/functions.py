"""Marked functions as a bundle has them: workflows without their marker, steps as stubs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst

from workflow_build.cut.blanks import blank_lines, expression, lines_of
from workflow_build.model import Function, FunctionKind

REGISTER = "__workflow_step__"
"""What the sandbox provides: ``__workflow_step__(step_id)(stub)`` gives what a workflow calls."""

Line = cst.SimpleStatementLine | cst.BaseCompoundStatement
"""A statement that stands on lines of its own."""

_ELLIPSIS = cst.SimpleStatementSuite([cst.Expr(cst.Ellipsis())])


class MarkedFunctions(cst.CSTTransformer):
    """Rewrites the functions in a compound statement; ``marks`` has one entry for each, in order."""

    def __init__(self, marks: Sequence[Function | None]) -> None:
        super().__init__()
        self._marks: Iterator[Function | None] = iter(marks)

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        """What stands in a function is none of the module's."""
        return False

    def visit_ClassDef(self, node: cst.ClassDef) -> bool:
        """Neither are methods."""
        return False

    def leave_FunctionDef(
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FlattenSentinel[cst.BaseStatement]:
        """Rewrite by the next mark."""
        return cst.FlattenSentinel(rewritten(updated_node, next(self._marks)))


def rewritten(node: cst.FunctionDef, mark: Function | None) -> Sequence[Line]:
    """The statements that replace the function, on as many lines."""
    if mark is None:
        return [node]
    if mark.kind is FunctionKind.WORKFLOW:
        return [_without_decorators(node)]
    if node.decorators:
        return [_decorated_stub(node, mark.id)]
    return _assigned_stub(node, mark.id)


def _without_decorators(node: cst.FunctionDef) -> cst.FunctionDef:
    lines = len(node.leading_lines) + lines_of(*node.decorators) + len(node.lines_after_decorators)
    return node.with_changes(decorators=[], lines_after_decorators=[], leading_lines=blank_lines(lines))


def _decorated_stub(node: cst.FunctionDef, step: str) -> cst.FunctionDef:
    """A stub with the registration in the place of the first decorator."""
    lines = lines_of(*node.decorators) + len(node.lines_after_decorators)
    body: cst.BaseSuite = _ELLIPSIS
    if isinstance(node.body, cst.IndentedBlock):
        line = cst.SimpleStatementLine([cst.Expr(cst.Ellipsis())])
        body = cst.IndentedBlock([line], footer=blank_lines(lines_of(node.body) - 2))
    return node.with_changes(
        decorators=[cst.Decorator(_registration(step))],
        lines_after_decorators=blank_lines(lines - 1),
        params=_without_defaults(node.params),
        body=body,
    )


def _assigned_stub(node: cst.FunctionDef, step: str) -> Sequence[Line]:
    """A stub on the lines of the header, and the registration on the last line of the body."""
    stub = node.with_changes(params=_without_defaults(node.params), body=_ELLIPSIS)
    value = cst.Call(_registration(step), [cst.Arg(node.name)])
    assignment = cst.Assign([cst.AssignTarget(node.name)], value)
    blank = blank_lines(lines_of(node) - lines_of(stub) - 1)
    return [stub, cst.SimpleStatementLine([assignment], leading_lines=blank)]


def _registration(step: str) -> cst.Call:
    return cst.Call(cst.Name(REGISTER), [cst.Arg(cst.SimpleString(f'"{step}"'))])


def _without_defaults(parameters: cst.Parameters) -> cst.Parameters:
    return parameters.with_changes(
        params=[_without_default(p) for p in parameters.params],
        kwonly_params=[_without_default(p) for p in parameters.kwonly_params],
        posonly_params=[_without_default(p) for p in parameters.posonly_params],
    )


def _without_default(parameter: cst.Param) -> cst.Param:
    if parameter.default is None:
        return parameter
    return parameter.with_changes(default=expression("...", lines_of(parameter.default)))
