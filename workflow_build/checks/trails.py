"""How a workflow gets to a statement: the functions on the way, and where each is defined."""

from __future__ import annotations

import ast
from collections import deque
from dataclasses import dataclass, field

from workflow_build.model import Location, WorkflowClosure
from workflow_build.reach.lookup import Lookup, Node
from workflow_build.syntax.module import ModuleSyntax
from workflow_build.syntax.reads import When
from workflow_build.syntax.source import span

Definition = ast.FunctionDef | ast.AsyncFunctionDef

Place = tuple[str, int]
"""A module, and the index of a statement in it."""

Stop = tuple[str, Location]
"""What a trail goes through: its name, and where it is defined."""


@dataclass(slots=True)
class Trails:
    """Found when first asked for: most builds have nothing to explain."""

    closure: WorkflowClosure
    lookup: Lookup
    _found: dict[Place, tuple[Stop, ...]] = field(default_factory=dict)

    def to(self, module: str, index: int) -> tuple[Stop, ...]:
        """The shortest way to the statement, itself last; empty when it is not known."""
        if not self._found:
            self._search()
        return self._found.get((module, index), ())

    def to_line(self, path: str, line: int) -> tuple[Stop, ...]:
        """The same for the statement on that line of a file."""
        module = next((module.name for module in self.closure.modules if module.path == path), None)
        syntax = self.lookup.modules.syntax(module) if module else None
        index = statement_at(syntax, line) if syntax else None
        return self.to(module, index) if module and index is not None else ()

    def _search(self) -> None:
        function = self.closure.function
        syntax = self.lookup.modules.syntax(function.module)
        index = statement_at(syntax, function.location.line) if syntax else None
        if syntax is None or index is None:
            return
        self._found[function.module, index] = (_stop(syntax, index),)
        waiting = deque([(function.module, index)])
        while waiting:
            place = waiting.popleft()
            for target in self._read_by(place):
                there = self.lookup.modules.syntax(target[0])
                if target not in self._found and there is not None:
                    self._found[target] = (*self._found[place], _stop(there, target[1]))
                    waiting.append(target)

    def _read_by(self, place: Place) -> list[Place]:
        module, index = place
        syntax = self.lookup.modules.syntax(module)
        found: list[Place] = []
        for read in syntax.statements[index].reads if syntax else ():
            if read.when in (When.NOW, When.LATER):
                root = read.root
                leads = (
                    self.lookup.name(module, root, read.attributes)
                    if isinstance(root, str)
                    else self.lookup.imported(root, read.attributes)
                )
                found += [(step.module, step.index) for step in leads if isinstance(step, Node) and step.name is None]
        return found


def statement_at(syntax: ModuleSyntax, line: int) -> int | None:
    """The top-level statement that the line is in, decorators included."""
    for index, node in enumerate(syntax.parsed.tree.body):
        decorators = node.decorator_list if isinstance(node, Definition | ast.ClassDef) else []
        first = min([node.lineno, *(decorator.lineno for decorator in decorators)])
        if first <= line <= (node.end_lineno or node.lineno):
            return index
    return None


def _stop(syntax: ModuleSyntax, index: int) -> Stop:
    node, binds = syntax.parsed.tree.body[index], syntax.statements[index].binds
    place = span(syntax.parsed.file.path, syntax.parsed.lines, node)
    line = syntax.parsed.lines[place.line - 1]
    return (binds[0] if binds else syntax.name), Location(
        place.path, place.line, place.column, place.line, len(line) + 1
    )
