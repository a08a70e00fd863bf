"""Source text as labels show it: on one line, without comments, not too long."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Sequence

WIDTH = 60
"""Characters that a label has at most."""


def source_text(lines: Sequence[str], node: ast.expr | ast.stmt | ast.pattern) -> str:
    """The user's own text of ``node``, in one line. Not unparsed: that differs between versions of Python."""
    return one_line(_segment(lines, node))


def shortened(text: str, width: int = WIDTH) -> str:
    """The text, cut at ``width`` characters with an ellipsis."""
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def function_text(lines: Sequence[str], node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """The whole function, decorators included, as it stands in the file."""
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return "\n".join(lines[first - 1 : node.end_lineno])


def one_line(text: str) -> str:
    """The text without comments and with every run of white space as one space."""
    flat = " ".join(_without_comments(text).split())
    for loose, tight in (("( ", "("), (" )", ")"), (",)", ")"), ("[ ", "["), (" ]", "]"), (",]", "]")):
        flat = flat.replace(loose, tight)
    return flat


def _segment(lines: Sequence[str], node: ast.expr | ast.stmt | ast.pattern) -> str:
    end_line, end = node.end_lineno or node.lineno, node.end_col_offset or 0
    rows = [line.encode() for line in lines[node.lineno - 1 : end_line]]
    rows[-1] = rows[-1][:end]
    rows[0] = rows[0][node.col_offset :]
    return b"\n".join(rows).decode(errors="replace")


def _without_comments(text: str) -> str:
    if "#" not in text:
        return text
    lines = text.split("\n")
    try:
        for token in tokenize.generate_tokens(io.StringIO(f"({text}\n)").readline):
            if token.type == tokenize.COMMENT:
                row, column = token.start[0] - 1, token.start[1] - (token.start[0] == 1)
                lines[row] = lines[row][:column]
    except (tokenize.TokenError, SyntaxError):
        return text
    return "\n".join(lines)
