"""Which names outside of itself a statement reads, and when it does."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from workflow_build.model import FunctionKind, Location
from workflow_build.syntax.bindings import Bindings, arguments_of, bindings_of
from workflow_build.syntax.imports import Import, imports_of
from workflow_build.syntax.nodes import children, walk


class When(Enum):
    """When a name is read."""

    NOW = "when the statement runs"
    LATER = "when a function in it runs"
    FIELD = "when the statement runs, if the class is of a library that evaluates its annotations"
    NEVER = "by tools that read annotations, if at all"


@dataclass(frozen=True, slots=True)
class Read:
    """A name of the module, or an import inside of a function, with the attributes that are taken from it."""

    root: str | Import
    attributes: tuple[str, ...]
    when: When
    location: Location


@dataclass(frozen=True, slots=True)
class Context:
    """What a reader needs to know about the module that it reads in."""

    module: str
    is_package: bool
    marks: Mapping[int, FunctionKind]
    """The marked functions, by the line of their ``def``."""
    place: Callable[[ast.expr | ast.stmt], Location]
    has_walrus: bool = True
    """Whether there may be assignments in expressions."""


@dataclass(slots=True)
class _Scope:
    bindings: Bindings
    is_class: bool = False


@dataclass(slots=True)
class Reader:
    """Collects what the visited statements read."""

    context: Context
    reads: list[Read] = field(default_factory=list)
    loads: list[Import] = field(default_factory=list)
    """The imports that stand inside of the statements."""
    _scopes: list[_Scope] = field(default_factory=list)
    _when: When = When.NOW

    def visit(self, node: ast.AST) -> None:
        """Collect what ``node`` reads."""
        _VISITS[type(node)](self, node)

    def generic_visit(self, node: ast.AST) -> None:
        """What reads nothing by itself."""
        for child in children(node):
            _VISITS[type(child)](self, child)

    def visit_Name(self, node: ast.Name) -> None:
        """A bare name."""
        if isinstance(node.ctx, ast.Load):
            self._read(node.id, (), node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """A chain of attributes. What is assigned to an attribute reads the object only."""
        chain = chain_of(node)
        if chain is None:
            self.generic_visit(node)
        else:
            attributes = chain[1:] if isinstance(node.ctx, ast.Load) else chain[1:-1]
            self._read(chain[0], attributes, node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        """``x += 1`` reads ``x``."""
        if isinstance(node.target, ast.Name):
            self._read(node.target.id, (), node.target)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """The annotation is not evaluated by itself: the bundle is compiled with postponed annotations."""
        in_class = bool(self._scopes) and self._scopes[-1].is_class
        self._annotation(node.annotation, When.FIELD if in_class else When.NEVER)
        self.visit(node.target)
        if node.value:
            self.visit(node.value)

    def visit_Import(self, node: ast.Import) -> None:
        """An import inside of a statement."""
        self.loads.extend(imports_of(node, self.context.module, is_package=self.context.is_package))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """An import inside of a statement."""
        self.loads.extend(imports_of(node, self.context.module, is_package=self.context.is_package))

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """A step is a leaf: in a bundle it keeps its name and its annotations only, and its defaults if it is nested."""
        kind = self.context.marks.get(node.lineno)
        if kind is None:
            self._visit_all(node.decorator_list)
        self._scopes.append(self._type_parameters(node))
        for arg in arguments_of(node.args):
            self._annotation(arg.annotation)
        self._annotation(node.returns)
        if kind is not FunctionKind.STEP or self._when is When.LATER:  # or it is nested
            self._visit_all([*node.args.defaults, *(default for default in node.args.kw_defaults if default)])
        if kind is not FunctionKind.STEP:
            self._function_body(node.args, node.body)
        self._scopes.pop()

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """A function in an expression."""
        self._visit_all([*node.args.defaults, *(default for default in node.args.kw_defaults if default)])
        self._function_body(node.args, [node.body])

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """The names of a class body are seen in the body itself, from where they are bound on, and not in its functions."""
        self._visit_all(node.decorator_list)
        scope = _Scope(Bindings(), is_class=True)
        self._scopes.append(self._type_parameters(node))
        self._visit_all([*node.bases, *node.keywords])
        self._scopes.append(scope)
        for statement in node.body:
            self.visit(statement)
            bound = self._bindings([statement])
            scope.bindings.names |= bound.names
            scope.bindings.imports |= bound.imports
        del self._scopes[-2:]

    def _visit_comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        """A scope of its own, apart from what it iterates over first."""
        self.visit(node.generators[0].iter)
        self._scopes.append(_Scope(self._bindings([generator.target for generator in node.generators])))
        for number, generator in enumerate(node.generators):
            self.visit(generator.target)
            self._visit_all(generator.ifs if number == 0 else [generator.iter, *generator.ifs])
        self._visit_all([node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt])
        self._scopes.pop()

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _visit_comprehension

    def _function_body(self, arguments: ast.arguments, body: Iterable[ast.AST]) -> None:
        body = list(body)
        bound = self._bindings(body)
        bound.names |= {arg.arg for arg in arguments_of(arguments)} - bound.elsewhere - bound.outer
        before, self._when = self._when, self._at(When.LATER)
        self._scopes.append(_Scope(bound))
        self._visit_all(body)
        self._scopes.pop()
        self._when = before

    def _annotation(self, node: ast.expr | None, when: When = When.NEVER) -> None:
        """Strings in annotations are annotations too."""
        if node is None:
            return
        before, self._when = self._when, self._at(when)
        self.visit(node)
        for part in walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                for name, attributes in _names_in(part.value):
                    self._read(name, attributes, part)
        self._when = before

    def _type_parameters(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> _Scope:
        """The scope of a definition's type parameters, whose bounds are read in it."""
        parameters: list[ast.AST] = getattr(node, "type_params", [])
        scope = _Scope(Bindings({str(getattr(parameter, "name", "")) for parameter in parameters}))
        self._scopes.append(scope)
        for parameter in parameters:
            self._annotation(getattr(parameter, "bound", None))
        return self._scopes.pop()

    def _read(self, name: str, attributes: tuple[str, ...], node: ast.expr) -> None:
        """``name`` as seen from the innermost scope; what a function holds in its own variables is no concern."""
        for scope in reversed(self._scopes):
            if scope.is_class and scope is not self._scopes[-1]:
                continue
            if name in scope.bindings.elsewhere:
                break
            if name in scope.bindings.names:
                for imported in scope.bindings.imports.get(name, ()):
                    self.reads.append(Read(imported, attributes, self._when, self.context.place(node)))
                return
        self.reads.append(Read(name, attributes, self._when, self.context.place(node)))

    def _bindings(self, nodes: Iterable[ast.AST]) -> Bindings:
        context = self.context
        return bindings_of(nodes, context.module, is_package=context.is_package, has_walrus=context.has_walrus)

    def _visit_all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)

    def _at(self, when: When) -> When:
        return When.NEVER if self._when is When.NEVER else when


Visit = Callable[[Reader, Any], None]


class _Visits(dict[type[ast.AST], Visit]):
    """The method of ``Reader`` for each type of node."""

    def __missing__(self, kind: type[ast.AST]) -> Visit:
        visit: Visit = getattr(Reader, f"visit_{kind.__name__}", Reader.generic_visit)
        return self.setdefault(kind, visit)


_VISITS = _Visits()


def chain_of(node: ast.expr) -> tuple[str, ...] | None:
    """``("a", "b", "c")`` for ``a.b.c``; None for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return (node.id, *reversed(parts))


def _names_in(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """The names in an annotation that is written as a string; none if it is no expression."""
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    chains = [chain_of(node) for node in walk(tree) if isinstance(node, ast.Attribute | ast.Name)]
    return sorted({(chain[0], chain[1:]) for chain in chains if chain})
