"""Which names a block of code binds in its own scope."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from workflow_build.syntax.imports import STAR, Import, imports_of
from workflow_build.syntax.nodes import children, walk

Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
BINDING = frozenset(
    {
        ast.FunctionDef,
        ast.AsyncFunctionDef,
        ast.ClassDef,
        ast.ExceptHandler,
        ast.MatchAs,
        ast.MatchStar,
        ast.MatchMapping,
    }
    | {ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal}
)
"""The nodes besides names that bind something."""
HOLDING = frozenset({ast.Tuple, ast.List, ast.Starred})
"""The expressions that may stand around a name that is assigned to."""
WITHOUT = frozenset({ast.Name, ast.Constant})
"""Nodes with nothing in them."""


@dataclass(slots=True)
class Bindings:
    """Names bound by a block, apart from nested scopes."""

    names: set[str] = field(default_factory=set)
    imports: dict[str, list[Import]] = field(default_factory=dict)
    """Those bound by imports, which are in ``names`` too."""
    elsewhere: set[str] = field(default_factory=set)
    """Those declared ``global``: they are the module's."""
    outer: set[str] = field(default_factory=set)
    """Those declared ``nonlocal``."""


def bindings_of(nodes: Iterable[ast.AST], module: str, *, is_package: bool, has_walrus: bool = True) -> Bindings:
    """What ``nodes``, code of ``module``, bind. Without ``has_walrus`` there is no ``:=`` in them, and most of them need no look."""
    found = Bindings()
    for node in _own(nodes, has_walrus):
        if type(node) is ast.Name:  # by far the most
            if type(node.ctx) is not ast.Load:
                found.names.add(node.id)
            continue
        if type(node) not in BINDING:
            continue
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.names.add(name)
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                found.names.add(name)
            case ast.MatchMapping(rest=str(name)):
                found.names.add(name)
            case ast.Import() | ast.ImportFrom():
                for imported in imports_of(node, module, is_package=is_package):
                    found.imports.setdefault(imported.bound, []).append(imported)
                    if imported.bound != STAR:
                        found.names.add(imported.bound)
            case ast.Global(names=names):
                found.elsewhere.update(names)
            case ast.Nonlocal(names=names):
                found.outer.update(names)
    found.names -= found.elsewhere | found.outer
    return found


def arguments_of(arguments: ast.arguments) -> list[ast.arg]:
    """All parameters, in order."""
    extra = [arg for arg in (arguments.vararg, arguments.kwarg) if arg]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *extra]


def _own(nodes: Iterable[ast.AST], has_walrus: bool) -> Iterator[ast.AST]:
    """The nodes and all below them that belong to the same scope."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        yield node
        if type(node) in WITHOUT or isinstance(node, Scope):
            continue
        if not has_walrus and isinstance(node, ast.expr) and type(node) not in HOLDING:
            continue
        if isinstance(node, Comprehension):
            stack.extend(walrus.target for walrus in walk(node) if isinstance(walrus, ast.NamedExpr))
        else:
            stack.extend(children(node))
