"""Find the marked functions: by decorators that resolve to the runtime's markers, or by directives."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from workflow_build import rules
from workflow_build.model import Diagnostic, Function, Functions, Location, SourceFile, Sources
from workflow_build.syntax.marked import marked_in
from workflow_build.syntax.markers import Markers
from workflow_build.syntax.source import Parsed, parse, too_deep


def discover(sources: Sources) -> Functions:
    """All marked functions, sorted by id. What is marked and not supported gives a diagnostic and is left out."""
    markers = Markers()
    diagnostics: list[Diagnostic] = []
    marked: list[Function] = []
    for parsed in _relevant(sources.files, markers, diagnostics):
        try:
            findings = list(marked_in(parsed, markers))
        except RecursionError:
            findings = [too_deep(parsed.file)]
        diagnostics.extend(finding for finding in findings if isinstance(finding, Diagnostic))
        marked.extend(finding for finding in findings if isinstance(finding, Function))
    unique = _without_duplicates(marked, diagnostics)
    return Functions(tuple(unique), tuple(sorted(diagnostics, key=_place)))


def _relevant(files: Sequence[SourceFile], markers: Markers, diagnostics: list[Diagnostic]) -> list[Parsed]:
    """The parsed candidates, and the files that may get a marker from another module of the project.

    ``markers`` comes to know each of them. Only files that name both such a module and a marker's name in it are parsed.
    """
    found: list[Parsed] = []
    waiting = sorted((file for file in files if not file.candidate), key=lambda file: file.path)
    batch = sorted((file for file in files if file.candidate), key=lambda file: file.path)
    exported: dict[str, frozenset[str]] = {}
    while batch:
        for file in batch:
            parsed = parse(file)
            if isinstance(parsed, Parsed):
                found.append(parsed)
                markers.add(parsed)
            elif file.candidate:
                diagnostics.append(parsed)
        exported = {parsed.file.module: markers.exported(parsed.file.module) for parsed in found}
        hints = _hints(found, exported)
        batch = [file for file in waiting if _may_use(file, hints)]
        chosen = {file.path for file in batch}
        waiting = [file for file in waiting if file.path not in chosen]
    return sorted(found, key=lambda parsed: parsed.file.path)


def _hints(found: Sequence[Parsed], exported: dict[str, frozenset[str]]) -> dict[bytes, set[bytes]]:
    """For each word that an import of an exporting module must have, the names that it exports."""
    hints: dict[bytes, set[bytes]] = {}
    for parsed in found:
        names = {name.encode() for name in exported[parsed.file.module]}
        if names:
            words = [parsed.file.module.rpartition(".")[2].encode(), *([b"from ."] if parsed.file.is_package else [])]
            for word in words:
                hints.setdefault(word, set()).update(names)
    return hints


def _may_use(file: SourceFile, hints: dict[bytes, set[bytes]]) -> bool:
    data = file.data
    if b"import" not in data:
        return False
    return any(_names(data, word) and any(_names(data, name) for name in names) for word, names in hints.items())


def _names(data: bytes, word: bytes) -> bool:
    """Whether ``word`` stands in the file as a word of its own."""
    return word in data and re.search(rb"(?<!\w)" + re.escape(word) + rb"(?!\w)", data) is not None


def _without_duplicates(marked: Sequence[Function], diagnostics: list[Diagnostic]) -> Iterator[Function]:
    first: dict[str, Function] = {}
    for function in sorted(marked, key=lambda function: (function.id, function.location)):
        other = first.setdefault(function.id, function)
        if other is not function:
            place = f"{other.location.path}:{other.location.line}"
            diagnostics.append(rules.DUPLICATE_ID.at(function.location, id=function.id, other=place))
    return iter(first.values())


def _place(diagnostic: Diagnostic) -> tuple[Location, str, str]:
    return diagnostic.location or Location("", 0), diagnostic.code, diagnostic.message
