"""Where a dotted name leads: to the statements of the project that bind it, or out of the project."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from workflow_build.graph.text import source_text
from workflow_build.model import Function, Functions, Location, Sources
from workflow_build.reach.lookup import External, Lookup, Node, Step, Whole
from workflow_build.reach.project import project_modules
from workflow_build.syntax.branches import all_functions_in
from workflow_build.syntax.imports import Import
from workflow_build.syntax.module import ModuleSyntax
from workflow_build.syntax.source import span

DURABLE = frozenset({"asyncio", "workflow_runtime"})
"""Libraries whose use in a function makes it worth following."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Statements at the top level of a module that bind a name."""

    module: str
    statements: tuple[int, ...]
    names: frozenset[str]
    """What the name may be called there."""


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A module of the project: it takes an attribute to lead anywhere."""

    module: str


@dataclass(slots=True)
class Names:
    """Follows names through the project's modules, as the resolver does."""

    lookup: Lookup
    _leads: dict[tuple[str, int], bool] = field(default_factory=dict)
    _functions: dict[str, dict[int, ast.FunctionDef | ast.AsyncFunctionDef]] = field(default_factory=dict)

    def afresh(self) -> Names:
        """The same without what was found out: so that a result asks for all that it depends on."""
        return replace(self, _leads={})

    def syntax(self, module: str) -> ModuleSyntax:
        """A module that is known to be readable."""
        syntax = self.lookup.modules.syntax(module)
        assert syntax is not None
        return syntax

    def definitions(self, function: Function) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        """The marked function's own syntax, in the order of its lines; none when its module can not be read."""
        syntax = self.lookup.modules.syntax(function.module)
        if function.module not in self._functions:
            nodes = all_functions_in(syntax.parsed.tree) if syntax else ()
            self._functions[function.module] = {node.lineno: node for node in nodes}
        by_line = self._functions[function.module]
        return [by_line[line] for line in sorted(function.lines) if line in by_line]

    def statement(self, module: str, index: int) -> ast.stmt:
        """A statement at the top level of ``module``."""
        return self.syntax(module).parsed.tree.body[index]

    def marked(self, module: str, node: ast.AST) -> Function | None:
        """The workflow or step that ``node``, in ``module``, is."""
        return self.lookup.modules.function(module, getattr(node, "lineno", 0))

    def place(self, module: str, node: ast.expr | ast.stmt) -> Location:
        """Where ``node`` of ``module`` stands."""
        parsed = self.syntax(module).parsed
        return span(parsed.file.path, parsed.lines, node)

    def text(self, module: str, node: ast.expr | ast.stmt | ast.pattern) -> str:
        """The source text of ``node`` on one line."""
        return source_text(self.syntax(module).parsed.lines, node)

    def find(self, module: str, root: str | Import, *, inside: bool = True) -> Bound | External | Unfinished | None:
        """Where ``root``, read at the top level of ``module``, leads. Builtins are seen from ``inside`` only."""
        steps = list(self._steps(module, root, (), inside=inside))
        for step in steps:
            if isinstance(step, External):
                return step
        nodes = [step for step in steps if isinstance(step, Node) and step.name is None]
        if nodes:
            last = nodes[-1].module
            names = {root if isinstance(root, str) else root.name or root.bound}
            names |= {imported.name for imported in self._imports(steps) if imported.name}
            return Bound(last, tuple(node.index for node in nodes if node.module == last), frozenset(names))
        if steps and isinstance(steps[-1], Whole):
            return Unfinished(steps[-1].module)
        if not isinstance(root, str) and root.name is None and root.root in self.lookup.modules:
            return Unfinished(root.root)
        child = f"{module}.{root}"
        return Unfinished(child) if not inside and child in self.lookup.modules else None

    def leads_somewhere(self, module: str, node: ast.AST) -> bool:
        """Whether the top-level statement that ``node`` is in may reach a step, or anything that takes its time."""
        line = getattr(node, "lineno", 0)
        body = self.syntax(module).parsed.tree.body
        index = next((i for i, other in enumerate(body) if other.lineno <= line <= (other.end_lineno or 0)), None)
        return True if index is None else self._reaches(module, index)

    def _reaches(self, module: str, index: int) -> bool:
        key = module, index
        if key not in self._leads:
            self._leads[key] = self._search(key)
        return self._leads[key]

    def _search(self, start: tuple[str, int]) -> bool:
        seen, waiting = {start}, [start]
        while waiting:
            module, index = waiting.pop()
            statement = self.syntax(module).statements[index]
            if statement.steps:
                return True
            for read in statement.reads:
                for step in self._steps(module, read.root, read.attributes):
                    if isinstance(step, External) and step.name.partition(".")[0] in DURABLE:
                        return True
                    if isinstance(step, Node) and (step.module, step.index) not in seen:
                        seen.add((step.module, step.index))
                        waiting.append((step.module, step.index))
        return False

    def _steps(
        self, module: str, root: str | Import, attributes: tuple[str, ...], *, inside: bool = True
    ) -> Iterator[Step]:
        if isinstance(root, str):
            return self.lookup.name(module, root, attributes, inside=inside)
        return self.lookup.imported(root, attributes)

    def _imports(self, steps: list[Step]) -> Iterator[Import]:
        for step in steps:
            if isinstance(step, Node) and step.name is not None:
                yield from self.syntax(step.module).statements[step.index].imports


def names_of(sources: Sources, functions: Functions) -> Names:
    """The names of a project."""
    return Names(Lookup(project_modules(sources, functions)))


def known_name(name: str) -> str:
    """``asyncio.gather`` for ``asyncio.tasks.gather``: where a library keeps a name inside is no concern."""
    if name == "workflow_runtime.start.options()":
        return "workflow_runtime.start"
    first, *between, last = name.split(".") if "." in name else (name, name)
    return f"{first}.{last}" if len(between) <= 1 and "(" not in name else last
