"""Which functions run when the workflow runs, and which only while modules are loaded, as decorators that register something do."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from workflow_build.checks.trails import Definition, Place, statement_at
from workflow_build.model import Location, WorkflowClosure
from workflow_build.reach.lookup import Lookup, Node
from workflow_build.syntax.module import ModuleSyntax
from workflow_build.syntax.nodes import children
from workflow_build.syntax.reads import Read, When
from workflow_build.syntax.source import span

DEFERRED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(slots=True)
class Running:
    """Found when first asked for. In doubt a function runs with the workflow: only what is certainly called and not kept does not."""

    closure: WorkflowClosure
    lookup: Lookup
    _running: set[Place] = field(default_factory=set)
    _loading: set[Place] = field(default_factory=set)
    _not_decorating: set[Place] = field(default_factory=set)
    """What is called in other ways than as ``@register("a")``, where what it returns is called at once too."""

    def only_loads(self, module: str, index: int) -> bool:
        """Whether the function that the statement defines is called only while modules are loaded."""
        if not self._running:
            self._search()
        return (module, index) in self._loading - self._running

    def only_decorates(self, module: str, index: int) -> bool:
        """Whether, on top of that, what it returns is a decorator that is used on the spot."""
        return self.only_loads(module, index) and (module, index) not in self._not_decorating

    def _search(self) -> None:
        waiting = [(place, True) for place in self._roots()]
        while waiting:
            place, runs = waiting.pop()
            runs = runs or not isinstance(self._statement(place), Definition)
            known = self._running if runs else self._loading
            if place not in known:
                known.add(place)
                waiting.extend(self._next(place, runs=runs))

    def _roots(self) -> Iterator[Place]:
        """The workflow, and what is no definition: it runs when its module is loaded."""
        function = self.closure.function
        syntax = self.lookup.modules.syntax(function.module)
        own = statement_at(syntax, function.location.line) if syntax else None
        if own is not None:
            yield function.module, own
        for module in self.closure.modules:
            for statement in module.statements:
                if not isinstance(self._statement((module.name, statement.index)), Definition | ast.ClassDef):
                    yield module.name, statement.index

    def _statement(self, place: Place) -> ast.stmt | None:
        syntax = self.lookup.modules.syntax(place[0])
        return syntax.parsed.tree.body[place[1]] if syntax else None

    def _next(self, place: Place, *, runs: bool) -> Iterator[tuple[Place, bool]]:
        """What the statement leads to, and whether that may run with the workflow."""
        syntax, node = self.lookup.modules.syntax(place[0]), self._statement(place)
        if syntax is None or node is None:
            return
        now, factories = _called(syntax, [node]), _factories(syntax, node)
        within = _called(syntax, node.body) if isinstance(node, Definition) and not runs else frozenset()
        for read in syntax.statements[place[1]].reads:
            if read.when in (When.NOW, When.LATER):
                is_called = read.location in (now if read.when is When.NOW else within)
                targets = self._leads(place[0], read)
                if read.location not in factories:
                    self._not_decorating.update(targets)
                yield from ((target, not is_called) for target in targets)

    def _leads(self, module: str, read: Read) -> list[Place]:
        leads = (
            self.lookup.name(module, read.root, read.attributes)
            if isinstance(read.root, str)
            else self.lookup.imported(read.root, read.attributes)
        )
        return [(step.module, step.index) for step in leads if isinstance(step, Node) and step.name is None]


def _called(syntax: ModuleSyntax, nodes: Sequence[ast.AST]) -> frozenset[Location]:
    """Where something is called, or used as a decorator, as soon as ``nodes`` run."""
    found: set[Location] = set()
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        decorators: list[ast.expr] = getattr(node, "decorator_list", [])
        called = [*decorators, *([node.func] if isinstance(node, ast.Call) else [])]
        found.update(span(syntax.parsed.file.path, syntax.parsed.lines, one) for one in called)
        if not isinstance(node, DEFERRED):
            waiting.extend(children(node))
            continue
        waiting.extend([*decorators, *node.args.defaults, *(one for one in node.args.kw_defaults if one)])
    return frozenset(found)


def _factories(syntax: ModuleSyntax, node: ast.stmt) -> frozenset[Location]:
    """Where something is called to give a decorator of the statement."""
    calls = (one for one in getattr(node, "decorator_list", ()) if isinstance(one, ast.Call))
    return frozenset(span(syntax.parsed.file.path, syntax.parsed.lines, one.func) for one in calls)
