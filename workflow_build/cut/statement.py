"""One statement, rewritten with libcst, which keeps comments, quotes and layout of all that is not touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import libcst as cst

from workflow_build.cut.blanks import expression, lines_of
from workflow_build.cut.functions import Line, MarkedFunctions
from workflow_build.cut.imports import pruned
from workflow_build.model import Function, KeptStatement


def rewritten_statement(
    lines: Sequence[str], first: int, kept: Mapping[int, KeptStatement], marks: Sequence[Function | None]
) -> Sequence[str]:
    """The statement on these lines, or several joined by ``;``, with what is ``kept`` of it by position; ``marks`` are those of its functions.

    ``first`` is the number of the first line, for errors: a ``ValueError`` for what libcst can not read, or would not give back as it was.
    """
    module = _parsed(lines, first)
    node = module.body[0].with_changes(leading_lines=[])
    return _code(module, _changed(node, kept, marks))


def _parsed(lines: Sequence[str], first: int) -> cst.Module:
    """The statement as a module of its own. What is rewritten must come out on the lines that it stands on."""
    plain = [line.lstrip("\f") for line in lines]
    try:
        module = cst.parse_module("\n".join(plain) + "\n")
    except cst.ParserSyntaxError as error:
        raise ValueError(f"{error.message} in line {error.raw_line}") from error
    if len(module.body) != 1 or _code(module, module.body) != plain:
        raise ValueError(f"line {first} and those after it are joined or indented in an unusual way")
    return module


def _changed(node: Line, kept: Mapping[int, KeptStatement], marks: Sequence[Function | None]) -> Sequence[Line]:
    if isinstance(node, cst.SimpleStatementLine):
        body = [_small(small, kept.get(position)) for position, small in enumerate(node.body)]
        return [node.with_changes(body=body)]
    changed = node.visit(MarkedFunctions(marks, is_stub=kept[0].is_stub))
    assert not isinstance(changed, cst.RemovalSentinel)
    return [*changed] if isinstance(changed, cst.FlattenSentinel) else [changed]


def _small(node: cst.BaseSmallStatement, kept: KeptStatement | None) -> cst.BaseSmallStatement:
    """One of the statements on a line; those that go leave an empty string, since the line must stay valid."""
    if kept is None:
        alone = node.with_changes(semicolon=cst.MaybeSentinel.DEFAULT)
        return cst.Expr(expression('""', lines_of(alone)), semicolon=node.semicolon)
    if kept.names is not None and isinstance(node, cst.Import | cst.ImportFrom):
        return pruned(node, kept.names)
    return node


def _code(module: cst.Module, nodes: Sequence[cst.BaseStatement]) -> Sequence[str]:
    """The lines of ``nodes``, indented as ``module`` is."""
    return "".join(module.code_for_node(node) for node in nodes).rstrip("\n").split("\n")
