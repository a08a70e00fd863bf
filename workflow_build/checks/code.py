"""One top-level statement with all that a check needs to know about it: where each name in it leads."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from workflow_build.checks.running import Running
from workflow_build.checks.trails import Definition, Trails
from workflow_build.model import Function, FunctionKind, Functions, Location
from workflow_build.reach.lookup import External, Lookup, Node, Step, Whole
from workflow_build.syntax.module import ModuleSyntax
from workflow_build.syntax.nodes import children
from workflow_build.syntax.reads import Read, chain_of
from workflow_build.syntax.source import span

T = TypeVar("T", bound=ast.AST)


@dataclass(frozen=True, slots=True)
class Marked:
    """The marked functions, to be found by where they are and by what they are called."""

    by_line: Mapping[tuple[str, int], Function]
    by_name: Mapping[tuple[str, str], Function]


def marked(functions: Functions) -> Marked:
    """The functions, indexed."""
    return Marked(
        {(function.location.path, line): function for function in functions.functions for line in function.lines},
        {(function.module, function.qualname): function for function in functions.functions},
    )


@dataclass(frozen=True)
class Code:
    """A statement at the top level of a module of the project."""

    lookup: Lookup
    functions: Marked
    syntax: ModuleSyntax
    index: int
    workflow: Function | None = None
    """A workflow that reaches it, if one does."""
    trails: Trails | None = None
    running: Running | None = None
    with_steps: bool = False
    """Whether the insides of steps count."""
    _leads: dict[Location, tuple[Step, ...]] = field(default_factory=dict)

    @property
    def node(self) -> ast.stmt:
        """The statement."""
        return self.syntax.parsed.tree.body[self.index]

    @property
    def module(self) -> str:
        """The name of the module that it is in."""
        return self.syntax.name

    @property
    def trail(self) -> tuple[str, ...]:
        """How the workflow gets here, itself first."""
        stops = self.trails.to(self.module, self.index) if self.trails else ()
        return tuple(name for name, _ in stops)

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """What each node in the statement stands in."""
        found: dict[ast.AST, ast.AST] = {}
        waiting: list[ast.AST] = [self.node]
        for parent in waiting:
            inner = children(parent)
            waiting += inner
            found.update(dict.fromkeys(inner, parent))
        return found

    @cached_property
    def _reads(self) -> dict[Location, Read]:
        return {read.location: read for read in self.syntax.statements[self.index].reads}

    def place(self, node: ast.expr | ast.stmt) -> Location:
        """Where ``node`` of this statement stands; for a definition, its first line."""
        parsed = self.syntax.parsed
        place = span(parsed.file.path, parsed.lines, node)
        if isinstance(node, Definition | ast.ClassDef):
            return Location(place.path, place.line, place.column, place.line, len(parsed.lines[place.line - 1]) + 1)
        return place

    def text(self, node: ast.expr, limit: int = 60) -> str:
        """The source of ``node`` on one line, cut short when it is long."""
        text = " ".join((ast.get_source_segment(self.syntax.parsed.text, node) or "…").split())
        return text if len(text) <= limit else f"{text[: limit - 1]}…"

    def read(self, node: ast.expr) -> Read | None:
        """What a name or a chain of attributes reads of the module; None for the function's own variables."""
        return self._reads.get(self.place(node)) if isinstance(node, ast.Name | ast.Attribute) else None

    def leads(self, node: ast.expr) -> tuple[Step, ...]:
        """Where a name or a chain of attributes leads, outside of the function that it is in."""
        read = self.read(node)
        if read is None:
            return ()
        if read.location not in self._leads:
            self._leads[read.location] = self.lookup.read(self.module, read)
        return self._leads[read.location]

    def outside(self, node: ast.expr) -> str:
        """The dotted name from outside of the project that ``node`` certainly is; empty when it is not one."""
        leads = self.leads(node)
        names = {step.name for step in leads if isinstance(step, External)}
        certain = len(names) == 1 and not any(isinstance(step, Node) and step.name is None for step in leads)
        return names.pop() if certain else ""

    def function(self, node: ast.expr) -> Function | None:
        """The marked function that ``node`` certainly is."""
        name = self.defined_name(node)
        return self.functions.by_name.get(name) if name else None

    def defined_name(self, node: ast.expr) -> tuple[str, str] | None:
        """Module and qualified name of the function of the project that ``node`` certainly is, if it is one."""
        defined, read, chain = self.definition(node), self.read(node), chain_of(node)
        if defined is None or read is None or chain is None:
            return None
        syntax, index = defined
        bound = syntax.statements[index].binds
        if isinstance(syntax.parsed.tree.body[index], ast.ClassDef):
            names = (".".join((bound[0], *read.attributes[start:])) for start in range(len(read.attributes)))
            return next(((syntax.name, name) for name in names if (syntax.name, name) in self.functions.by_name), None)
        if chain[-1] in bound:
            return syntax.name, chain[-1]
        # A longer chain would be an attribute of it; a single name is what an import calls it here.
        return (syntax.name, bound[0]) if len(chain) == len(bound) == 1 else None

    def definition(self, node: ast.expr) -> tuple[ModuleSyntax, int] | None:
        """The one statement of the project that binds what ``node`` is: its module and its place in it."""
        leads = self.leads(node)
        nodes = [step for step in leads if isinstance(step, Node) and step.name is None]
        if len(nodes) != 1 or any(isinstance(step, External | Whole) for step in leads):
            return None
        syntax = self.lookup.modules.syntax(nodes[0].module)
        return (syntax, nodes[0].index) if syntax else None

    @cached_property
    def nodes(self) -> dict[type[ast.AST], list[ast.AST]]:
        """The nodes of the statement by their type."""
        found: dict[type[ast.AST], list[ast.AST]] = {}
        stack: list[ast.AST] = [self.node]
        while stack:
            node = stack.pop()
            found.setdefault(type(node), []).append(node)
            inner = children(node)
            if not self.with_steps:
                inner = [one for one in inner if not (isinstance(one, Definition) and self.is_step(one))]
            stack += inner
        return found

    def each(self, *types: type[T]) -> Iterator[T]:
        """The nodes of these types, each in the order of its type."""
        for kind in types:
            for node in self.nodes.get(kind, ()):
                assert isinstance(node, kind)
                yield node

    def is_step(self, node: ast.AST) -> bool:
        """Whether ``node`` defines a step."""
        found = self.marked(node)
        return found is not None and found.kind is FunctionKind.STEP

    def marked(self, node: ast.AST) -> Function | None:
        """The marked function that ``node`` defines."""
        if not isinstance(node, Definition):
            return None
        return self.functions.by_line.get((self.syntax.parsed.file.path, node.lineno))

    def around(self, node: ast.AST) -> Definition | ast.Lambda | None:
        """The innermost function that ``node`` is in."""
        parent = self.parents.get(node)
        while parent is not None and not isinstance(parent, Definition | ast.Lambda):
            parent = self.parents.get(parent)
        return parent
