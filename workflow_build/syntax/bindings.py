"""Which names a block of code binds in its own scope."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from workflow_build.syntax.imports import STAR, Import, imports_of

Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


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


def bindings_of(nodes: Iterable[ast.AST], module: str, *, is_package: bool) -> Bindings:
    """What ``nodes``, code of ``module``, bind."""
    found = Bindings()
    for node in _own(nodes):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                found.names.add(name)
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


def _own(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes and all below them that belong to the same scope."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, Scope):
            continue
        if isinstance(node, Comprehension):
            stack.extend(walrus.target for walrus in ast.walk(node) if isinstance(walrus, ast.NamedExpr))
        else:
            stack.extend(ast.iter_child_nodes(node))
