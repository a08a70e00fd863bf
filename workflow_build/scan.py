"""Find the Python files of a project, and drop on raw bytes those that can not hold a marker."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pathspec import GitIgnoreSpec

from workflow_build import rules
from workflow_build.model import Config, Diagnostic, Location, SourceFile, Sources

MAX_BYTES = 2_000_000
"""Larger files are data, not code that somebody wrote."""

SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages"})

_DIRECTIVE = re.compile(rb"use[ _-]?(?:workflow|step)")


def scan(config: Config) -> Sources:
    """All Python files under the roots, sorted by path; files that can not be read give diagnostics, never errors."""
    found: dict[str, SourceFile] = {}
    diagnostics: dict[str, Diagnostic] = {}
    excluded = _Ignore(os.fspath(config.project), GitIgnoreSpec.from_lines(config.exclude))
    for root in sorted(map(os.fspath, config.roots), key=lambda root: (-root.count(os.sep), root)):
        walk = _Walk(excluded, os.fspath(config.out))
        prefix = "" if root == excluded.folder else os.path.relpath(root, excluded.folder) + os.sep
        for path in walk.files(root, _ignores_above(root, excluded.folder), frozenset()):
            inner = path[len(root) + 1 :].replace(os.sep, "/")
            name = prefix.replace(os.sep, "/") + inner
            if name in found or name in diagnostics:
                continue
            data = _read(path, name)
            if isinstance(data, Diagnostic):
                diagnostics[name] = data
            elif data is not None:
                found[name] = _source_file(inner, name, data)
    return Sources(
        tuple(found[name] for name in sorted(found)), tuple(diagnostics[name] for name in sorted(diagnostics))
    )


@dataclass(frozen=True, slots=True)
class _Ignore:
    """The patterns of one ``.gitignore``, and the folder that they are relative to."""

    folder: str
    spec: GitIgnoreSpec

    def says(self, path: str, *, is_folder: bool) -> bool | None:
        """Whether ``path``, below the folder, is ignored; None when no pattern matches."""
        if not path.startswith(self.folder + os.sep):
            return None
        name = path[len(self.folder) + 1 :].replace(os.sep, "/")
        return self.spec.check_file(name + "/" if is_folder else name).include


@dataclass(frozen=True, slots=True)
class _Walk:
    excluded: _Ignore
    out: str

    def files(self, folder: str, ignores: Sequence[_Ignore], above: frozenset[str]) -> Iterator[str]:
        """Python files below ``folder``; ``above`` are the real paths of the folders that lead here, so that link loops end."""
        real = os.path.realpath(folder)
        if real in above:
            return
        own = _ignore_file(folder)
        active = [*ignores, own] if own else ignores
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            return
        for entry in entries:
            if entry.name.startswith(".") or entry.path == self.out:
                continue
            if entry.is_dir():
                if not _is_foreign(entry.path) and not self._is_left_out(entry.path, active, is_folder=True):
                    yield from self.files(entry.path, active, above | {real})
            elif entry.name.endswith(".py") and not self._is_left_out(entry.path, active, is_folder=False):
                yield entry.path

    def _is_left_out(self, path: str, ignores: Sequence[_Ignore], *, is_folder: bool) -> bool:
        """What the configuration says, and else git: the last pattern that matches decides, those of deeper files last."""
        if self.excluded.says(path, is_folder=is_folder):
            return True
        verdicts = (ignore.says(path, is_folder=is_folder) for ignore in reversed(ignores))
        return next((verdict for verdict in verdicts if verdict is not None), False)


def _is_foreign(folder: str) -> bool:
    return Path(folder).name in SKIPPED_FOLDERS or Path(folder, "pyvenv.cfg").is_file()


def _ignore_file(folder: str) -> _Ignore | None:
    try:
        text = Path(folder, ".gitignore").read_text("utf-8", "replace")
    except OSError:
        return None
    return _Ignore(folder, GitIgnoreSpec.from_lines(text.splitlines()))


def _ignores_above(root: str, project: str) -> list[_Ignore]:
    """The ``.gitignore`` files from the project down to the folder above ``root``, outermost first."""
    folders = [folder for folder in Path(root).parents if folder.is_relative_to(project)]
    return [ignore for folder in reversed(folders) if (ignore := _ignore_file(os.fspath(folder)))]


def _read(path: str, name: str) -> bytes | Diagnostic | None:
    """The file's bytes; a finding when it can not be read or is too large for a module with markers; None to leave it out."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        problem = f"{name} can not be read: {error.strerror or error}"
        return rules.UNREADABLE_SOURCE.at(Location(name, 1), problem=problem, advice="make it readable, or exclude it")
    if len(data) <= MAX_BYTES:
        return data
    if not holds_marker(data):
        return None
    problem = f"{name} is larger than {MAX_BYTES:,} bytes and is not read, though it seems to hold a marker"
    return rules.UNREADABLE_SOURCE.at(Location(name, 1), problem=problem, advice="split it, or exclude it")


def holds_marker(data: bytes) -> bool:
    """Whether a file with these bytes may import a marker or have a directive, or something that was meant to be one."""
    return b"workflow_runtime" in data or _DIRECTIVE.search(data.lower()) is not None


def _source_file(path: str, name: str, data: bytes) -> SourceFile:
    """``path`` is relative to the root, ``name`` to the project."""
    parts = path.removesuffix(".py").split("/")
    is_package = parts[-1] == "__init__" and len(parts) > 1
    module = ".".join(parts[:-1] if is_package else parts)
    return SourceFile(name, module, is_package, data, candidate=holds_marker(data))
