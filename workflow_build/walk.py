"""Which Python files a project has: folder by folder, without what git or the configuration leaves out."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

SKIPPED_FOLDERS = frozenset({"__pycache__", "node_modules", "site-packages"})

COPIES = re.compile(r"(lib|bdist|temp)(\..+)?")
"""What setuptools has in a folder named ``build``: among it, copies of the project's packages."""

BUILT_FROM = ("pyproject.toml", "setup.py", "setup.cfg")
"""Files one of which stands beside such a folder."""

ENVIRONMENT = "pyvenv.cfg"
"""The file that shows that a folder is a virtual environment."""


@dataclass(frozen=True, slots=True)
class Found:
    """A Python file."""

    name: str
    """Relative to the project, with forward slashes."""
    inner: str
    """Relative to the root that it was found under, with forward slashes."""
    entry: os.DirEntry[str]


@dataclass(slots=True)
class Walk:
    """The files below some roots, and the folders that were gone through."""

    project: str
    roots: Sequence[str]
    exclude: Sequence[str]
    outs: frozenset[str]
    """Output folders, which are left out."""
    folders: list[str] = field(default_factory=list)
    """Filled by ``files``: adding a file to one of them, or removing one, may change what there is."""

    def files(self) -> Iterator[Found]:
        """Each file once, under the innermost root that it is in."""
        excluded = Ignore(self.project, self.exclude)
        seen: set[str] = set()
        for root in sorted(self.roots, key=lambda root: (-root.count(os.sep), root)):
            prefix = "" if root == self.project else os.path.relpath(root, self.project) + os.sep
            for entry in self._below(root, [excluded], _ignores_above(root, self.project), frozenset()):
                inner = entry.path[len(root) + 1 :]
                name = (prefix + inner).replace(os.sep, "/")
                if name not in seen:
                    seen.add(name)
                    yield Found(name, inner.replace(os.sep, "/"), entry)

    def _below(
        self, folder: str, excluded: Sequence[Ignore], ignores: Sequence[Ignore], above: frozenset[tuple[int, int]]
    ) -> Iterator[os.DirEntry[str]]:
        """``above`` are the folders that lead here, as the disk numbers them, so that loops of links end."""
        try:
            place = os.stat(folder)  # noqa: PTH116 a Path for each folder and file takes longer than what is asked
            with os.scandir(folder) as listed:
                entries = sorted(listed, key=lambda entry: entry.name)
        except OSError:
            return
        this = place.st_dev, place.st_ino
        names = {entry.name for entry in entries}
        if this in above or (above and ENVIRONMENT in names):
            return
        self.folders.append(folder)
        active = [*ignores, _ignore_file(folder)] if ".gitignore" in names else ignores
        skipped = _skipped(folder, names) if above else SKIPPED_FOLDERS
        for entry in entries:
            if entry.name[0] == "." or entry.path in self.outs:
                continue
            if _is_folder(entry):
                if entry.name not in skipped and not _is_left_out(entry.path, excluded, active, is_folder=True):
                    yield from self._below(entry.path, excluded, active, above | {this})
            elif entry.name.endswith(".py") and not _is_left_out(entry.path, excluded, active, is_folder=False):
                yield entry


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _skipped(folder: str, names: Collection[str]) -> Collection[str]:
    """Those of the names in a folder that are never gone into."""
    if not folder.endswith(f"{os.sep}build"):
        return SKIPPED_FOLDERS
    path = Path(folder)
    if "__init__.py" in names or not any((path.parent / name).is_file() for name in BUILT_FROM):
        return SKIPPED_FOLDERS
    return SKIPPED_FOLDERS.union(name for name in names if COPIES.fullmatch(name))


@dataclass(frozen=True)
class Ignore:
    """Patterns as in a ``.gitignore``, and the folder that they are relative to."""

    folder: str
    lines: Sequence[str]

    def says(self, path: str, *, is_folder: bool) -> bool | None:
        """Whether ``path``, below the folder, is ignored; None when no pattern matches."""
        if not self._patterns or not path.startswith(self._below):
            return None
        name = path[len(self.folder) + 1 :].replace(os.sep, "/") + "/" * is_folder
        if self._perhaps and not self._perhaps.search(name):
            return None
        return self._spec.check_file(name).include

    @cached_property
    def _below(self) -> str:
        return self.folder + os.sep

    @cached_property
    def _patterns(self) -> list[str]:
        return [line.strip() for line in self.lines if line.strip() and not line.startswith("#")]

    @cached_property
    def _spec(self) -> GitIgnoreSpec:
        from pathspec import GitIgnoreSpec  # many projects have no pattern that might match what we look at

        return GitIgnoreSpec.from_lines(self.lines)

    @cached_property
    def _perhaps(self) -> re.Pattern[str] | None:
        """What is found in all that one of the patterns matches, and in little else; None when nobody can tell."""
        if any("\\" in pattern or "[:" in pattern for pattern in self._patterns):
            return None
        return re.compile("|".join(dict.fromkeys(map(_loosely, self._patterns))), re.DOTALL)


def _loosely(pattern: str) -> str:
    """The regular expression of what must stand somewhere in a path that the pattern matches."""
    text = re.sub(r"/?\*\*+/?", "*", pattern.removeprefix("!").strip("/")).strip("*")
    parts = re.split(r"(\*|\?|\[.[^\]]*\])", text)
    return "".join({"*": ".*", "?": ".", "[": "."}.get(part[:1], re.escape(part)) for part in parts)


def _is_left_out(path: str, excluded: Sequence[Ignore], ignores: Sequence[Ignore], *, is_folder: bool) -> bool:
    """What the configuration says, and else git: the last pattern that matches decides, those of deeper files last."""
    for ignore in excluded:
        if ignore.says(path, is_folder=is_folder):
            return True
    for ignore in reversed(ignores):  # in so many words, since each file of a project comes by
        verdict = ignore.says(path, is_folder=is_folder)
        if verdict is not None:
            return verdict
    return False


def _ignore_file(folder: str) -> Ignore:
    try:
        text = Path(folder, ".gitignore").read_text("utf-8", "replace")
    except OSError:
        text = ""
    return Ignore(folder, text.splitlines())


def _ignores_above(root: str, project: str) -> list[Ignore]:
    """The ``.gitignore`` files from the project down to the folder above ``root``, outermost first."""
    folders = [folder for folder in Path(root).parents if folder.is_relative_to(project)]
    return [_ignore_file(os.fspath(folder)) for folder in reversed(folders)]
