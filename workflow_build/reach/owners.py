"""Whether the instances of a class are data, so that a method which is a step can be called with one in another process."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from workflow_build import rules
from workflow_build.model import Binding, Diagnostic, Function
from workflow_build.reach.lookup import External, Lookup, Node
from workflow_build.syntax.nodes import children
from workflow_build.syntax.reads import chain_of

DECORATORS = frozenset(
    {
        "dataclasses.dataclass",
        "pydantic.dataclasses.dataclass",
        *(f"{module}.{name}" for module in ("attr", "attrs") for name in ("define", "frozen", "mutable")),
        *(f"attr.{name}" for name in ("s", "attrs", "dataclass", "attributes")),
    }
)
"""Those that make a class of named fields."""

PLAIN_BASES = ("builtins", "abc", "typing.Generic", "typing.Protocol", "typing_extensions", "collections", "contextlib")
"""Classes, and modules full of such, whose subclasses are no data by that alone. Those of other packages are given the benefit of the doubt."""

HARMLESS_METACLASSES = frozenset({"abc.ABCMeta", "enum.EnumMeta", "enum.EnumType"})


def unfit_owners(functions: tuple[Function, ...], lookup: Lookup) -> Iterator[Diagnostic]:
    """A finding for each step that is a method of a class whose instances can not travel."""
    for function in functions:
        if function.binding is Binding.INSTANCE:
            syntax = lookup.modules.syntax(function.module)
            owner = _owner(syntax.parsed.tree.body, function.qualname.split(".")[:-1]) if syntax else None
            if owner is not None and (problem := _problem(function.module, owner, lookup, set())):
                what = f"method {function.qualname}, {problem}"
                yield rules.UNSUPPORTED_PLACE.at(function.location, marker="@step", what=what)


def _owner(body: list[ast.stmt], path: list[str]) -> ast.ClassDef | None:
    found: ast.ClassDef | None = None
    for name in path:
        found = next((node for part in body for node in classes_in(part) if node.name == name), None)
        body = found.body if found else []
    return found


def classes_in(node: ast.AST) -> Iterator[ast.ClassDef]:
    """The classes that ``node`` defines in the scope it stands in."""
    if isinstance(node, ast.ClassDef):
        yield node
    elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.expr):
        for child in children(node):
            yield from classes_in(child)


def _problem(module: str, node: ast.ClassDef, lookup: Lookup, seen: set[ast.ClassDef]) -> str | None:
    """Why an instance can not be stored; None when it can, or may."""
    metaclass = next((keyword.value for keyword in node.keywords if keyword.arg == "metaclass"), None)
    if metaclass is not None and not _names(module, metaclass, lookup) & HARMLESS_METACLASSES:
        return f"whose class {node.name} has a metaclass of its own"
    if is_data(module, node, lookup, seen):
        return None
    return f"whose class {node.name} is not made of fields (a dataclass, a pydantic model, an enum and the like are)"


def is_data(module: str, node: ast.ClassDef, lookup: Lookup, seen: set[ast.ClassDef]) -> bool:
    """Whether instances of the class are made of fields, as far as its decorators and bases tell; ``seen`` is filled."""
    if node in seen:
        return False
    seen.add(node)
    if any(_names(module, decorator, lookup) & DECORATORS for decorator in node.decorator_list):
        return True
    return any(_is_data_base(module, base, lookup, seen) for base in node.bases)


def _is_data_base(module: str, base: ast.expr, lookup: Lookup, seen: set[ast.ClassDef]) -> bool:
    chain = chain_of(_bare(base))
    if chain is None:
        return True
    for step in lookup.name(module, chain[0], chain[1:]):
        if isinstance(step, External) and not _is_plain(step.name):
            return True
        if isinstance(step, Node) and (syntax := lookup.modules.syntax(step.module)):
            statement = syntax.parsed.tree.body[step.index]
            owners = [owner for owner in classes_in(statement) if owner.name == chain[-1] or step.name is None]
            if any(is_data(step.module, owner, lookup, seen) for owner in owners):
                return True
    return False


def _is_plain(name: str) -> bool:
    return name.startswith(tuple(f"{plain}." for plain in PLAIN_BASES)) or name in PLAIN_BASES


def _names(module: str, node: ast.expr, lookup: Lookup) -> set[str]:
    """What of other packages the expression means."""
    chain = chain_of(_bare(node))
    steps = lookup.name(module, chain[0], chain[1:]) if chain else ()
    return {step.name for step in steps if isinstance(step, External)}


def _bare(node: ast.expr) -> ast.expr:
    """``dataclass`` for ``dataclass(frozen=True)``, ``Generic`` for ``Generic[T]``."""
    while isinstance(node, ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node
