"""Stand-ins that take exactly as many lines as what they stand for."""

from __future__ import annotations

from collections.abc import Sequence

import libcst as cst

_PLAIN = cst.Module([])


def lines_of(*nodes: cst.CSTNode) -> int:
    """How many newlines the code of ``nodes`` has."""
    return sum(_PLAIN.code_for_node(node).count("\n") for node in nodes)


def blank_lines(count: int) -> Sequence[cst.EmptyLine]:
    """Empty lines."""
    return [cst.EmptyLine(indent=False)] * count


def expression(text: str, lines: int) -> cst.BaseExpression:
    """The literal ``text`` as an expression that spans ``lines`` newlines."""
    return cst.parse_expression("(" + text + "\n" * lines + ")" if lines else text)
