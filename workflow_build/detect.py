"""Detect what the configuration leaves open: roots, the app, targets, the output folder. Reads source, runs none of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import compress
from pathlib import Path, PurePosixPath

from workflow_build.adapters.base import Adapter, Clues
from workflow_build.literals import is_dotted_name
from workflow_build.model import SourceFile, Sources

OUTPUT_NAME = "_workflow"
CONVENTIONS = (
    "main.py",
    "app.py",
    "api.py",
    "app/main.py",
    "app/app.py",
    "app/api.py",
    "asgi.py",
    "wsgi.py",
    "server.py",
)
"""Where the frameworks' own tools look for an app, in their order; in a package the same names count."""

FAVOURITE_NAMES = ("app", "api", "application")
FACTORIES = ("create_app", "make_app")
"""What functions are called that make an app."""

TELLING = ("_APP", "_APP_NAME", "_SETTINGS_MODULE", "FUNCTION_SOURCE", "FUNCTION_TARGET")
"""How the names of the variables end by which frameworks' tools are told where the app is."""

ENVIRONMENT_FILES = (".flaskenv", ".env")
"""Files that such tools read into the environment: each goes before the one before it, and what is set before both."""


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


def find_app(
    sources: Sources,
    adapters: Sequence[Adapter],
    pyproject: Mapping[str, object],
    project: Path,
    environment: Mapping[str, str],
) -> FoundApp | None:
    """What the frameworks' own settings say; else the most conventional module that makes an app at its top level, or in a factory."""
    for adapter in adapters:
        named = _at(pyproject, adapter.entrypoint_key)
        if isinstance(named, str) and named:
            return FoundApp(named, adapter.name)
    clues = Clues(project, environment, _own(sources))
    for adapter in adapters:
        told = adapter.named_app(clues)
        if told:
            return FoundApp(told, adapter.name)
    made = list(_apps_in(sources, adapters))
    if not made:
        return None
    file, adapter, names = min(made, key=lambda one: _convention(one[0]))  # of several adapters, the first
    return FoundApp(f"{file.module}:{min(names, key=_favour)}", adapter.name)


