"""Detect what the configuration leaves open: the app, targets, the output folder. Reads source, runs none of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import compress
from pathlib import Path, PurePosixPath

from workflow_build.adapters import handler_module
from workflow_build.adapters.base import Adapter, Clues
from workflow_build.literals import is_dotted_name
from workflow_build.made_apps import FACTORIES, AppKind, apps_of
from workflow_build.model import SourceFile, Sources
from workflow_build.syntax.importing import importing_lines

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

HANDLER = re.compile(rb"\b_workflow(?:\.| +import +)(\w+)")
"""A handler module of the default output folder, imported or named."""

FAVOURITE_NAMES = ("app", "api", "application")
SETTINGS_FILES = (
    ".vercel/project.json",
    "development.ini",
    "production.ini",
    "serverless.yaml",
    "serverless.yml",
    "template.yaml",
    "template.yml",
    "vercel.json",
)
"""The files besides pyproject.toml and Python's in which frameworks and platforms have what their adapters read to find an app."""

TELLING = ("_APP", "_APP_NAME", "_SETTINGS_MODULE", "FUNCTION_SOURCE", "FUNCTION_TARGET")
"""How the names of the variables end by which frameworks' tools are told where the app is."""

PLATFORMS = frozenset({"aws-lambda", "azure-functions", "functions-framework", "vercel"})
"""Targets that say where an app runs, whatever its framework is: they go before those of frameworks."""

ENVIRONMENT_FILES = (".flaskenv", ".env")
"""Files that such tools read into the environment: each goes before the one before it, and what is set before both."""


@dataclass(frozen=True, slots=True)
class FoundApp:
    """An app, as ``module:attribute``, and the target that it is for."""

    app: str
    target: str
    others: tuple[str, ...] = ()
    """Apps of other frameworks that might be meant as well, as people read them."""


def find_app(
    sources: Sources,
    adapters: Sequence[Adapter],
    pyproject: Mapping[str, object],
    project: Path,
    environment: Mapping[str, str],
) -> FoundApp | None:
    """The app whose handler some module imports already, if there are several.

    Else what the frameworks' own settings say; else the most conventional module that makes an app at its top level, or in a factory.
    """
    ordered = sorted(adapters, key=lambda adapter: adapter.name not in PLATFORMS)
    clues = Clues(project, environment, _own(sources))
    keys = ((adapter, _at(pyproject, adapter.entrypoint_key)) for adapter in ordered)
    named = [*keys, *((adapter, adapter.named_app(clues)) for adapter in ordered)]
    made = sorted(_apps_in(sources, adapters), key=lambda one: _convention(one[0]))  # of several adapters, the first
    apps = [(adapter, f"{file.module}:{min(names, key=_favour)}") for file, adapter, names in made]
    by_target: dict[str, tuple[Adapter, str]] = {}
    for adapter, app in (*named, *apps):
        if isinstance(app, str) and app:
            by_target.setdefault(adapter.name, (adapter, app))
    return _chosen(list(by_target.values()), sources)


def _chosen(apps: Sequence[tuple[Adapter, str]], sources: Sources) -> FoundApp | None:
    """The first of one app for each target; before it the first whose handler is imported."""
    if not apps:
        return None
    mounted = _imported_handlers(sources) if len(apps) > 1 else frozenset[str]()
    adapter, app = next((one for one in apps if handler_module("", one[0].name)[1:] in mounted), apps[0])
    others = tuple(f"{name} ({other.title})" for other, name in apps if name != app)
    return FoundApp(app, adapter.name, others)


def _imported_handlers(sources: Sources) -> frozenset[str]:
    """The names of handler modules that the project's own modules import, or name in a text as ``include()`` takes it."""
    found = sources.memory.each("handlers", "", _own(sources), lambda file: HANDLER.findall(file.data))
    return frozenset(name.decode() for names in found for name in names)


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


def settings_files(project: Path) -> dict[str, str]:
    """The text of each of the project's files in which an app may be named."""
    found: dict[str, str] = {}
    for name in SETTINGS_FILES:
        with suppress(OSError):
            found[name] = (project / name).read_text("utf-8", "replace")
    return found


def find_targets(sources: Sources, adapters: Sequence[Adapter], pyproject: Mapping[str, object]) -> tuple[str, ...]:
    """The adapters whose framework is among the project's dependencies, or failing that is imported somewhere.

    A framework that is a part of its package, which has clients as well, is only found by an import.
    """
    declared = declared_dependencies(pyproject)
    found = {adapter.name for adapter in adapters if declared.intersection(adapter.packages)}
    parts = {adapter.name: [name for name in adapter.packages if not found or "." in name] for adapter in adapters}
    found |= {name for name, packages in parts.items() if _is_imported(sources, packages)}
    return tuple(adapter.name for adapter in adapters if adapter.name in found)


def find_output(sources: Sources, roots: Sequence[Path], project: Path, app: str | None) -> Path:
    """``_workflow`` in the top-level package of the app, else of the first marked function, else beside flat modules."""
    files = {file.module: file for file in _own(sources)}
    app_file = files.get(app.partition(":")[0]) if app else None
    marked = [file for file in _own(sources) if file.candidate]
    for file in [app_file, *marked]:
        if file is not None and ("." in file.module or file.is_package):
            return project / _top_package(file, _own(sources)) / OUTPUT_NAME
    return roots[0] / OUTPUT_NAME


def _top_package(file: SourceFile, files: Sequence[SourceFile]) -> PurePosixPath:
    """The outermost folder of a file's package. What is a namespace belongs to others as well: there it is the package inside."""
    depth = file.module.count(".") + (1 if file.is_package else 0)
    folders = [*PurePosixPath(file.path).parents][depth - 1 :: -1]
    packages = {one.path for one in files if one.is_package}
    regular = [f"{folder}/__init__.py" in packages for folder in folders]
    if regular[0] or not any(regular):
        return folders[0]
    holders = {one.path.rpartition("/")[0] for one in files}
    return next(folder for folder in folders if str(folder) in holders)


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
    kinds = tuple(AppKind.of(adapter) for adapter in adapters)
    found = sources.memory.each("apps", repr(kinds), _own(sources), partial(apps_of, kinds=kinds))
    for file, made in zip(_own(sources), found, strict=True):
        for number, names in made:
            yield file, adapters[number], names


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
    inner = [name.rpartition(".") for name in packages if "." in name]
    from_top = r"|from[ \t]+{}[ \t]+import\b(?:[ \t]*\([^)]*|[^#\n]*)\b{}\b"
    parts = "".join(from_top.format(re.escape(top), part) for top, _, part in inner)
    pattern = re.compile(rf"^[ \t]*(?:(?:from|import)[ \t]+(?:{names})\b{parts})".encode(), re.MULTILINE)
    tops = {name.partition(".")[0].encode() for name in packages}

    def imports(file: SourceFile) -> bool:
        lines = importing_lines(file)
        return any(top in lines for top in tops) and pattern.search(lines) is not None

    return any(sources.memory.each(f"imports {names}", "", _own(sources), imports))


def _at(content: object, keys: Sequence[str]) -> object:
    """The value at a path of keys, or None."""
    for key in keys:
        content = content.get(key) if isinstance(content, Mapping) else None
    return content if keys else None
