"""Marked functions as a bundle has them: workflows without their marker, steps as stubs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst

from workflow_build.cut.blanks import blank_lines, expression, lines_of
from workflow_build.cut.registration import registration
from workflow_build.model import Binding, Function, FunctionKind

Line = cst.SimpleStatementLine | cst.BaseCompoundStatement
"""A statement that stands on lines of its own."""

_ELLIPSIS = cst.SimpleStatementSuite([cst.Expr(cst.Ellipsis())])


class MarkedFunctions(cst.CSTTransformer):
    """Rewrites the functions in a statement; ``marks`` has one entry for each, in the order of the source.

    With ``is_stub`` the statement is a workflow of which only the signature stays.
    """

    def __init__(self, marks: Sequence[Function | None], *, is_stub: bool = False) -> None:
        super().__init__()
        self._is_stub = is_stub
        self._marks: Iterator[Function | None] = iter(marks)
        self._open: list[Function | None] = []

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        """A function begins, before those that are nested in it."""
        self._open.append(next(self._marks))

    def visit_SimpleStatementLine(self, node: cst.SimpleStatementLine) -> bool:
        """No function stands in one, and most of the time would go into looking."""
        del node
        return False

    def visit_SimpleStatementSuite(self, node: cst.SimpleStatementSuite) -> bool:
        """Nor in one of these."""
        del node
        return False

    def visit_Parameters(self, node: cst.Parameters) -> bool:
        """Nor in one of these."""
        del node
        return False

    def visit_Decorator(self, node: cst.Decorator) -> bool:
        """Nor in one of these."""
        del node
        return False

    def leave_FunctionDef(
        self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef
    ) -> cst.FlattenSentinel[cst.BaseStatement]:
        """Rewrite by its mark."""
        mark = self._open.pop()
        if self._is_stub and not self._open and mark is not None:
            return cst.FlattenSentinel([_signature(updated_node, mark)])
        return cst.FlattenSentinel(rewritten(updated_node, mark))


def rewritten(node: cst.FunctionDef, mark: Function | None) -> Sequence[Line]:
    """The statements that replace the function, on as many lines."""
    if mark is None:
        return [node]
    if mark.kind is FunctionKind.WORKFLOW:
        return [_unmarked(node, mark)]
    if mark.binding is not Binding.NESTED:  # a nested step's defaults are the workflow's business: see the stub
        node = node.with_changes(params=_without_defaults(node.params))
    if node.decorators:
        return [_decorated_stub(node, mark)]
    return _assigned_stub(node, mark)


def _unmarked(node: cst.FunctionDef, mark: Function) -> cst.FunctionDef:
    """A workflow without its decorators, unless it is a static method."""
    lines = lines_of(*node.decorators) + len(node.lines_after_decorators)
    if mark.binding is Binding.STATIC:
        decorator = cst.Decorator(cst.Name("staticmethod"))
        return node.with_changes(decorators=[decorator], lines_after_decorators=blank_lines(lines - 1))
    blank = blank_lines(len(node.leading_lines) + lines)
    return node.with_changes(decorators=[], lines_after_decorators=[], leading_lines=blank)


def _signature(node: cst.FunctionDef, mark: Function) -> cst.FunctionDef:
    """A workflow that is only started."""
    params = _without_defaults(node.params)
    return _unmarked(node.with_changes(params=params, body=_bodiless(node.body)), mark)


def _bodiless(body: cst.BaseSuite) -> cst.BaseSuite:
    """``...`` on as many lines."""
    if not isinstance(body, cst.IndentedBlock):
        return _ELLIPSIS
    line = cst.SimpleStatementLine([cst.Expr(cst.Ellipsis())])
    return cst.IndentedBlock([line], footer=blank_lines(lines_of(body) - 2))


def _decorated_stub(node: cst.FunctionDef, step: Function) -> cst.FunctionDef:
    """A stub with the registration in the place of the first decorator."""
    lines = lines_of(*node.decorators) + len(node.lines_after_decorators)
    return node.with_changes(
        decorators=[cst.Decorator(_registration(step))],
        lines_after_decorators=blank_lines(lines - 1),
        body=_bodiless(node.body),
    )


def _assigned_stub(node: cst.FunctionDef, step: Function) -> Sequence[Line]:
    """A stub on the lines of the header, and the registration on the last line of the body."""
    stub = node.with_changes(body=_ELLIPSIS)
    value = cst.Call(_registration(step), [cst.Arg(node.name)])
    assignment = cst.Assign([cst.AssignTarget(node.name)], value)
    blank = blank_lines(lines_of(node) - lines_of(stub) - 1)
    return [stub, cst.SimpleStatementLine([assignment], leading_lines=blank)]


def _registration(step: Function) -> cst.BaseExpression:
    return cst.parse_expression(registration(step))


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
