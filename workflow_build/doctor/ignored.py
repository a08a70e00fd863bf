"""Which of a project's files an ignore file covers: as git has it, as Docker has it, and as hatchling reads git's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec


def ignored_by_git(project: Path, names: Iterable[str]) -> tuple[str, ...]:
    """Those of the files, named relative to the project, that some ``.gitignore`` from the repository's top down to them covers."""
    top = repository(project)
    inner = project.relative_to(top).as_posix()
    specs: dict[PurePosixPath, GitIgnoreSpec] = {}
    return tuple(name for name in names if _is_ignored(top, PurePosixPath(inner, name), specs))


def repository(project: Path) -> Path:
    """The folder of the git repository that the project is in; the project's own, when it is in none."""
    return next((folder for folder in (project, *project.parents) if (folder / ".git").exists()), project)


def nearest_above(project: Path, name: str) -> Path | None:
    """The file of that name in the project's folder or the nearest above it, inside of the repository."""
    top = repository(project)
    folders = [folder for folder in (project, *project.parents) if folder.is_relative_to(top)]
    return next((folder / name for folder in folders if (folder / name).is_file()), None)


def covered(lines: Sequence[str], names: Iterable[str]) -> tuple[str, ...]:
    """Those of the names that git's patterns cover; a later pattern wins."""
    spec = GitIgnoreSpec.from_lines(lines)
    return tuple(name for name in names if spec.match_file(name))


def docker_patterns(lines: Iterable[str]) -> list[str]:
    """The lines of a ``.dockerignore`` as git would write them: Docker has every pattern start at the top."""
    patterns = []
    for line in map(str.strip, lines):
        if line and not line.startswith("#"):
            sign, body = ("!", line[1:].strip()) if line.startswith("!") else ("", line)
            patterns.append(f"{sign}/{body.removeprefix('./').lstrip('/')}")
    return patterns


def lines_of(path: Path) -> list[str]:
    """The lines of an ignore file; none when it can not be read."""
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []


def _is_ignored(top: Path, name: PurePosixPath, specs: dict[PurePosixPath, GitIgnoreSpec]) -> bool:
    """Git does not look into an ignored folder, so the outermost verdict counts."""
    for path in [*reversed(name.parents[:-1]), name]:
        verdict = False
        for folder in reversed(path.parents):
            if folder not in specs:
                specs[folder] = GitIgnoreSpec.from_lines(lines_of(top / folder / ".gitignore"))
            said = specs[folder].check_file(f"{path.relative_to(folder)}{'' if path == name else '/'}").include
            verdict = verdict if said is None else said
        if verdict:
            return True
    return False
