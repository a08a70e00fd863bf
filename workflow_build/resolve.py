"""Follow each workflow through the project: which statements, steps and outside names it reaches."""

from __future__ import annotations

import os
from pathlib import PurePath

from workflow_build.model import (
    Config,
    Function,
    Functions,
    KeptStatement,
    Program,
    ReachedModule,
    Sources,
    WorkflowClosure,
)
from workflow_build.reach.lookup import Lookup
from workflow_build.reach.project import ProjectModules, project_modules
from workflow_build.reach.territory import Territory
from workflow_build.reach.walk import Walk


def resolve(sources: Sources, functions: Functions, config: Config) -> Program:
    """What each workflow reaches. Reached files that can not be read as Python are in the program's diagnostics."""
    modules = project_modules(sources, functions)
    territory = Territory(Lookup(modules), frozenset(config.pure))
    workflows = tuple(_closure(function, territory) for function in functions.workflows)
    known = {(finding.code, finding.location) for finding in functions.diagnostics}
    diagnostics = [modules.diagnostics[path] for path in sorted(modules.diagnostics)]
    return Program(
        workflows,
        pure=tuple(sorted(set(config.pure))),
        roots=tuple(PurePath(os.path.relpath(root, config.project)).as_posix() for root in config.roots),
        diagnostics=tuple(finding for finding in diagnostics if (finding.code, finding.location) not in known),
    )


def _closure(function: Function, territory: Territory) -> WorkflowClosure:
    walk = Walk(territory)
    walk.start(function)
    kept: dict[str, dict[int, set[str]]] = {name: {} for name in sorted(walk.present)}
    for (name, index), names in walk.kept.items():
        kept[name][index] = names
    return WorkflowClosure(
        function,
        modules=tuple(_reached(name, statements, territory.lookup.modules) for name, statements in kept.items()),
        steps=tuple(walk.steps[step] for step in sorted(walk.steps)),
        uses=tuple(sorted(walk.uses.values())),
    )


def _reached(name: str, kept: dict[int, set[str]], modules: ProjectModules) -> ReachedModule:
    syntax, file = modules.syntax(name), modules.files.get(name)
    if file is None:
        return ReachedModule(name, modules.folders[name], True, "", ())
    if syntax is None:
        return ReachedModule(name, file.path, file.is_package, "", ())
    if kept:
        kept = kept | {index: set() for index in syntax.future if index not in kept}
    statements = tuple(KeptStatement(index, tuple(sorted(kept[index])) or None) for index in sorted(kept))
    return ReachedModule(name, file.path, file.is_package, syntax.parsed.text, statements)
