"""Detect what the configuration leaves open: roots, the app, targets, the output folder. Reads source, runs none of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import compress
from pathlib import Path, PurePosixPath

from workflow_build.adapters.base import Adapter
from workflow_build.literals import is_dotted_name
from workflow_build.model import SourceFile, Sources

OUTPUT_NAME = "_workflow"
CONVENTIONS = ("main.py", "app.py", "api.py", "app/main.py", "app/app.py", "app/api.py")
"""Where the frameworks' own tools look for an app, in their order; in a package the same names count."""

FAVOURITE_NAMES = ("app", "api", "application")


@dataclass(frozen=True, slots=True)
class FoundApp:
    """An app, as ``module:attribute``, and the target that it is for."""

    app: str
    target: str


def find_roots(project: Path) -> tuple[Path, ...]:
    """``src`` if there is Python in it, else the project itself."""
    src = project / "src"
    has_python = any(src.glob("*.py")) or any(src.glob("*/*.py"))
    return (src,) if has_python and not (src / "__init__.py").is_file() else (project,)


def find_app(sources: Sources, adapters: Sequence[Adapter], pyproject: Mapping[str, object]) -> FoundApp | None:
    """What the framework's own key in pyproject.toml says; else the most conventional module that makes an app at its top level."""
    for adapter in adapters:
        named = _at(pyproject, adapter.entrypoint_key)
        if isinstance(named, str) and named:
            return FoundApp(named, adapter.name)
    made = [(file, adapter, names) for adapter in adapters for file, names in _apps_in(sources, adapter)]
    if not made:
        return None
    file, adapter, names = min(made, key=lambda one: _convention(one[0]))  # of several adapters, the first
    return FoundApp(f"{file.module}:{min(names, key=_favour)}", adapter.name)


def find_targets(sources: Sources, adapters: Sequence[Adapter], pyproject: Mapping[str, object]) -> tuple[str, ...]:
    """The adapters whose framework is among the project's dependencies, or failing that is imported somewhere."""
    declared = declared_dependencies(pyproject)
    found = tuple(adapter.name for adapter in adapters if declared.intersection(adapter.packages))
    return found or tuple(adapter.name for adapter in adapters if _is_imported(sources, adapter.packages))


def find_output(sources: Sources, roots: Sequence[Path], project: Path, app: str | None) -> Path:
    """``_workflow`` in the top-level package of the app, else of the first marked function, else beside flat modules."""
    files = {file.module: file for file in _own(sources)}
    app_file = files.get(app.partition(":")[0]) if app else None
    marked = [file for file in _own(sources) if file.candidate]
    for file in [app_file, *marked]:
        if file is not None and ("." in file.module or file.is_package):
            depth = file.module.count(".") + (2 if file.is_package else 1)
            return project.joinpath(*PurePosixPath(file.path).parts[: 1 - depth]) / OUTPUT_NAME
    return roots[0] / OUTPUT_NAME


def _own(sources: Sources) -> list[SourceFile]:
    """The importable files of the project without its tests and without what an earlier build wrote."""
    known = sources.results.get("own")
    if not isinstance(known, list):
        is_own = sources.memory.each("own", "", sources.files, _is_own)
        known = sources.results["own"] = list(compress(sources.files, is_own))
    return known


def _is_own(file: SourceFile) -> bool:
    return is_dotted_name(file.module) and not _is_test(file) and OUTPUT_NAME not in file.module.split(".")


def _apps_in(sources: Sources, adapter: Adapter) -> Iterator[tuple[SourceFile, list[str]]]:
    """The files that make an app of the adapter's framework, and what they call it."""
    names = sources.memory.each(
        f"apps {adapter.name}",
        repr(adapter.app_classes),
        _own(sources),
        partial(_apps_made, classes=adapter.app_classes),
    )
    return ((file, found) for file, found in zip(_own(sources), names, strict=True) if found)


def _is_test(file: SourceFile) -> bool:
    path = PurePosixPath(file.path)
    return bool({"tests", "test"}.intersection(path.parts)) or path.name.startswith(("test_", "conftest"))


def _convention(file: SourceFile) -> tuple[int, int, str]:
    tail = file.module.replace(".", "/") + ".py"
    short = PurePosixPath(file.path).name
    rank = CONVENTIONS.index(tail) if tail in CONVENTIONS else len(CONVENTIONS)
    return rank, CONVENTIONS.index(short) + 1 if short in CONVENTIONS else 9, f"{file.module.count('.'):03}{file.path}"


def _favour(name: str) -> tuple[int, str]:
    return (FAVOURITE_NAMES.index(name) if name in FAVOURITE_NAMES else len(FAVOURITE_NAMES)), name


def _apps_made(file: SourceFile, classes: Iterable[str]) -> list[str]:
    """Names at the top level of a module that are assigned a call of one of the classes."""
    if not any(f"{name}(".encode() in file.data for name in classes):
        return []
    try:
        tree = ast.parse(file.data)
    except (SyntaxError, ValueError):
        return []  # the stages that parse this file report it
    return [name for node in tree.body for name in _assigned_app(node, frozenset(classes))]


def _assigned_app(node: ast.stmt, classes: frozenset[str]) -> list[str]:
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    else:
        return []
    if not isinstance(node.value, ast.Call):
        return []
    function = node.value.func
    name = (
        function.id if isinstance(function, ast.Name) else function.attr if isinstance(function, ast.Attribute) else ""
    )
    return [target.id for target in targets if isinstance(target, ast.Name)] if name in classes else []


def declared_dependencies(pyproject: Mapping[str, object]) -> set[str]:
    """The names of the packages that the project says it needs, normalized."""
    listed = _at(pyproject, ("project", "dependencies"))
    poetry = _at(pyproject, ("tool", "poetry", "dependencies"))
    names = [item for item in listed if isinstance(item, str)] if isinstance(listed, list) else []
    names += [str(name) for name in poetry] if isinstance(poetry, Mapping) else []
    return {re.split(r"[^\w.-]", name.strip(), maxsplit=1)[0].lower().replace("_", "-") for name in names}


def _is_imported(sources: Sources, packages: Iterable[str]) -> bool:
    names = "|".join(re.escape(name) for name in packages)
    pattern = re.compile(rf"^[ \t]*(?:from|import)[ \t]+(?:{names})\b".encode(), re.MULTILINE)
    return any(sources.memory.each(f"imports {names}", "", _own(sources), lambda file: bool(pattern.search(file.data))))


def _at(content: object, keys: Sequence[str]) -> object:
    """The value at a path of keys, or None."""
    for key in keys:
        content = content.get(key) if isinstance(content, Mapping) else None
    return content if keys else None
