"""Setting a project up: what to write into its files, and what its owner has to add to the app, as values."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workflow_build.doctor.ignored import ignored_by_git, repository
from workflow_build.errors import OutputError, UsageError
from workflow_build.model import Config
from workflow_build.mounting import Mount, mounts
from workflow_build.own_dependency import Lacking, lacking_dependency
from workflow_build.roots import is_namespace
from workflow_build.scan import scan

DATA = (".workflow/", ".workflow-build/")
"""Where the default world keeps its database, and the compiler its cache: nobody commits them."""

ATTRIBUTES = "text eol=lf linguist-generated"
"""For committed output: git on Windows must not change its newlines, or every file would be stale; reviews fold it up."""


@dataclass(frozen=True, slots=True)
class Change:
    """A file, what is in it, and what shall be."""

    path: Path
    old: str | None
    """None when the file is not there."""
    new: str


@dataclass(frozen=True, slots=True)
class Setup:
    """What setting up a project takes."""

    changes: tuple[Change, ...]
    mounts: tuple[Mount, ...]
    out: str
    """The output folder relative to the project, with forward slashes."""
    ignored: bool
    """Whether git ignores the output folder, once the changes are made."""
    lacking: Lacking | None
    """What the project's dependencies lack. It is for people to add: what they need is theirs to say."""


def plan_setup(config: Config, *, ignore_output: bool = False, world: str | None = None) -> Setup:
    """What is still to do for the project; nothing, when it is set up. Touches no file.

    ``ignore_output`` has git ignore the output folder, for projects that build when they deploy; ``world`` is the URL of the storage.
    Raises ``UsageError`` when pyproject.toml is written in a way that nothing can be added to.
    """
    out = config.out.relative_to(config.project).as_posix()
    ignored = ignore_output or bool(ignored_by_git(config.project, [f"{out}/__init__.py"]))
    wanted = [*DATA, *([f"{out}/"] if ignore_output else [])]
    missing = [name for name in wanted if not ignored_by_git(config.project, [f"{name}x"])]
    changes = (
        _pyproject(config, out),
        _git_file(config.project, ".gitignore", missing),
        _git_file(config.project, ".gitattributes", [] if ignored else [f"{out}/** {ATTRIBUTES}"]),
    )
    pyproject = tomllib.loads(_read(config.project / "pyproject.toml") or "")
    lacking = lacking_dependency(config.project, pyproject, world)
    return Setup(tuple(change for change in changes if change), mounts(config, scan(config)), out, ignored, lacking)


def apply(setup: Setup) -> None:
    """Write the changes. Raises ``OutputError``."""
    for change in setup.changes:
        try:
            change.path.write_bytes(change.new.encode())
        except OSError as error:
            raise OutputError(f"can not write {change.path}: {error.strerror}") from error


def diff(setup: Setup, project: Path) -> str:
    """The changes as a unified diff."""
    lines: list[str] = []
    for change in setup.changes:
        name = change.path.relative_to(project).as_posix()
        old, new = (text.splitlines(keepends=True) for text in (change.old or "", change.new))
        before = "/dev/null" if change.old is None else f"a/{name}"
        lines += difflib.unified_diff(old, new, before, f"b/{name}")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _pyproject(config: Config, out: str) -> Change | None:
    """The section at the end of the file, so that nothing that stands in it is touched; None when there is one."""
    path = config.project / "pyproject.toml"
    old = _read(path)
    before = tomllib.loads(old or "")
    tool = before.get("tool", {})
    if isinstance(tool, Mapping) and "workflow-build" in tool:
        return None
    table: dict[str, object] = {"app": config.app} if config.app else {}
    table |= {"targets": [*config.targets]} if config.targets else {}
    table["out"] = out
    src = config.project / "src"
    table |= {"roots": [src.name]} if config.roots == (src,) and is_namespace(src) else {}
    # A JSON string or list of strings is a TOML one, too.
    section = [
        "[tool.workflow-build]",
        *(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items()),
    ]
    new = _appended(old, section)
    if not _adds_only(before, new, table):
        raise UsageError(
            f"{path} has its [tool] in a form that no section can be added to; add by hand\n" + "\n".join(section)
        )
    return Change(path, old, new)


def _adds_only(before: Mapping[str, object], text: str, table: Mapping[str, object]) -> bool:
    """Whether the text means what was there, and the section."""
    try:
        after = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    tool = before.get("tool", {})
    return isinstance(tool, Mapping) and after == {**before, "tool": {**tool, "workflow-build": dict(table)}}


def _git_file(project: Path, name: str, wanted: list[str]) -> Change | None:
    """Lines for a file that git reads; None when they are all there, or no git is in use."""
    path = project / name
    is_used = path.is_file() or (repository(project) / ".git").exists()
    old = _read(path)
    missing = [line for line in wanted if line not in (old or "").splitlines()]
    return Change(path, old, _appended(old, missing, apart=False)) if missing and is_used else None


def _appended(old: str | None, lines: list[str], *, apart: bool = True) -> str:
    """The text with lines after it, in its own kind of newline, an empty line between if they shall stand ``apart``."""
    newline = "\r\n" if old and "\r\n" in old else "\n"
    text = old or ""
    if text and not text.endswith("\n"):
        text += newline
    if text and apart and not text.endswith((newline * 2, "\n\n")):
        text += newline
    return text + "".join(line + newline for line in lines)


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} can not be read: {error}") from error
