"""Which variables of the functions around it a nested function reads."""

from __future__ import annotations

import ast
import symtable
import warnings
from collections.abc import Iterator
from functools import lru_cache

from workflow_build.syntax.nodes import walk

Definition = ast.FunctionDef | ast.AsyncFunctionDef


def captured_by(node: Definition, text: str) -> tuple[str, ...]:
    """The free variables of ``node``, a function in the module with source ``text``, sorted.

    Raises ``SyntaxError`` when the module's scopes are not valid, as with a ``nonlocal`` that names nothing.
    """
    for table in _functions(_table(text)):
        if table.get_lineno() == node.lineno and table.get_name() == node.name:
            return tuple(sorted(table.get_frees()))
    return ()


def rebinds(node: Definition) -> Iterator[str]:
    """The variables of the functions around it that ``node`` itself assigns to."""
    for part in walk(node):
        if isinstance(part, ast.Nonlocal):
            yield from part.names


@lru_cache(maxsize=1)
def _table(text: str) -> symtable.SymbolTable:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return symtable.symtable(text, "module", "exec")


def _functions(table: symtable.SymbolTable) -> Iterator[symtable.Function]:
    for child in table.get_children():
        if isinstance(child, symtable.Function):
            yield child
        yield from _functions(child)
