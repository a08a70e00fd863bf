"""Config: flags over ``[tool.workflow-build]`` over what is detected, all resolved and checked before anything runs."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from workflow_build import detect, literals, scan
from workflow_build.adapters import adapter_names, load_adapters
from workflow_build.errors import UsageError
from workflow_build.model import Config, Sources
from workflow_build.roots import find_roots

TABLE = "[tool.workflow-build]"
TEXT_KEYS = ("out", "app")
LIST_KEYS = ("roots", "targets", "pure", "exclude")
SWITCHES = ("dependencies",)
KEYS = (*TEXT_KEYS, *LIST_KEYS, *SWITCHES)
APP = re.compile(r"(?P<module>[^:]+):(?P<attribute>[^:()]+)(\(\))?")


@dataclass(frozen=True, slots=True)
class Flags:
    """What the command line says; empty where it says nothing."""

    targets: tuple[str, ...] = ()
    app: str | None = None
    out: str | None = None
    prune_bundles: bool = False


def basis(project: Path, flags: Flags = Flags()) -> Config:
    """The settings that tell which files to read. The output folder is a guess unless it is named. Raises ``UsageError``."""
    project = project.resolve()
    if not project.is_dir():
        raise UsageError(f"{project} is not a folder; give the folder that holds pyproject.toml")
    pyproject = _read_pyproject(project)
    table = _table(pyproject, project / "pyproject.toml")
    roots = _roots(project, table)
    dependencies = sorted(detect.declared_dependencies(pyproject)) if table.get("dependencies", True) else ()
    named = flags.out if flags.out is not None else _text(table, "out")
    out = _checked_out(named, project, roots) if named is not None else roots[0] / detect.OUTPUT_NAME
    return Config(
        project,
        roots,
        out,
        targets=(),
        exclude=tuple(_strings(table, "exclude")),
        dependencies=tuple(dependencies),
        prune_bundles=flags.prune_bundles,
        out_is_named=named is not None,
    )


def load(project: Path, flags: Flags = Flags(), read: Callable[[Config], Sources] = scan.scan) -> Config:
    """The settings of the project in that folder. Raises ``UsageError`` that names the key and the file.

    ``read`` gives the files, if something is left to detect.
    """
    provisional = basis(project, flags)
    pyproject = _read_pyproject(provisional.project)
    table = _table(pyproject, provisional.project / "pyproject.toml")
    settings = _Settings(provisional, pyproject, read)
    app = flags.app if flags.app is not None else _text(table, "app")
    found = None if app is not None else settings.found_app
    app = found.app if found else app
    if app is not None:
        _check_app(app)
    targets = flags.targets or tuple(_strings(table, "targets"))
    if targets:
        _check_targets(targets)
    else:
        targets = (found.target,) if found else settings.targets
    return replace(
        settings.provisional,
        out=provisional.out if provisional.out_is_named else settings.output(app),
        targets=tuple(dict.fromkeys(targets)),
        app=app,
        other_apps=found.others if found else (),
        pure=tuple(_strings(table, "pure")),
    )


class _Settings:
    """What detection needs, read from disk only if something is left open."""

    def __init__(self, provisional: Config, pyproject: Mapping[str, object], read: Callable[[Config], Sources]) -> None:
        self.provisional = provisional
        self.pyproject = pyproject
        self._read = read

    @cached_property
    def sources(self) -> Sources:
        return self._read(self.provisional)

    @property
    def found_app(self) -> detect.FoundApp | None:
        project = self.provisional.project
        environment = detect.telling_environment(project, os.environ)
        return detect.find_app(self.sources, load_adapters(), self.pyproject, project, environment)

    @property
    def targets(self) -> tuple[str, ...]:
        return detect.find_targets(self.sources, load_adapters(), self.pyproject)

    def output(self, app: str | None) -> Path:
        return detect.find_output(self.sources, self.provisional.roots, self.provisional.project, app)


def _read_pyproject(project: Path) -> Mapping[str, object]:
    path = project / "pyproject.toml"
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} can not be read: {error}") from error


def _table(pyproject: Mapping[str, object], path: Path) -> Mapping[str, object]:
    tool = pyproject.get("tool", {})
    table = tool.get("workflow-build", {}) if isinstance(tool, dict) else {}
    if not isinstance(table, dict):
        raise UsageError(f"{path}: tool.workflow-build must be a table")
    for key, value in table.items():
        if key not in KEYS:
            raise UsageError(f"{path}: unknown key {key!r} in {TABLE}{_meant(key, KEYS)}")
        if key in SWITCHES and not isinstance(value, bool):
            raise UsageError(f"{path}: {key!r} in {TABLE} must be true or false, not {value!r}")
        if key in TEXT_KEYS and not isinstance(value, str):
            raise UsageError(f"{path}: {key!r} in {TABLE} must be a string, not {value!r}")
        if key in LIST_KEYS and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            raise UsageError(f"{path}: {key!r} in {TABLE} must be a list of strings, not {value!r}")
    return table


def _text(table: Mapping[str, object], key: str) -> str | None:
    value = table.get(key)
    return value if isinstance(value, str) else None


def _strings(table: Mapping[str, object], key: str) -> list[str]:
    value = table.get(key)
    return [str(item) for item in value] if isinstance(value, list) else []


def _roots(project: Path, table: Mapping[str, object]) -> tuple[Path, ...]:
    named = _strings(table, "roots")
    if not named:
        return find_roots(project)
    roots = [(project / name).resolve() for name in named]
    for name, root in zip(named, roots, strict=True):
        if not root.is_dir():
            raise UsageError(f"{project / 'pyproject.toml'}: 'roots' in {TABLE} names {name!r}, which is not a folder")
        if not root.is_relative_to(project):
            raise UsageError(
                f"{project / 'pyproject.toml'}: 'roots' in {TABLE} names {name!r}, which is outside of the project"
            )
    return tuple(dict.fromkeys(roots))


def _check_targets(targets: Iterable[str]) -> None:
    known = adapter_names()
    for target in targets:
        if target not in known:
            have = ", ".join(known) or "none; is workflow-build installed?"
            raise UsageError(f"unknown target {target!r}{_meant(target, known)}. Targets: {have}")


def _check_app(app: str) -> None:
    match = APP.fullmatch(app)
    if match is None or not all(literals.is_dotted_name(match[part]) for part in ("module", "attribute")):
        raise UsageError(
            f"app {app!r} is not of the form module:attribute, as in shop.main:app or shop.main:create_app()"
        )


def _checked_out(named: str, project: Path, roots: tuple[Path, ...]) -> Path:
    if "\0" in named:
        raise UsageError("--out has a NUL character")
    out = (project / named).resolve()
    holders = [root for root in roots if out.is_relative_to(root) and out != root]
    if not holders:
        where = " or ".join(str(root.relative_to(project)) for root in roots)
        raise UsageError(
            f"output folder {named!r} must be inside of the project's code ({where}), so that it can be imported"
        )
    parts = out.relative_to(max(holders, key=lambda root: len(root.parts))).parts
    wrong = next((part for part in parts if not literals.is_dotted_name(part)), None)
    if wrong is not None:
        raise UsageError(f"output folder {named!r} can not be imported: {wrong!r} is not a Python identifier")
    return out


def _meant(word: str, known: Iterable[str]) -> str:
    import difflib  # what is right goes without

    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
