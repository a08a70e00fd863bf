"""What is known of a function's own variables: the expression that one was given, when it is given only one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from workflow_build.syntax.bindings import arguments_of, bindings_of
from workflow_build.syntax.nodes import children, walk

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Scoped = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable that is bound in one place."""

    value: ast.expr | None
    """What it is given; None for a parameter, and for what a ``def`` binds."""
    annotation: ast.expr | None = None
    definition: ast.stmt | None = None
    """The ``def`` or ``class`` that binds it."""


def own_nodes(function: Function) -> Iterator[ast.AST]:
    """The nodes in the body of ``function`` that belong to it and to no function in it."""
    stack: list[ast.AST] = list(function.body) if isinstance(function.body, list) else [function.body]
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, Scoped):
            stack.extend(children(node))


def variable(function: Function, name: str) -> Variable | None:
    """The variable ``name`` of ``function``; None when it has none, or binds it in several places or in ways that hide the value."""
    bindings = list(_bindings(function, name))
    return bindings[0] if len(bindings) == 1 else None


def uses(function: Function, name: str) -> Iterator[ast.Name]:
    """Where the variable is read, inner functions included."""
    for node in walk(function):
        if isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load):
            yield node


def is_shared(function: Function, name: str) -> bool:
    """Whether the name belongs to another scope, or an inner function may bind it too."""
    declared = (node for node in walk(function) if isinstance(node, ast.Global | ast.Nonlocal))
    return any(name in node.names for node in declared)


def _bindings(function: Function, name: str) -> Iterator[Variable | None]:
    if is_shared(function, name):
        yield from (None, None)
    for argument in arguments_of(function.args):
        if argument.arg == name:
            plain = argument not in (function.args.vararg, function.args.kwarg)
            yield Variable(None, argument.annotation if plain else None)
    seen: set[int] = set()
    own = list(own_nodes(function))
    for node in own:
        if found := _bound_by(node, name):
            seen.add(id(found[1]))
            yield found[0]
    hidden = (node for node in own if _binds(node, name) and id(node) not in seen)
    yield from (None for _ in hidden)


def _bound_by(node: ast.AST, name: str) -> tuple[Variable, ast.AST] | None:
    match node:
        case ast.Assign(targets=[ast.Name(id=found) as target], value=value) if found == name:
            return Variable(value), target
        case ast.AnnAssign(target=ast.Name(id=found) as target, value=value, annotation=hint) if found == name:
            return Variable(value, hint), target
        case ast.NamedExpr(target=ast.Name(id=found) as target, value=value) if found == name:
            return Variable(value), target
        case ast.withitem(context_expr=value, optional_vars=ast.Name(id=found) as target) if found == name:
            return Variable(value), target
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() if node.name == name:
            return Variable(None, definition=node), node
    return None


def _binds(node: ast.AST, name: str) -> bool:
    """Whether this very node binds the name."""
    if isinstance(node, ast.Name):
        return node.id == name and not isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name == name
    simple = ast.ExceptHandler | ast.MatchAs | ast.MatchStar | ast.MatchMapping | ast.Import | ast.ImportFrom
    return isinstance(node, simple) and name in bindings_of([_alone(node)], "", is_package=False).names


def _alone(node: ast.AST) -> ast.AST:
    """An ``except`` without its body, whose bindings are met by themselves."""
    return ast.ExceptHandler(type=None, name=node.name, body=[]) if isinstance(node, ast.ExceptHandler) else node
