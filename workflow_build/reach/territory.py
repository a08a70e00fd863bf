"""What holds for all walks of one build: where each statement leads, and what it takes to run it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace

from workflow_build.reach.lookup import External, Lookup, Node, Step, Whole
from workflow_build.syntax.imports import STAR
from workflow_build.syntax.module import Statement
from workflow_build.syntax.reads import Read, When
from workflow_runtime.sandbox.purity import is_pure

EVALUATING_LIBRARIES = frozenset({"pydantic", "pydantic_settings", "sqlmodel"})
"""Those whose classes need the types of their fields as soon as they are defined."""

ANNOTATIONS = (When.FIELD, When.NEVER)


@dataclass(slots=True)
class Territory:
    """What holds for all walks of one build: the lookup, what is declared pure, and which statements load cleanly."""

    lookup: Lookup
    declared: Collection[str]
    _clean: dict[Node, bool] = field(default_factory=dict)
    _reads: dict[tuple[str, int], list[tuple[Read, list[Step]]]] = field(default_factory=dict)
    _needs: dict[Node, list[Step]] = field(default_factory=dict)
    _evaluating: dict[Node, bool] = field(default_factory=dict)

    def statement(self, node: Node) -> Statement:
        """The statement that ``node`` is, or is a name of."""
        syntax = self.lookup.modules.syntax(node.module)
        assert syntax is not None
        return syntax.statements[node.index]

    def reads(self, node: Node) -> list[tuple[Read, list[Step]]]:
        """What the statement reads, and where each of it leads."""
        key = node.module, node.index
        if key not in self._reads:
            self._reads[key] = [(read, self._leads(node.module, read)) for read in self.statement(node).reads]
        return self._reads[key]

    def _leads(self, module: str, read: Read) -> list[Step]:
        if isinstance(read.root, str):
            syntax = self.lookup.modules.syntax(module)
            if syntax and read.when in ANNOTATIONS and read.root in syntax.typing_only:
                imports = syntax.typing_only[read.root]
                return [step for imported in imports for step in self.lookup.imported(imported, read.attributes)]
            return list(self.lookup.name(module, read.root, read.attributes))
        return list(self.lookup.imported(read.root, read.attributes))

    def nodes(self, module: str) -> Iterator[Node]:
        """All statements of ``module`` that bind something, name by name where they import."""
        syntax = self.lookup.modules.syntax(module)
        for statement in syntax.statements if syntax else ():
            if statement.binds == ("__all__",):
                continue
            if not statement.is_import:
                yield from [Node(module, statement.index)] if statement.binds else []
                continue
            for imported in statement.imports:
                inner = imported.bound == STAR and imported.root in self.lookup.modules
                names = self.lookup.public(imported.root) if inner else (imported.bound,)
                yield from (Node(module, statement.index, name) for name in names)

    def needs(self, node: Node) -> list[Step]:
        """What must be there of the project for the imports of ``node`` to run."""
        if node not in self._needs:
            self._needs[node] = self._imported(node)
        return self._needs[node]

    def _imported(self, node: Node) -> list[Step]:
        statement, lookup = self.statement(node), self.lookup
        if not statement.is_import:
            return [step for imported in statement.loads for step in lookup.presence(imported)]
        found: list[Step] = []
        for imported in statement.imports:
            if imported.bound == node.name:
                found += lookup.presence(imported)
            elif imported.bound == STAR:
                found += lookup.presence(replace(imported, bound=node.name or STAR, name=node.name))
        return found

    def expanded(self, step: Step) -> Iterator[Node]:
        """The statements that ``step`` is."""
        match step:
            case Node():
                yield step
            case Whole(module=module):
                yield from self.nodes(module)

    def changes(self, node: Node) -> Iterator[Node]:
        """The statements that change what ``node`` binds. Those that change things from outside the project do not count."""
        syntax, statement = self.lookup.modules.syntax(node.module), self.statement(node)
        if syntax is None or statement.is_step:
            return
        inner = {i.bound for i in statement.imports if i.root in self.lookup.modules}
        names = {node.name} & inner if statement.is_import else set(statement.binds)
        found = {index for name in names for index in syntax.changes.get(name or "", ())}
        yield from (Node(node.module, index) for index in sorted(found))

    def loads_cleanly(self, node: Node) -> bool:
        """Whether running the statement, and all that it needs for that, uses nothing that is not pure."""
        if node not in self._clean:
            self._clean[node] = self._is_clean(node)
        return self._clean[node]

    def evaluates_annotations(self, node: Node) -> bool:
        """Whether the statement is a class of a library that evaluates annotations at once, as far as its bases tell."""
        if node not in self._evaluating:
            outside = (step.name for inner in self._loaded_with(node) for step in self._outside(inner))
            self._evaluating[node] = any(name.partition(".")[0] in EVALUATING_LIBRARIES for name in outside)
        return self._evaluating[node]

    def impure_fields(self, node: Node) -> Iterator[tuple[Read, list[Step]]]:
        """The annotations of the statement that its library will evaluate, though they are not pure."""
        for read, steps in self.reads(node):
            if read.when is When.FIELD and self.evaluates_annotations(node):
                impure = [step for step in steps if self.is_impure(step)]
                if impure:
                    yield read, impure

    def is_impure(self, step: Step) -> bool:
        """Whether ``step`` leads to what workflow code may not use."""
        return isinstance(step, External) and not is_pure(step.name, self.declared)

    def _is_clean(self, start: Node) -> bool:
        return not any(self.obstacles(start))

    def obstacles(self, start: Node) -> Iterator[tuple[Read, External]]:
        """What is not pure of all that the statement uses when it runs, where it is read."""
        for node in self._loaded_with(start):
            now = [(read, steps) for read, steps in self.reads(node) if read.when is When.NOW]
            for read, steps in (*now, *self.impure_fields(node)):
                yield from ((read, step) for step in steps if isinstance(step, External) and self.is_impure(step))

    def _outside(self, node: Node) -> Iterator[External]:
        """What of other packages the statement reads when it runs."""
        for read, steps in self.reads(node):
            if read.when is When.NOW:
                yield from (step for step in steps if isinstance(step, External))

    def _loaded_with(self, start: Node) -> Iterator[Node]:
        """The statements of the project that run, or have run, when ``start`` runs; itself first."""
        seen: set[Node] = set()
        waiting = [start]
        while waiting:
            node = waiting.pop()
            if node in seen:
                continue
            seen.add(node)
            yield node
            now = [steps for read, steps in self.reads(node) if read.when is When.NOW]
            waiting.extend(
                inner for steps in (self.needs(node), *now) for step in steps for inner in self.expanded(step)
            )
