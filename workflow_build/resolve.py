"""Follow each workflow through the project: which statements, steps and outside names it reaches."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from pathlib import PurePath

from workflow_build.model import (
    Binding,
    Config,
    Diagnostic,
    Function,
    Functions,
    KeptStatement,
    Program,
    ReachedModule,
    Sources,
    WorkflowClosure,
)
from workflow_build.reach.lookup import Lookup
from workflow_build.reach.owners import unfit_owners
from workflow_build.reach.project import ProjectModules, project_modules
from workflow_build.reach.territory import Territory
from workflow_build.reach.walk import Walk


def resolve(sources: Sources, functions: Functions, config: Config) -> Program:
    """What each workflow reaches.

    In the program's diagnostics: reached files that can not be read as Python, and steps that are methods of classes whose instances
    can not travel.
    """
    modules = project_modules(sources, functions)
    pure = tuple(sorted(set(config.pure)))
    found = modules.recall_each(
        Reached, f"reached {pure}", functions.workflows, attrgetter("id"), lambda one: _reached_from(one, modules, pure)
    )
    known = {(finding.code, finding.location) for finding in functions.diagnostics}
    owners = [function for function in functions.functions if function.binding is Binding.INSTANCE]
    unfit = [modules.recall(Unfit, "unfit", one.id, partial(_unfit, one, modules)) for one in owners]
    unreadable = [
        *(problem for one in found for problem in one.unreadable),
        *(p for one in unfit for p in one.unreadable),
    ]
    diagnostics = [
        *sorted(dict.fromkeys(unreadable), key=_path),
        *(finding for one in unfit for finding in one.findings),
    ]
    return Program(
        tuple(one.closure for one in found),
        pure=pure,
        roots=tuple(PurePath(os.path.relpath(root, config.project)).as_posix() for root in config.roots),
        diagnostics=tuple(finding for finding in diagnostics if (finding.code, finding.location) not in known),
    )


@dataclass(frozen=True, slots=True)
class Reached:
    """What one workflow reaches, and what is wrong with files on the way."""

    closure: WorkflowClosure
    unreadable: tuple[Diagnostic, ...]


@dataclass(frozen=True, slots=True)
class Unfit:
    """What is wrong with the class of one method that is a step, and with files that were read to see it."""

    findings: tuple[Diagnostic, ...]
    unreadable: tuple[Diagnostic, ...]


def _reached_from(function: Function, modules: ProjectModules, pure: tuple[str, ...]) -> Reached:
    # A territory of its own: what another workflow's walk has found out would hide what this one depends on.
    closure = _closure(function, Territory(Lookup(modules), frozenset(pure)))
    return Reached(closure, modules.unreadable())


def _unfit(function: Function, modules: ProjectModules) -> Unfit:
    findings = tuple(unfit_owners((function,), Lookup(modules)))
    return Unfit(findings, modules.unreadable())


def _closure(function: Function, territory: Territory) -> WorkflowClosure:
    walk = Walk(territory)
    walk.start(function)
    kept: dict[str, dict[int, KeptStatement]] = {name: {} for name in sorted(walk.present)}
    for (name, index), names in walk.kept.items():
        kept[name][index] = KeptStatement(index, tuple(sorted(names)) or None, (name, index) in walk.stubs)
    return WorkflowClosure(
        function,
        modules=tuple(_reached(name, statements, territory.lookup.modules) for name, statements in kept.items()),
        steps=tuple(walk.steps[step] for step in sorted(walk.steps)),
        uses=tuple(sorted(walk.uses.values())),
    )


def _reached(name: str, kept: dict[int, KeptStatement], modules: ProjectModules) -> ReachedModule:
    syntax, file = modules.syntax(name), modules.file(name)
    if file is None:
        return ReachedModule(name, modules.folder(name) or "", True, "", ())
    if syntax is None:
        return ReachedModule(name, file.path, file.is_package, "", ())
    if kept:
        kept = {index: KeptStatement(index) for index in syntax.future} | kept
    statements = tuple(kept[index] for index in sorted(kept))
    return ReachedModule(name, file.path, file.is_package, syntax.parsed.text, statements)


def _path(finding: Diagnostic) -> str:
    return finding.location.path if finding.location else ""
