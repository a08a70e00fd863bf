"""Classes whose objects a workflow is given, and which its bundle can not hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from workflow_build.checks.purity import NEVER_PURE
from workflow_build.model import Diagnostic, FunctionKind, Location, WorkflowClosure
from workflow_build.reach.given import Given, given_classes
from workflow_build.reach.lookup import External
from workflow_build.reach.territory import Territory
from workflow_build.rules.reached import UNLOADABLE_CLASS


def unloadable_classes(closure: WorkflowClosure, territory: Territory) -> Iterator[Diagnostic]:
    """One finding for each place that keeps such classes out. What workflow code itself reaches is judged as code."""
    kept = {(module.name, statement.index) for module in closure.modules for statement in module.statements}
    seen: set[Location] = set()
    for given in given_classes(closure, territory):
        if (given.node.module, given.node.index) in kept:
            continue
        for read, use in territory.obstacles(given.node):
            if read.location not in seen:
                seen.add(read.location)
                yield _finding(closure, given, use, read.location)


def _finding(closure: WorkflowClosure, given: Given, use: External, location: Location) -> Diagnostic:
    workflow, name = closure.function.qualname, use.name.removeprefix("builtins.")
    is_result = given.giver.kind is FunctionKind.STEP
    source = f"from step {given.giver.qualname}" if is_result else "as an argument"
    package = use.module.partition(".")[0]
    finding = UNLOADABLE_CLASS.at(
        location, workflow=workflow, cls=given.name, source=source, name=name, package=package
    )
    if package in NEVER_PURE:
        hint = f"take {name} out of what runs when {given.name} is defined: a step or a default_factory may compute it"
        return replace(finding, hint=hint)
    return finding
