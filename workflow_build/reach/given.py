"""The classes whose objects a workflow is given: what its parameters and the results of its steps are annotated with."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from workflow_build.model import Function, FunctionKind, Location, WorkflowClosure
from workflow_build.reach.lookup import Lookup, Node, Step
from workflow_build.reach.owners import classes_in, is_data
from workflow_build.reach.territory import ANNOTATIONS, Territory
from workflow_build.syntax.bindings import arguments_of
from workflow_build.syntax.nodes import walk
from workflow_build.syntax.reads import Read, When
from workflow_build.syntax.source import span


@dataclass(frozen=True, slots=True)
class Given:
    """A class of fields, and who gives its objects."""

    name: str
    node: Node
    giver: Function
    """A step, by what it returns, or the workflow, by its parameters."""


def given_classes(closure: WorkflowClosure, territory: Territory) -> Iterator[Given]:
    """Each class once, with those in the fields of such classes."""
    finder = _Finder(territory)
    for function in (closure.function, *closure.steps):
        yield from finder.of_function(function)


@dataclass(slots=True)
class _Finder:
    territory: Territory
    _seen: set[Node] = field(default_factory=set)

    def of_function(self, function: Function) -> Iterator[Given]:
        syntax = self.territory.lookup.modules.syntax(function.module)
        for index, statement in enumerate(syntax.parsed.tree.body if syntax else ()):
            if syntax is None or not statement.lineno <= function.location.line <= (statement.end_lineno or 0):
                continue
            places = [
                span(function.location.path, syntax.parsed.lines, part) for part in _annotations(statement, function)
            ]
            for read, steps in self.territory.reads(Node(function.module, index)):
                if read.when in ANNOTATIONS and any(_is_within(read, place) for place in places):
                    yield from self._of_steps(steps, function)

    def _of_steps(self, steps: list[Step], giver: Function) -> Iterator[Given]:
        for node in (step for step in steps if isinstance(step, Node)):
            if node in self._seen:
                continue
            self._seen.add(node)
            owner = _class(node, self.territory.lookup)
            if owner is not None and is_data(node.module, owner, self.territory.lookup, set()):
                yield Given(owner.name, node, giver)
            if owner is not None or self._is_alias(node):
                for read, leads in self.territory.reads(node):
                    if read.when in (When.NOW, When.FIELD):
                        yield from self._of_steps(leads, giver)

    def _is_alias(self, node: Node) -> bool:
        syntax = self.territory.lookup.modules.syntax(node.module)
        statement = syntax.parsed.tree.body[node.index] if syntax else None
        return isinstance(statement, ast.Assign | ast.AnnAssign) or type(statement).__name__ == "TypeAlias"


def _class(node: Node, lookup: Lookup) -> ast.ClassDef | None:
    """The class that the statement defines."""
    syntax = lookup.modules.syntax(node.module)
    statement = syntax.parsed.tree.body[node.index] if syntax else None
    return next(classes_in(statement), None) if statement and node.name is None else None


def _annotations(statement: ast.stmt, function: Function) -> Iterator[ast.expr]:
    """Of the function in the statement: what it returns for a step, what it takes for a workflow."""
    for node in walk(statement):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.lineno in function.lines:
            if function.kind is FunctionKind.WORKFLOW:
                yield from (argument.annotation for argument in arguments_of(node.args) if argument.annotation)
            elif node.returns:
                yield node.returns


def _is_within(read: Read, place: Location) -> bool:
    start, end = (place.line, place.column), (place.end_line, place.end_column)
    return start <= (read.location.line, read.location.column) < end
