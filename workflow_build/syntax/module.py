"""The top-level statements of one module, and what each binds, reads and changes."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from workflow_build.model import FunctionKind, Location
from workflow_build.syntax.bindings import bindings_of
from workflow_build.syntax.branches import is_for_scripts, never_runs
from workflow_build.syntax.effects import Definition, altered, changed_first, effects_of, root_of, set_off
from workflow_build.syntax.imports import STAR, Import, imports_of
from workflow_build.syntax.nodes import children
from workflow_build.syntax.reads import Context, Read, Reader
from workflow_build.syntax.source import Parsed, span

TELLING = ("global ", "__init_subclass__", "(type", ".register(", "setattr(")
"""What stands in the source of functions and classes that change what is not a value of the module, or change it without reading it."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A top-level statement."""

    index: int
    binds: tuple[str, ...]
    """Sorted."""
    imports: tuple[Import, ...]
    """Those of ``binds`` that are imported."""
    is_import: bool
    """Whether it is an import and nothing else."""
    reads: tuple[Read, ...]
    loads: tuple[Import, ...]
    """The imports inside of it that must work when it runs."""
    changes: tuple[str, ...]
    """Names of the module that it does not bind, but whose values it changes. Sorted."""
    steps: tuple[int, ...] = ()
    """The lines of the steps in it: its own, if it is one."""
    is_step: bool = False


@dataclass(frozen=True, slots=True)
class ModuleSyntax:
    """One analysed module."""

    parsed: Parsed
    statements: tuple[Statement, ...]
    bindings: Mapping[str, tuple[int, ...]]
    """For each name the statements that bind it."""
    changes: Mapping[str, tuple[int, ...]]
    """For each name the statements that change what it holds."""
    future: tuple[int, ...]
    """Its ``from __future__`` lines."""
    typing_only: Mapping[str, tuple[Import, ...]] = field(default_factory=dict)
    """What it imports for type checkers only. Annotations may name it, and so may the values that steps return."""
    altering: Mapping[int, frozenset[str]] = field(default_factory=dict)
    """For each function and class, by the index of its statement, the names of the module that it changes when it runs."""

    @property
    def name(self) -> str:
        """The module's dotted name."""
        return self.parsed.file.module


def analyse(parsed: Parsed, marks: Mapping[int, FunctionKind]) -> ModuleSyntax:
    """``parsed`` statement by statement; ``marks`` are its marked functions by line. Too deep code is a ``RecursionError``."""
    context = _context(parsed, marks)
    statements = tuple(_statement(index, node, context) for index, node in enumerate(parsed.tree.body))
    altering = altered(parsed.tree, _worth_a_look(parsed, statements))
    statements = _with_effects(statements, parsed.tree, altering)
    future = (s.index for s in statements if s.is_import and any(i.loaded == "__future__" for i in s.imports))
    return ModuleSyntax(
        parsed,
        statements,
        _index((name, statement.index) for statement in statements for name in statement.binds),
        _index((name, statement.index) for statement in statements for name in statement.changes),
        tuple(future),
        _typing_only(parsed, context),
        altering,
    )


def unmarked(syntax: ModuleSyntax, lines: Collection[int]) -> ModuleSyntax:
    """The module with what its statements read as if nothing in it were marked; ``lines`` are those of its marked functions.

    Raises ``RecursionError`` for a marked function that is too deep.
    """
    context = _context(syntax.parsed, {})
    pairs = zip(syntax.statements, syntax.parsed.tree.body, strict=True)
    statements = (_statement(one.index, node, context) if has_one(node, lines) else one for one, node in pairs)
    return replace(syntax, statements=tuple(statements))


def has_one(node: ast.stmt, lines: Collection[int]) -> bool:
    """Whether one of the lines, of marked functions, is in the statement."""
    return any(node.lineno <= line <= (node.end_lineno or node.lineno) for line in lines)


def _context(parsed: Parsed, marks: Mapping[int, FunctionKind]) -> Context:
    def place(node: ast.expr | ast.stmt) -> Location:
        return span(parsed.file.path, parsed.lines, node)

    return Context(parsed.file.module, parsed.file.is_package, marks, place, parsed.has_walrus)


def _typing_only(parsed: Parsed, context: Context) -> dict[str, tuple[Import, ...]]:
    hidden = [node for node in parsed.tree.body if never_runs(node) and not is_for_scripts(node)]
    found = bindings_of(hidden, context.module, is_package=context.is_package)
    return {name: tuple(imports) for name, imports in found.imports.items() if name != STAR}


