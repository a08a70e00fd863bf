"""Steps and workflows of installed packages: those that the project depends on, and that themselves depend on workflow-build.

Package metadata is read here, at build time, and never by what is written: packagers strip it.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from workflow_build.model import Config, Diagnostic, Severity, SourceFile, Sources
from workflow_build.scan import source_file

if TYPE_CHECKING:
    from importlib.metadata import Distribution

FOLDER = "site-packages"
"""Where such files are said to be, on any machine."""

OURS = "workflow-build"


def with_dependencies(sources: Sources, config: Config) -> Sources:
    """The project's files and those of such packages. Editable installs are not followed: they have no list of files."""
    own = {file.module for file in sources.files}
    found = [_read(path, place) for path, place in _files(config.dependencies)]
    more = [file for file in found if file.module not in own]
    if not more:
        return sources
    files = sorted((*sources.files, *more), key=lambda file: file.path)
    return replace(sources, files=tuple(files))


def searched() -> list[tuple[str, int]]:
    """The folders in which packages are looked for, and when each last got or lost one."""
    found: list[tuple[str, int]] = []
    for entry in sys.path:
        with suppress(OSError):
            found.append((entry, Path(entry or ".").stat().st_mtime_ns))
    return found


def installed(names: Sequence[str]) -> dict[str, str]:
    """The files of those packages: where each is on this machine."""
    return {path: str(place) for path, place in _files(names)}


def fingerprint(files: Mapping[str, str]) -> str:
    """Changes when one of the files does."""
    known = hashlib.sha256()
    for path, place in files.items():
        try:
            found = Path(place).stat()
        except OSError:
            continue
        known.update(f"{path} {found.st_mtime_ns} {found.st_size}\n".encode())
    return known.hexdigest()


def is_foreign(finding: Diagnostic) -> bool:
    """Whether it is about a package that nobody here can mend, and does not stop the build."""
    place = finding.location
    return place is not None and place.path.startswith(f"{FOLDER}/") and finding.severity is not Severity.ERROR


def _files(names: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """The modules of those among the named packages that declare us, by their path in the folder of packages."""
    if not names:
        return
    from importlib.metadata import (
        PackageNotFoundError,
        distribution,
    )  # what a project without dependencies goes without

    for name in sorted(set(names) - {OURS}):
        try:
            package = distribution(name)
        except PackageNotFoundError:
            continue
        if any(is_ours(requirement) for requirement in package.requires or ()):
            yield from _modules(package)


def _modules(package: Distribution) -> Iterator[tuple[str, Path]]:
    for path in sorted(package.files or [], key=lambda path: path.as_posix()):
        place = Path(str(path.locate()))
        if path.suffix == ".py" and ".." not in path.parts and place.is_file():
            yield path.as_posix(), place


def is_ours(requirement: str) -> bool:
    """Whether it is a requirement of workflow-build itself, and not of an extra."""
    name = re.split(r"[^\w.-]", requirement.strip(), maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower() == OURS and "extra ==" not in requirement


def _read(path: str, place: Path) -> SourceFile:
    return source_file(path, f"{FOLDER}/{path}", place.read_bytes())