def telling_environment(project: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables that may name an app or its settings, those included that the project's ``.env`` files set."""
    found: dict[str, str] = {}
    for name in ENVIRONMENT_FILES:
        with suppress(OSError, UnicodeDecodeError):
            lines = (project / name).read_text("utf-8").splitlines()
            pairs = (line.removeprefix("export ").partition("=") for line in lines if not line.lstrip().startswith("#"))
            found |= {key.strip(): value.strip().strip("'\"") for key, _, value in pairs}
    found |= environment
    return {key: value for key, value in found.items() if key.endswith(TELLING) and value}


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


def _apps_in(sources: Sources, adapters: Sequence[Adapter]) -> Iterator[tuple[SourceFile, Adapter, list[str]]]:
    """The files that make an app of an adapter's framework, and what they call it. Each file is looked at once for all of them."""
    kinds = tuple((adapter.app_classes, adapter.packages) for adapter in adapters)
    found = sources.memory.each("apps", repr(kinds), _own(sources), partial(_apps_of, kinds=kinds))
    for file, made in zip(_own(sources), found, strict=True):
        for number, names in made:
            yield file, adapters[number], names


def _apps_of(file: SourceFile, kinds: Sequence[tuple[Sequence[str], Sequence[str]]]) -> list[tuple[int, list[str]]]:
    """The numbers of the kinds of app that the file makes, with their names."""
    made = ((number, _apps_made(file, classes, packages)) for number, (classes, packages) in enumerate(kinds))
    return [(number, names) for number, names in made if names]


def _is_test(file: SourceFile) -> bool:
    path = PurePosixPath(file.path)
    return bool({"tests", "test"}.intersection(path.parts)) or path.name.startswith(("test_", "conftest"))


def _convention(file: SourceFile) -> tuple[int, int, str]:
    tail = file.module.replace(".", "/") + ".py"
    short = PurePosixPath(file.path).name
    rank = CONVENTIONS.index(tail) if tail in CONVENTIONS else len(CONVENTIONS)
    return rank, CONVENTIONS.index(short) + 1 if short in CONVENTIONS else 9, f"{file.module.count('.'):03}{file.path}"


def _favour(name: str) -> tuple[int, str]:
    names = (*FAVOURITE_NAMES, *FACTORIES)
    return (names.index(name) if name in names else len(FAVOURITE_NAMES)), name


def _apps_made(file: SourceFile, classes: Iterable[str], packages: Iterable[str]) -> list[str]:
    """Names at the top level of a module that are assigned a call of one of the classes, and factories that make such a call."""
    if not all(any(name.encode() in file.data for name in names) for names in (classes, packages)):
        return []
    try:
        tree = ast.parse(file.data)
    except (SyntaxError, ValueError):
        return []  # the stages that parse this file report it
    makers = _makers(tree, frozenset(classes), frozenset(packages))
    return [name for node in tree.body for name in (*_assigned_app(node, makers), *_factory(node, makers))]


def _makers(tree: ast.Module, classes: frozenset[str], packages: frozenset[str]) -> re.Pattern[str]:
    """Fits the dotted names, as they stand in this module, of the classes that are imported from one of the packages."""
    some = "|".join(sorted(classes))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").partition(".")[0] in packages:
            names = [(alias.name, re.escape(alias.asname or alias.name)) for alias in node.names]
            found |= {name if origin in classes else rf"{name}\.(?:\w+\.)*(?:{some})" for origin, name in names}
        elif isinstance(node, ast.Import):
            held = [alias for alias in node.names if alias.name.partition(".")[0] in packages]
            heads = [re.escape(alias.asname or alias.name.partition(".")[0]) for alias in held]
            found |= {rf"{head}\.(?:\w+\.)*(?:{some})" for head in heads}
    return re.compile("|".join(sorted(found)) or r"(?!)")


def _assigned_app(node: ast.stmt, makers: re.Pattern[str]) -> list[str]:
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    else:
        return []
    if not _makes(node.value, makers):
        return []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _factory(node: ast.stmt, makers: re.Pattern[str]) -> list[str]:
    """The name of a function that is called as factories are, needs no argument, and makes an app."""
    if not isinstance(node, ast.FunctionDef) or node.name not in FACTORIES:
        return []
    given = node.args
    needed = len(given.posonlyargs) + len(given.args) - len(given.defaults)
    if needed or None in given.kw_defaults:
        return []
    return [node.name] if any(_makes(inner, makers) for inner in ast.walk(node)) else []


def _makes(node: ast.AST | None, makers: re.Pattern[str]) -> bool:
    return isinstance(node, ast.Call) and makers.fullmatch(ast.unparse(node.func)) is not None


def declared_dependencies(pyproject: Mapping[str, object]) -> set[str]:
    """The names of the packages that the project says it needs, normalized."""
    listed = _at(pyproject, ("project", "dependencies"))
    poetry = _at(pyproject, ("tool", "poetry", "dependencies"))
    names = [item for item in listed if isinstance(item, str)] if isinstance(listed, list) else []
    names += [str(name) for name in poetry] if isinstance(poetry, Mapping) else []
    return {re.split(r"[^\w.-]", name.strip(), maxsplit=1)[0].lower().replace("_", "-") for name in names}


def _is_imported(sources: Sources, packages: Sequence[str]) -> bool:
    if not packages:
        return False
    names = "|".join(re.escape(name) for name in packages)
    pattern = re.compile(rf"^[ \t]*(?:from|import)[ \t]+(?:{names})\b".encode(), re.MULTILINE)
    return any(sources.memory.each(f"imports {names}", "", _own(sources), lambda file: bool(pattern.search(file.data))))


def _at(content: object, keys: Sequence[str]) -> object:
    """The value at a path of keys, or None."""
    for key in keys:
        content = content.get(key) if isinstance(content, Mapping) else None
    return content if keys else None
