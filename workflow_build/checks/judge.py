"""Run all checks of code: over what workflows run, over what may start them, and over the imports of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from workflow_build.checks.arguments import unserializable_arguments
from workflow_build.checks.awaiting import unawaited_steps
from workflow_build.checks.code import Code, Marked, marked
from workflow_build.checks.compiling import refused_by_python
from workflow_build.checks.given import unloadable_classes
from workflow_build.checks.imports import missing_names
from workflow_build.checks.mentions import files_that_may_call
from workflow_build.checks.options import impossible_options, may_have_wrong_options, unknown_options
from workflow_build.checks.outside import direct_calls, wrong_starts
from workflow_build.checks.running import Running
from workflow_build.checks.runtime import RUNTIME, dropped_hooks, misplaced_calls, streams_used, unawaited_calls
from workflow_build.checks.sets import set_orders
from workflow_build.checks.state import state_changes
from workflow_build.checks.trails import Place, Trails
from workflow_build.checks.unseen import unseen_changes
from workflow_build.model import Diagnostic, Functions, Location, Program, SourceFile, Sources, WorkflowClosure
from workflow_build.reach.lookup import External, Lookup, Node, Step
from workflow_build.reach.territory import Territory
from workflow_build.syntax.imports import Import
from workflow_build.syntax.module import ModuleSyntax, has_one, unmarked
from workflow_build.syntax.reads import Read

S = TypeVar("S")

IN_WORKFLOWS = (
    unawaited_steps,
    unserializable_arguments,
    set_orders,
    state_changes,
    unawaited_calls,
    streams_used,
    misplaced_calls,
    dropped_hooks,
)
OUTSIDE = (direct_calls, wrong_starts, unserializable_arguments, unawaited_calls, misplaced_calls)


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
            *self._given(),
            *self._files(places),
            *self._options(index),
        ]
        return (finding for one in found for finding in one.findings)

    def _recall_each(
        self, what: str, items: Sequence[S], key: Callable[[S], str], make: Callable[[S], Iterator[Diagnostic]]
    ) -> list[Found]:
        """What a check finds in each item, which depends on the modules that it asks for and on what is in the item's key."""
        return self.lookup.modules.recall_each(Found, what, items, key, lambda item: Found(tuple(make(item))))

    def _key(self, what: str, closure: WorkflowClosure, more: object) -> str:
        """Tells a closure's statements from others, and one ``more`` from another."""
        return self.lookup.modules.memory.derive(
            f"{what} key",
            closure.function.id,
            (closure, more),
            lambda: f"{closure.function.id} {more} {_kept(closure)}",
        )

    def _reached(self) -> dict[str, list[Place]]:
        """The statements that each workflow is the first to run."""
        seen: set[Place] = set()
        found: dict[str, list[Place]] = {}
        for closure in self.program.workflows:
            places = self.lookup.modules.memory.derive(
                "places", closure.function.id, closure, partial(_places, closure)
            )
            found[closure.function.id] = [place for place in places if place not in seen]
            seen.update(places)
        return found

    def _in_workflows(self, index: Marked, reached: dict[str, list[Place]]) -> list[Found]:
        return self._recall_each(
            "in workflow",
            self.program.workflows,
            lambda closure: self._key("in workflow", closure, reached[closure.function.id]),
            lambda closure: self._in_workflow(index, closure, reached[closure.function.id]),
        )

    def _in_workflow(self, index: Marked, closure: WorkflowClosure, places: list[Place]) -> Iterator[Diagnostic]:
        trail, running = Trails(closure, self.lookup), Running(closure, self.lookup)
        for module, position in places:
            syntax = self.lookup.modules.syntax(module)
            if syntax is None or syntax.statements[position].is_import or syntax.statements[position].is_step:
                continue
            code = Code(self.lookup, index, syntax, position, closure.function, trail, running)
            found = [finding for check in IN_WORKFLOWS for finding in check(code)]
            for finding in (*found, *unseen_changes(code, closure)):
                stops = trail.to(module, position)
                yield replace(finding, trail=code.trail, flow=tuple(place for _, place in stops))

    def _given(self) -> Iterator[Found]:
        seen: set[Location | None] = set()
        pure = self.program.pure
        for found in self._recall_each(
            "given", self.program.workflows, lambda closure: self._key("given", closure, pure), self._given_to
        ):
            yield Found(tuple(finding for finding in found.findings if finding.location not in seen))
            seen.update(finding.location for finding in found.findings)

    def _given_to(self, closure: WorkflowClosure) -> Iterator[Diagnostic]:
        yield from unloadable_classes(closure, Territory(self.lookup, frozenset(self.program.pure)))

    def _outside(self, index: Marked, reached: set[Place]) -> list[Found]:
        by_module: dict[str, list[int]] = {}
        for module, position in sorted(reached):
            by_module.setdefault(module, []).append(position)
        return self._recall_each(
            "outside",
            list(files_that_may_call(self.sources, self.functions)),
            lambda file: f"{file.path} {by_module.get(file.module, [])}",
            lambda file: self._outside_in(index, file, frozenset(by_module.get(file.module, []))),
        )

    def _outside_in(self, index: Marked, file: SourceFile, reached: frozenset[int]) -> Iterator[Diagnostic]:
        known = self.lookup.modules.syntax(file.module)
        if known is None or known.parsed.file.path != file.path:
            return
        syntax = self._unmarked(known)  # the bodies of steps count here, and the resolver leaves them out
        if syntax is None:
            return
        known_leads: dict[tuple[str | Import, tuple[str, ...]], bool] = {}
        for position, statement in enumerate(known.statements):
            if statement.is_import or (position in reached and not statement.is_step):
                continue
            if not any(self._matters(file.module, read, known_leads) for read in syntax.statements[position].reads):
                continue
            code = Code(self.lookup, index, syntax, position, with_steps=True)
            for check in OUTSIDE:
                yield from check(code)

    def _matters(self, module: str, read: Read, known: dict[tuple[str | Import, tuple[str, ...]], bool]) -> bool:
        """Whether what is read may be the runtime's or marked: all that the checks outside of workflows find begins with that."""
        key = read.root, read.attributes
        if key not in known:
            known[key] = any(map(self._may_be_called, self.lookup.read(module, read)))
        return known[key]

    def _may_be_called(self, step: Step) -> bool:
        modules = self.lookup.modules
        match step:
            case External(name=name):
                return name.partition(".")[0] == RUNTIME
            case Node(module=module, index=index):
                syntax = modules.syntax(module)
                return syntax is not None and has_one(syntax.parsed.tree.body[index], modules.marked_lines(module))
        return False

    def _files(self, reached: set[Place]) -> list[Found]:
        modules = {module for module, _ in reached} | {function.module for function in self.functions.functions}
        return self._recall_each("file", sorted(modules), str, self._file)

    def _file(self, module: str) -> Iterator[Diagnostic]:
        syntax = self.lookup.modules.syntax(module)
        if syntax is not None:
            yield from missing_names(self.lookup, syntax)
            yield from refused_by_python(syntax.parsed)

    def _options(self, index: Marked) -> list[Found]:
        modules = sorted({function.module for function in self.functions.functions})
        return self._recall_each("options", modules, str, partial(self._options_in, index))

    def _options_in(self, index: Marked, module: str) -> Iterator[Diagnostic]:
        syntax = self.lookup.modules.syntax(module)
        if syntax is None or not may_have_wrong_options(syntax.parsed.text):
            return
        plain = self._unmarked(syntax)  # decorators count here, and the resolver leaves those of marked functions out
        if plain is not None:
            for position in range(len(plain.statements)):
                code = Code(self.lookup, index, plain, position)
                yield from unknown_options(code)
                yield from impossible_options(code)

    def _unmarked(self, syntax: ModuleSyntax) -> ModuleSyntax | None:
        """The module as if nothing in it were marked. None when a step is nested deeper than can be walked: that is no fault of a step."""
        try:
            return unmarked(syntax, self.lookup.modules.marked_lines(syntax.name))
        except RecursionError:
            return None


def _places(closure: WorkflowClosure) -> list[Place]:
    return [(module.name, kept.index) for module in closure.modules for kept in module.statements if not kept.is_stub]


def _kept(closure: WorkflowClosure) -> list[tuple[str, list[tuple[int, bool]]]]:
    """The statements that the workflow reaches, as far as they tell two closures apart."""
    return [(module.name, [(kept.index, kept.is_stub) for kept in module.statements]) for module in closure.modules]