def _worth_a_look(parsed: Parsed, statements: tuple[Statement, ...]) -> Iterator[int]:
    """The functions and classes that may change something of the module: looking closely takes long, and few do."""
    nodes = parsed.tree.body
    values = {
        name
        for one in statements
        if not one.is_import and not isinstance(nodes[one.index], Definition | ast.ClassDef)
        for name in one.binds
    }
    for one in statements:
        node = nodes[one.index]
        if isinstance(node, Definition | ast.ClassDef):
            text = "\n".join(parsed.lines[node.lineno - 1 : node.end_lineno])
            reads = one.is_step or any(read.root in values for read in one.reads)  # what steps read is not known
            if reads or any(word in text for word in TELLING):
                yield one.index


def _with_effects(
    statements: tuple[Statement, ...], tree: ast.Module, altering: Mapping[int, frozenset[str]]
) -> tuple[Statement, ...]:
    """The statements, each with what it changes through what it calls."""
    effects = effects_of(tree, altering)
    if not effects:
        return statements
    found: list[Statement] = []
    for one in statements:
        is_silent = (
            one.is_import or one.is_step or never_runs(tree.body[one.index])
        )  # a bundle has no decorators of steps
        more = set() if is_silent else {*set_off(tree.body[one.index], effects)} - {*one.binds, *one.changes}
        found.append(replace(one, changes=_sorted({*one.changes, *more})) if more else one)
    return tuple(found)


def _statement(index: int, node: ast.stmt, context: Context) -> Statement:
    if isinstance(node, ast.Import | ast.ImportFrom):
        imports = imports_of(node, context.module, is_package=context.is_package)
        return Statement(index, _sorted(i.bound for i in imports), imports, True, (), (), ())
    if never_runs(node):
        return Statement(index, (), (), False, (), (), ())
    bound = bindings_of([node], context.module, is_package=context.is_package, has_walrus=context.has_walrus)
    reader = Reader(context)
    reader.visit(node)
    steps = list(_steps_in(node, context.marks)) if has_one(node, context.marks) else []
    is_step = node in steps
    changed = set() if is_step else set(_changed(node))
    binds = bound.names - (changed if isinstance(node, ast.AugAssign | ast.Delete) else set())
    if bound.imports.get(STAR):
        binds.add(STAR)
    return Statement(
        index,
        _sorted(binds),
        tuple(imported for name in sorted(bound.imports) for imported in bound.imports[name]),
        False,
        tuple(reader.reads),
        tuple(reader.loads),
        _sorted(changed - binds),
        tuple(sorted(step.lineno for step in steps)),
        is_step=is_step,
    )


def _steps_in(node: ast.AST, marks: Mapping[int, FunctionKind]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The steps in ``node``, methods and nested ones included. What is in a step is not looked at."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and marks.get(node.lineno) is FunctionKind.STEP:
        yield node
    elif not isinstance(node, ast.expr):
        for child in children(node):
            yield from _steps_in(child, marks)


def _changed(node: ast.AST) -> Iterator[str]:
    """The names whose values ``node`` changes when it runs: by assignment into them, ``del``, or a method's call."""
    match node:
        case ast.FunctionDef(decorator_list=decorators) | ast.AsyncFunctionDef(decorator_list=decorators):
            yield from _by_methods(decorators)
            return
        case ast.ClassDef(decorator_list=decorators):
            yield from _by_methods(decorators)
            return
        case ast.Lambda():
            return
        case ast.Call():
            yield from changed_first(node)
        case ast.AugAssign(target=ast.Name(id=name)):
            yield name
        case ast.Delete(targets=targets):
            yield from (target.id for target in targets if isinstance(target, ast.Name))
        case ast.Expr(value=ast.Call(func=ast.Attribute() as method)):
            yield from root_of(method)
        case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
            yield from root_of(node)
    for child in children(node):
        yield from _changed(child)


def _by_methods(decorators: list[ast.expr]) -> Iterator[str]:
    """What decorators may change that are methods of it: ``@show.register`` changes ``show``."""
    for decorator in decorators:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(called, ast.Attribute):
            yield from root_of(called)


def _index(pairs: Iterator[tuple[str, int]]) -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for name, index in pairs:
        found[name] = (*found.get(name, ()), index)
    return found


def _sorted(names: Iterator[str] | set[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))
