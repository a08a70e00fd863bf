"""Which files may call or start a workflow, told from raw bytes: the others need not be parsed."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import compress
from pathlib import PurePosixPath

from workflow_build.model import Functions, SourceFile, Sources
from workflow_build.syntax.importing import importing_lines

WORD = re.compile(rb"\w+")
CALL = re.compile(rb"([\w\x80-\xff]+)\(")
DEFINITION = re.compile(rb"def ([\w\x80-\xff]+)\(")
TELLING = re.compile(
    rb"\b(?:start|start\.options|sleep|create_hook|create_webhook|continue_as_new|get_workflow_metadata)\("
)
"""Calls of the runtime that are worth a look in a file which has a marker."""


def files_that_may_call(sources: Sources, functions: Functions) -> Iterator[SourceFile]:
    """Files that import a workflow, or its module, or have it, and call something of its name, or ``start``. Tests are left out."""
    wanted = _wanted(functions)
    found = sources.memory.each("may call", wanted.digest, sources.files, partial(_may_call, wanted=wanted))
    return compress(sources.files, found)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a file must have."""

    names: frozenset[bytes]
    """Of workflows."""
    words: frozenset[bytes]
    """Those, and the names of their modules."""
    homes: frozenset[str]
    digest: str
    """Tells all this from others."""


def _wanted(functions: Functions) -> _Wanted:
    names = {function.qualname.encode() for function in functions.workflows}
    words = names | {function.module.rpartition(".")[2].encode() for function in functions.workflows}
    homes = {function.location.path for function in functions.workflows}
    text = repr((sorted(names), sorted(words), sorted(homes)))
    digest = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
    return _Wanted(frozenset(names), frozenset(words), frozenset(homes), digest)


def _may_call(file: SourceFile, wanted: _Wanted) -> bool:
    if not (file.candidate or file.path in wanted.homes or _imports(file, wanted.words)) or _is_test(file):
        return False
    return (file.candidate and TELLING.search(file.data) is not None) or not wanted.names.isdisjoint(_called(file.data))


def _called(data: bytes) -> Iterator[bytes]:
    """The names that stand before a parenthesis, apart from where they are defined."""
    counts = Counter(CALL.findall(data))
    counts.subtract(DEFINITION.findall(data))
    return (name for name, count in counts.items() if count > 0)


def _imports(file: SourceFile, words: frozenset[bytes]) -> bool:
    """Whether one of the words stands in an import."""
    return not words.isdisjoint(WORD.findall(importing_lines(file)))


def _is_test(file: SourceFile) -> bool:
    path = PurePosixPath(file.path)
    return bool({"tests", "test"}.intersection(path.parts)) or path.name.startswith(("test_", "conftest"))
