"""Imports that name what the project does not have."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterable, Iterator

from workflow_build.model import Diagnostic, ExternalUse, Location
from workflow_build.reach.lookup import Lookup
from workflow_build.rules.names import MISSING_NAME
from workflow_build.syntax.imports import STAR, Import, imports_of
from workflow_build.syntax.module import ModuleSyntax
from workflow_build.syntax.source import span

DYNAMIC = ("global ", "globals(", "vars(", "locals(", "exec(", "setattr(", "sys.modules")
"""What a module may make names with that no statement shows."""


def missing_names(lookup: Lookup, syntax: ModuleSyntax) -> Iterator[Diagnostic]:
    """Names that top-level imports of the module take from modules of the project that do not have them."""
    for node in syntax.parsed.tree.body:
        if not isinstance(node, ast.ImportFrom):
            continue
        imports = imports_of(node, syntax.name, is_package=syntax.parsed.file.is_package)
        for alias, imported in zip(node.names, imports, strict=True):
            if imported.name and imported.name != STAR and (found := _names_without(lookup, imported)) is not None:
                place = span(syntax.parsed.file.path, syntax.parsed.lines, alias)
                yield _missing(place, f"module {imported.root} has no {imported.name}", imported.name, found)


def missing_module(lookup: Lookup, use: ExternalUse) -> Diagnostic | None:
    """What is wrong with the use of a name from a module that would be the project's, if it were there."""
    package = use.module.rpartition(".")[0]
    if not package or lookup.modules.file(package) is None or use.module in lookup.modules:
        return None
    meant = difflib.get_close_matches(use.module, lookup.modules.inside(package), 1)
    there = "is there, but compiled, ignored by git or excluded"
    correct = f"did you mean {meant[0]}? If it" if meant else "correct the import; or, if it"
    advice = f"{correct} {there}, move what uses it into a step"
    problem = f"there is no module {use.module} among the files of the project"
    return MISSING_NAME.at(use.location, problem=problem, advice=advice)


def _names_without(lookup: Lookup, imported: Import) -> list[str] | None:
    """The names that the module has, when it certainly has not what is imported."""
    syntax = lookup.modules.syntax(imported.root)
    name = imported.name or ""
    if syntax is None or f"{imported.root}.{name}" in lookup.modules or name in syntax.bindings:
        return None
    if name.startswith("__") or STAR in syntax.bindings or "__getattr__" in syntax.bindings:
        return None
    if any(word in syntax.parsed.text for word in DYNAMIC):
        return None
    if syntax.parsed.file.is_package and not _meant(name, syntax.bindings):
        return None  # a module that is not read: compiled, generated, ignored by git
    return sorted(syntax.bindings)


def _meant(name: str, names: Iterable[str]) -> str:
    return next(iter(difflib.get_close_matches(name, list(names), 1)), "")


def _missing(place: Location, problem: str, name: str, names: Iterable[str]) -> Diagnostic:
    meant = _meant(name, names)
    advice = f"did you mean {meant}?" if meant else "correct the import"
    return MISSING_NAME.at(place, problem=problem, advice=advice)
