"""Run all checks of code: over what workflows run, over what may start them, and over the imports of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from workflow_build.checks.arguments import unserializable_arguments
from workflow_build.checks.awaiting import unawaited_steps
from workflow_build.checks.code import Code, Marked, marked
from workflow_build.checks.imports import missing_names
from workflow_build.checks.mentions import files_that_may_call
from workflow_build.checks.options import may_have_unknown_options, unknown_options
from workflow_build.checks.outside import direct_calls, wrong_starts
from workflow_build.checks.sets import set_orders
from workflow_build.checks.state import state_changes
from workflow_build.checks.trails import Place, Trails
from workflow_build.model import Diagnostic, Functions, Program, SourceFile, Sources, WorkflowClosure
from workflow_build.reach.lookup import Lookup
from workflow_build.syntax.module import ModuleSyntax, analyse

IN_WORKFLOWS = (unawaited_steps, unserializable_arguments, set_orders, state_changes)
OUTSIDE = (direct_calls, wrong_starts, unserializable_arguments)


@dataclass(frozen=True, slots=True)
class Found:
    """What one check of one thing finds."""

    findings: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Judge:
    """What the checks need of a program."""

    program: Program
    functions: Functions
    sources: Sources
    lookup: Lookup

    def findings(self) -> Iterator[Diagnostic]:
        """All findings, in no order."""
        index = marked(self.functions)
        reached = self._reached()
        places = {place for mine in reached.values() for place in mine}
        found: list[Found] = [
            *self._in_workflows(index, reached),
            *self._outside(index, places),
            *self._imports(places),
            *self._options(index),
        ]
        return (finding for one in found for finding in one.findings)

    def _recall(self, what: str, key: str, make: Callable[[], Iterator[Diagnostic]]) -> Found:
        """What a check finds, which depends on the modules that it asks for and on what is in ``key``."""
        return self.lookup.modules.recall(Found, what, key, lambda: Found(tuple(make())))

    def _reached(self) -> dict[str, list[Place]]:
        """The statements that each workflow is the first to run."""
        seen: set[Place] = set()
        found: dict[str, list[Place]] = {}
        for closure in self.program.workflows:
            places = [(module.name, kept.index) for module in closure.modules for kept in module.statements]
            found[closure.function.id] = [place for place in places if place not in seen]
            seen.update(places)
        return found

    def _in_workflows(self, index: Marked, reached: dict[str, list[Place]]) -> Iterator[Found]:
        for closure in self.program.workflows:
            places = reached[closure.function.id]
            key = f"{closure.function.id} {places}"
            yield self._recall("in workflow", key, partial(self._in_workflow, index, closure, places))

    def _in_workflow(self, index: Marked, closure: WorkflowClosure, places: list[Place]) -> Iterator[Diagnostic]:
        trail = Trails(closure, self.lookup)
        for module, position in places:
            syntax = self.lookup.modules.syntax(module)
            if syntax is None or syntax.statements[position].is_import or syntax.statements[position].is_step:
                continue
            code = Code(self.lookup, index, syntax, position, closure.function, trail)
            for finding in (finding for check in IN_WORKFLOWS for finding in check(code)):
                stops = trail.to(module, position)
                yield replace(finding, trail=code.trail, flow=tuple(place for _, place in stops))

    def _outside(self, index: Marked, reached: set[Place]) -> Iterator[Found]:
        by_module: dict[str, list[int]] = {}
        for module, position in sorted(reached):
            by_module.setdefault(module, []).append(position)
        for file in files_that_may_call(self.sources, self.functions):
            positions = by_module.get(file.module, [])
            key = f"{file.path} {positions}"
            yield self._recall("outside", key, partial(self._outside_in, index, file, frozenset(positions)))

    def _outside_in(self, index: Marked, file: SourceFile, reached: frozenset[int]) -> Iterator[Diagnostic]:
        known = self.lookup.modules.syntax(file.module)
        if known is None or known.parsed.file.path != file.path:
            return
        syntax = _unmarked(known)  # the bodies of steps count here, and the resolver leaves them out
        if syntax is None:
            return
        for position, statement in enumerate(known.statements):
            if statement.is_import or (position in reached and not statement.is_step):
                continue
            code = Code(self.lookup, index, syntax, position, with_steps=True)
            for check in OUTSIDE:
                yield from check(code)

    def _imports(self, reached: set[Place]) -> Iterator[Found]:
        modules = {module for module, _ in reached} | {function.module for function in self.functions.functions}
        for module in sorted(modules):
            yield self._recall("imports", module, partial(self._imports_in, module))

    def _imports_in(self, module: str) -> Iterator[Diagnostic]:
        syntax = self.lookup.modules.syntax(module)
        if syntax is not None:
            yield from missing_names(self.lookup, syntax)

    def _options(self, index: Marked) -> Iterator[Found]:
        for module in sorted({function.module for function in self.functions.functions}):
            yield self._recall("options", module, partial(self._options_in, index, module))

    def _options_in(self, index: Marked, module: str) -> Iterator[Diagnostic]:
        syntax = self.lookup.modules.syntax(module)
        if syntax is None or not may_have_unknown_options(syntax.parsed.text):
            return
        plain = _unmarked(syntax)  # decorators count here, and the resolver leaves those of marked functions out
        if plain is not None:
            for position in range(len(plain.statements)):
                yield from unknown_options(Code(self.lookup, index, plain, position))


def _unmarked(syntax: ModuleSyntax) -> ModuleSyntax | None:
    """The module as if nothing in it were marked. None when a step is nested deeper than can be walked: that is no fault of a step."""
    try:
        return analyse(syntax.parsed, {})
    except RecursionError:
        return None
