"""Where a marked function stands, and whether it can be found again from there in another process."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workflow_build.model import Binding, FunctionKind
from workflow_build.syntax.bindings import Bindings
from workflow_build.syntax.branches import functions_in
from workflow_build.syntax.captured import captured_by, rebinds
from workflow_build.syntax.nodes import children
from workflow_build.syntax.options import Given

Definition = ast.FunctionDef | ast.AsyncFunctionDef

_METHODS = {"staticmethod": Binding.STATIC, "classmethod": Binding.CLASS}
_DESCRIPTORS = ("property", "cached_property", "setter", "getter", "deleter")


@dataclass(frozen=True, slots=True)
class Around:
    """A function or class that the code at hand stands in."""

    node: Definition | ast.ClassDef
    bindings: Bindings

    @property
    def is_class(self) -> bool:
        """Whether it is a class."""
        return isinstance(self.node, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a function stands: its qualified name, and how it is bound there."""

    qualname: str
    binding: Binding
    captured: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a mark is not clear, and what to do."""

    problem: str
    advice: str


@dataclass(frozen=True, slots=True)
class Marked:
    """A function, its marks and its other decorators, as ``placed`` judges them."""

    node: Definition
    kind: FunctionKind
    marks: Sequence[ast.expr]
    others: Sequence[ast.expr]
    given: Given


def qualname_of(name: str, around: Sequence[Around]) -> str:
    """``Class.method``, ``outer.<locals>.inner``: as Python itself names what stands there."""
    parts = [part for outer in around for part in (outer.node.name, *(() if outer.is_class else ("<locals>",)))]
    return ".".join((*parts, name))


def placed(marked: Marked, around: Sequence[Around], text: str) -> Place | Problem | None:
    """Where the function stands; None where nothing can be marked at all. Too odd scopes are a ``SyntaxError``."""
    qualname = qualname_of(marked.node.name, around)
    if not around:
        return Place(qualname, Binding.FUNCTION)
    if all(outer.is_class for outer in around):
        return _method(marked, qualname)
    last_class = max((number for number, outer in enumerate(around) if outer.is_class), default=-1)
    if not all(outer.is_class for outer in around[: last_class + 1]) or marked.kind is FunctionKind.WORKFLOW:
        return None
    return _nested(marked, qualname, around[last_class + 1 :], text)


def other_decorators(marked: Marked, binding: Binding) -> list[ast.expr]:
    """The decorators besides the marks that are no part of how the function is bound."""
    return [one for one in marked.others if binding is Binding.FUNCTION or _name(one) not in _METHODS]


def _method(marked: Marked, qualname: str) -> Place | Problem | None:
    names = {_name(one): one for one in marked.others}
    kind, binding = marked.kind, Binding.INSTANCE
    for name, found in _METHODS.items():
        if name in names:
            binding = found
            if any(mark.lineno < names[name].lineno for mark in marked.marks):
                return Problem(f"@{kind} stands above @{name}, where it marks no function", f"put @{name} first")
    if kind is FunctionKind.WORKFLOW and binding is not Binding.STATIC:
        return None
    if any(name in names for name in _DESCRIPTORS):
        return None
    if any(part.startswith("__") and not part.endswith("__") for part in qualname.split(".")[1:]):
        return Problem("its name is private to the class, so nothing outside can import it", "use one underscore")
    return Place(qualname, binding)


def _nested(marked: Marked, qualname: str, around: Sequence[Around], text: str) -> Place | Problem:
    """A function inside of functions, ``around``."""
    node, outer = marked.node, around[-1].node
    twins = [twin for part in outer.body for twin in functions_in(part) if twin.name == node.name]
    if len(twins) > 1:
        return Problem(f"{outer.name} defines it more than once", "give each definition a name of its own")
    if marked.others:
        decorator = ast.unparse(marked.others[0])
        return Problem(
            f"a nested step can not have another decorator: @{decorator}",
            "move the step to the top level of the module",
        )
    if marked.given.unread:
        return Problem(
            f"{', '.join(marked.given.unread)}: the arguments of a nested step's marker must be literals, given right there; for `retry`, "
            "also the runtime's policies, by errors of Python's or the runtime's",
            "write the values out, or move the step to the top level of the module",
        )
    captured = captured_by(node, text)
    problem = next(_captured_badly(node, captured, around), None)
    return problem or Place(qualname, Binding.NESTED, captured)


def _captured_badly(node: Definition, captured: Sequence[str], around: Sequence[Around]) -> Iterator[Problem]:
    """What can not travel with the call."""
    for name in rebinds(node):
        if name in captured:
            yield Problem(
                f"it assigns to {name} of the function around it, which runs elsewhere",
                f"return the new {name} instead",
            )
    for name in captured:
        owner = next((outer for outer in reversed(around) if name in outer.bindings.names), None)
        if name == "__class__":
            yield Problem("it uses super() of the class around it", "move the step out of the method")
        elif owner and name in owner.bindings.imports:
            yield Problem(f"it captures the import {name}, which can not travel with the call", "import it in the step")
        elif owner and any(name in _defined(part) for part in owner.node.body):
            advice = f"move {name} to the top level of the module" if name != node.name else "use a loop"
            yield Problem(f"it captures {name}, which is code and can not travel with the call", advice)


def _defined(node: ast.AST) -> set[str]:
    """The functions and classes that the statement defines in its scope."""
    if isinstance(node, Definition | ast.ClassDef):
        return {node.name}
    return set() if isinstance(node, ast.expr) else {n for child in children(node) for n in _defined(child)}


def _name(decorator: ast.expr) -> str:
    node = decorator.func if isinstance(decorator, ast.Call) else decorator
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
