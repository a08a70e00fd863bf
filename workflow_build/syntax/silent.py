"""Which statements of a module can not have a mark in them, told from their text: walking over the others takes long."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection

from workflow_build.syntax.source import Parsed

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
TELLING = r"""["']\s*use|import|\\|["']\s+["']|(?<!["'])(?:""|''|"'|'")(?!["'])"""
"""What begins like a directive, and an import of its own. Escapes and strings in parts may be either."""


def worth_a_look(parsed: Parsed, names: Collection[str] | None) -> list[ast.stmt]:
    """The top-level statements of the module without functions and classes that neither name a marker nor have a directive.

    ``names`` are all names that lead to a marker at the top level of the module; None when nobody knows them.
    """
    if names is None:
        return parsed.tree.body
    telling = re.compile("|".join([*(re.escape(name.lower()) for name in sorted(names)), TELLING]))
    return [
        node
        for node in parsed.tree.body
        if not isinstance(node, Definition) or _is_telling(_text(parsed, node), telling)
    ]


def _is_telling(text: str, telling: re.Pattern[str]) -> bool:
    """Python takes some letters beyond ASCII for others: a name with a full-width ``s`` is the name with a plain one."""
    return not text.isascii() or telling.search(text.lower()) is not None  # far faster than to search for both cases


def _text(parsed: Parsed, node: Definition) -> str:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return "\n".join(parsed.lines[first - 1 : node.end_lineno])
