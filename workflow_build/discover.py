"""Find the marked functions: by decorators that resolve to the runtime's markers, or by directives."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import compress, count

from workflow_build import rules
from workflow_build.model import Diagnostic, Function, Functions, Location, SourceFile, Sources
from workflow_build.syntax.importing import importing_lines
from workflow_build.syntax.marked import marked_in
from workflow_build.syntax.markers import Markers, Names, names_of
from workflow_build.syntax.source import Parsed, parse, too_deep

_RELATIVE = b"from ."
_WORD = re.compile(rb"[\w\x80-\xff]+")


@dataclass(frozen=True, slots=True)
class Read:
    """What one file says by itself."""

    names: Names | None
    problem: Diagnostic | None
    """Why it can not be read."""


@dataclass(frozen=True, slots=True)
class Marked:
    """What is marked in one file, and what is wrong with how."""

    functions: tuple[Function, ...]
    diagnostics: tuple[Diagnostic, ...]


def discover(sources: Sources) -> Functions:
    """All marked functions, sorted by id. What is marked and not supported gives a diagnostic and is left out."""
    markers = Markers(sources.memory)
    diagnostics: list[Diagnostic] = []
    marked: list[Function] = []
    relevant = _relevant(sources, markers, diagnostics)
    for found in markers.recall_each(Marked, "marked", relevant, _key, partial(_marked, markers=markers)):
        diagnostics.extend(found.diagnostics)
        marked.extend(found.functions)
    unique = _without_duplicates(marked, diagnostics)
    return Functions(tuple(unique), tuple(sorted(diagnostics, key=_place)))


def _marked(file: SourceFile, markers: Markers) -> Marked:
    parsed = parse(file)
    if isinstance(parsed, Diagnostic):
        return Marked((), ())  # it is told already
    try:
        findings = list(marked_in(parsed, markers))
    except RecursionError:
        findings = [too_deep(file)]
    functions = tuple(found for found in findings if isinstance(found, Function))
    return Marked(functions, tuple(found for found in findings if isinstance(found, Diagnostic)))


def _relevant(sources: Sources, markers: Markers, diagnostics: list[Diagnostic]) -> list[SourceFile]:
    """The candidates that can be read, and the files that may get a marker from another module of the project.

    ``markers`` comes to know each of them. Only files that name both such a module and a marker's name in it are parsed.
    """
    found: list[SourceFile] = []
    memory = sources.memory
    waiting = [file for file in sources.files if not file.candidate]
    batch = [file for file in sources.files if file.candidate]
    for number in count():
        reads = memory.each(f"names {number}", "", batch, partial(_recalled, markers=markers))
        for file, read in zip(batch, reads, strict=True):
            if read.names:
                found.append(file)
                markers.add(file.module, read.names)
            elif read.problem and file.candidate:
                diagnostics.append(read.problem)
        known = markers.known, tuple((file.module, file.is_package) for file in found)
        hints = memory.derive("hints", str(number), known, partial(_hints, found, markers))
        uses = (
            memory.each(f"uses {number}", hints.digest, waiting, partial(_may_use, hints=hints)) if hints.names else ()
        )
        chosen = {file.path for file in compress(waiting, uses)}
        if not chosen:
            break
        batch = [file for file in waiting if file.path in chosen]
        waiting = [file for file in waiting if file.path not in chosen]
    return sorted(found, key=lambda file: file.path)


def _recalled(file: SourceFile, markers: Markers) -> Read:
    read: Read = markers.recall(Read, "names", _key(file), partial(_read, file))
    return read


def _read(file: SourceFile) -> Read:
    parsed = parse(file)
    return Read(names_of(parsed), None) if isinstance(parsed, Parsed) else Read(None, parsed)


def _key(file: SourceFile) -> str:
    return f"{file.path} {file.module} {file.is_package} {file.digest}"


@dataclass(frozen=True, slots=True)
class _Hints:
    """What a file must have to get a marker from a module that exports one."""

    names: Mapping[bytes, frozenset[bytes]]
    """For each word that an import of such a module must have, the names that it exports."""
    digest: str


def _hints(found: Sequence[SourceFile], markers: Markers) -> _Hints:
    hints: dict[bytes, set[bytes]] = {}
    for file in found:
        exported = markers.recall(frozenset[str], "exported", file.module, partial(markers.exported, file.module))
        if exported:
            words = [
                file.module.rpartition(".")[2].encode(errors="surrogateescape"),
                *([_RELATIVE] if file.is_package else []),
            ]
            for word in words:
                hints.setdefault(word, set()).update(name.encode() for name in exported)
    text = repr([(word, sorted(hints[word])) for word in sorted(hints)])
    digest = hashlib.sha256(text.encode()).hexdigest()
    return _Hints({word: frozenset(found) for word, found in hints.items()}, digest)


def _may_use(file: SourceFile, hints: _Hints) -> bool:
    imports = importing_lines(file)
    meant = [hints.names[word] for word in hints.names.keys() & _WORD.findall(imports)]
    meant += [hints.names[_RELATIVE]] if _RELATIVE in hints.names and _RELATIVE in imports else []
    if not meant:
        return False  # before what takes longer
    words = set(_WORD.findall(file.data))
    return any(not words.isdisjoint(found) for found in meant)


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
