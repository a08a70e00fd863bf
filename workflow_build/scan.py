"""Find the Python files of a project, and drop on raw bytes those that can not hold a marker."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable

from workflow_build import rules
from workflow_build.model import Config, Diagnostic, Location, SourceFile, Sources
from workflow_build.walk import Found, Walk

MAX_BYTES = 2_000_000
"""Larger files are data, not code that somebody wrote."""

_DIRECTIVE = re.compile(rb"use[ _-]?(?:workflow|step)")


def scan(config: Config) -> Sources:
    """All Python files under the roots, sorted by path; files that can not be read give diagnostics, never errors."""
    return gathered(map(read_file, walk_of(config).files()))


def walk_of(config: Config) -> Walk:
    """The walk over the project's files."""
    roots = [os.fspath(root) for root in config.roots]
    return Walk(os.fspath(config.project), roots, config.exclude, frozenset({os.fspath(config.out)}))


def gathered(read: Iterable[SourceFile | Diagnostic | None]) -> Sources:
    """What was read, sorted by path."""
    files: list[SourceFile] = []
    diagnostics: list[Diagnostic] = []
    for item in read:
        if isinstance(item, SourceFile):
            files.append(item)
        elif item is not None:
            diagnostics.append(item)
    return Sources(tuple(sorted(files, key=lambda file: file.path)), tuple(sorted(diagnostics, key=_path)))


def read_file(found: Found) -> SourceFile | Diagnostic | None:
    """The file; a finding when it can not be read or is too large for a module with markers; None to leave it out."""
    path, name = found.entry.path, found.name
    try:
        if not found.entry.is_file() and os.path.exists(path):  # noqa: PTH110 a Path for each file takes longer than reading it
            return None  # a pipe or a device, which would be waited for
        with open(path, "rb") as file:  # noqa: PTH123 a Path for each file takes longer than reading it
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not found.entry.is_symlink():
            return None  # it was removed since the folder was listed
        problem = f"{name} can not be read: {error.strerror or error}"
        return rules.UNREADABLE_SOURCE.at(Location(name, 1), problem=problem, advice="make it readable, or exclude it")
    if len(data) <= MAX_BYTES:
        return source_file(found.inner, name, data)
    if not holds_marker(data):
        return None
    problem = f"{name} is larger than {MAX_BYTES:,} bytes and is not read, though it seems to hold a marker"
    return rules.UNREADABLE_SOURCE.at(Location(name, 1), problem=problem, advice="split it, or exclude it")


def holds_marker(data: bytes) -> bool:
    """Whether a file with these bytes may import a marker or have a directive, or something that was meant to be one."""
    return b"workflow_runtime" in data or _DIRECTIVE.search(data.lower()) is not None


def source_file(path: str, name: str, data: bytes) -> SourceFile:
    """A file with these bytes; ``path`` is relative to the root, ``name`` to the project."""
    parts = path.removesuffix(".py").split("/")
    is_package = parts[-1] == "__init__" and len(parts) > 1
    module = ".".join(parts[:-1] if is_package else parts)
    digest = hashlib.sha256(data).hexdigest()[:32]
    return SourceFile(name, module, is_package, data, candidate=holds_marker(data), digest=digest)


def _path(found: Diagnostic) -> str:
    return found.location.path if found.location else ""
