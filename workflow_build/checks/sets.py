"""Sets whose order workflow code depends on."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import replace

from workflow_build.checks.code import Code
from workflow_build.checks.variables import variable
from workflow_build.model import Diagnostic, Severity
from workflow_build.rules.replay import SET_ORDER
from workflow_build.syntax.nodes import walk

MAKING = frozenset({"builtins.set", "builtins.frozenset"})
GIVING_SETS = frozenset({"copy", "difference", "intersection", "symmetric_difference", "union"})
"""Methods of sets that give sets."""

TYPES = frozenset({"set", "frozenset", "Set", "FrozenSet", "AbstractSet", "MutableSet"})
INDIFFERENT = frozenset(
    f"builtins.{name}" for name in ("all", "any", "frozenset", "len", "max", "min", "set", "sorted", "sum")
)
"""Functions whose result does not depend on the order of what they are given."""

ORDERED = frozenset(
    f"builtins.{name}" for name in ("enumerate", "iter", "list", "map", "filter", "tuple", "zip", "reversed")
)
"""Functions whose result has the order of what they are given."""


def set_orders(code: Code) -> Iterator[Diagnostic]:
    """Places in functions where a set's elements are taken one after the other.

    Errors where that order decides the order of what is awaited, or goes into it; warnings elsewhere.
    """
    for node in code.each(ast.For, ast.ListComp, ast.GeneratorExp, ast.Starred, ast.Call):
        for taken, what in _taken(code, node):
            if code.around(taken) and _is_set(code, taken) and not _is_only_said(code, node):
                text = code.text(taken)
                advice = f"write `sorted({text})`, or keep a list"
                found = SET_ORDER.at(code.place(taken), what=what.format(text), advice=advice)
                yield found if _is_awaited(code, node) else replace(found, severity=Severity.WARNING)


def _is_awaited(code: Code, node: ast.AST) -> bool:
    """Whether something is awaited in ``node``, or ``node`` stands in what is awaited."""
    if any(isinstance(inner, ast.Await) for inner in walk(node)):
        return True
    return any(isinstance(outer, ast.Await) for outer in _around(code, node))


def _is_only_said(code: Code, node: ast.AST) -> bool:
    """Whether ``node`` stands in a text for people: in a formatted string, or in what is raised."""
    return any(isinstance(outer, ast.Raise | ast.FormattedValue) for outer in _around(code, node))


def _around(code: Code, node: ast.AST) -> Iterator[ast.AST]:
    """What ``node`` stands in, up to its statement."""
    outer = code.parents.get(node)
    while outer is not None and not isinstance(node, ast.stmt):
        yield outer
        node, outer = outer, code.parents.get(outer)


def _taken(code: Code, node: ast.AST) -> Iterator[tuple[ast.expr, str]]:
    """The expressions whose elements ``node`` takes in order, and how to say that."""
    match node:
        case ast.For(iter=iterated):
            yield iterated, "this loop goes over {}"
        case ast.ListComp(generators=generators):
            yield from ((generator.iter, "this list takes its order from {}") for generator in generators)
        case ast.GeneratorExp(generators=generators) if not _is_indifferent(code, node):
            yield from ((generator.iter, "this goes over {}") for generator in generators)
        case ast.Starred(value=value) if not isinstance(code.parents.get(node), ast.Set):
            yield value, "this takes the elements of {} in order"
        case ast.Call(func=function, args=args):
            if code.outside(function) in ORDERED and not _is_indifferent(code, node):
                yield from ((arg, "this takes its order from {}") for arg in args)
            elif (
                isinstance(function, ast.Attribute)
                and function.attr == "join"
                and isinstance(function.value, ast.Constant)
            ):
                yield from ((arg, "this text takes its order from {}") for arg in args)


def _is_indifferent(code: Code, node: ast.expr) -> bool:
    """Whether ``node`` is given at once to something that does not care for its order."""
    parent = code.parents.get(node)
    return isinstance(parent, ast.Call) and node in parent.args and code.outside(parent.func) in INDIFFERENT


def _is_set(code: Code, node: ast.expr, depth: int = 0) -> bool:
    """Whether ``node`` is a set whose order is not the same everywhere. Whole numbers have the same hash in each process."""
    match node:
        case ast.Set(elts=parts):
            return not all(isinstance(part, ast.Constant) and isinstance(part.value, int) for part in parts)
        case ast.SetComp():
            return True
        case ast.Call(func=function, args=args) if code.outside(function) in MAKING:
            return bool(args) and code.outside(getattr(args[0], "func", node)) != "builtins.range"
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in GIVING_SETS:
            return _is_set(code, value, depth)
        case ast.BinOp(left=left, op=ast.BitOr() | ast.BitAnd() | ast.Sub() | ast.BitXor(), right=right):
            return _is_set(code, left, depth) or _is_set(code, right, depth)
        case ast.Name(id=name) if depth < 5:
            return _variable_is_set(code, node, name, depth)
    return False


def _variable_is_set(code: Code, node: ast.Name, name: str, depth: int) -> bool:
    function = code.around(node)
    found = variable(function, name) if function else None
    if found is None:
        return False
    if found.value is not None:
        return _is_set(code, found.value, depth + 1)
    return found.annotation is not None and _names_a_set(found.annotation)


def _names_a_set(annotation: ast.expr) -> bool:
    """Whether the type is a set, of something else than whole numbers."""
    if isinstance(annotation, ast.Subscript):
        of_numbers = isinstance(annotation.slice, ast.Name) and annotation.slice.id in {"int", "bool"}
        return _names_a_set(annotation.value) and not of_numbers
    name = (
        annotation.id
        if isinstance(annotation, ast.Name)
        else annotation.attr
        if isinstance(annotation, ast.Attribute)
        else ""
    )
    return name in TYPES
