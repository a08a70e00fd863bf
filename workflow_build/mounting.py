"""How the app mounts each handler: the lines for it, where they go, and whether the source has them. Reads source, runs none of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from workflow_build.adapters import handler_module, load_adapter
from workflow_build.adapters.base import FittingAdapter
from workflow_build.adapters.reading import not_mounted
from workflow_build.emit import output_package
from workflow_build.model import Config, Diagnostic, Location, SourceFile, Sources
from workflow_build.routes import locate_app

SETTINGS = "*.ini"
"""Files at the top of a project that may name a handler in the place of code, as those of Pyramid do."""


@dataclass(frozen=True, slots=True)
class Mount:
    """The lines that the app needs for one target."""

    target: str
    module: str
    """The handler's module, by dotted name."""
    lines: tuple[str, ...]
    place: Location | None
    """The app object, or the factory that makes it; None when no app was found."""
    mounted_in: str | None
    """The file that mounts the handler already, relative to the project; None when none seems to."""
    factory: str | None = None
    """The name of the function at ``place``; None when an app stands there."""
    is_command: bool = False
    """Whether nothing is mounted, and the lines are a command that is run."""

    @property
    def finding(self) -> Diagnostic:
        """What a build says when the app turns out not to mount the handler: WB501, with the same lines."""
        return not_mounted(load_adapter(self.target), self.module, self.lines)


def mounts(config: Config, sources: Sources) -> tuple[Mount, ...]:
    """What each target takes."""
    place = locate_app(config) if config.app else None
    text = _text(config.project / place.path) if place else ""
    line = text.splitlines()[place.line - 1] if place and text else ""
    factory = re.match(r"(?:async +)?def +(\w+)", line)
    return tuple(
        _mount(config, target, sources, place, text, factory[1] if factory else None) for target in config.targets
    )


def _mount(
    config: Config, target: str, sources: Sources, place: Location | None, text: str, factory: str | None
) -> Mount:
    adapter, module = load_adapter(target), handler_module(output_package(config), target)
    lines = adapter.fitting_lines(module, text) if isinstance(adapter, FittingAdapter) else adapter.mount_lines(module)
    named = _Handler.of(module, lines)
    return Mount(
        target, module, lines, place, _mounted_in(named, config.project, sources.files), factory, not adapter.has_routes
    )


@dataclass(frozen=True, slots=True)
class _Handler:
    """A handler's module, as source may name it."""

    module: str
    folder: str
    """The output folder's own name."""
    name: str
    others: frozenset[str]
    """What is in it that may be used without mounting its routes."""

    @staticmethod
    def of(module: str, lines: Sequence[str]) -> _Handler:
        """Where the lines mount it by its name in a text, as for Django's URLs, importing ``mount`` does something else."""
        package, _, name = module.rpartition(".")
        others = frozenset({"bridge", "mount"}) if any(f'"{module}"' in line for line in lines) else frozenset[str]()
        return _Handler(module, package.rpartition(".")[2], name, others)


def _mounted_in(handler: _Handler, project: Path, files: Sequence[SourceFile]) -> str | None:
    """The first file that names the handler and does more than to import it. Where nobody can tell, it does."""
    for file in files:
        is_named = handler.folder.encode() in file.data and handler.name.encode() in file.data
        if is_named and _is_used(file, handler, files):
            return file.path
    named = (path for path in sorted(project.glob(SETTINGS)) if handler.module in _text(path))
    return next((path.name for path in named), None)


def _is_used(file: SourceFile, handler: _Handler, files: Sequence[SourceFile]) -> bool:
    """Whether what the file imports of the handler is used in it, or imported from it; true when it imports nothing of it."""
    try:
        nodes = [*ast.walk(ast.parse(file.data))]
    except (SyntaxError, ValueError):
        return True
    imported = dict(_imported(nodes, handler))
    dotted = f"{handler.folder}.{handler.name}"
    if not imported or "*" in imported or any(dotted in text for text in _texts(nodes)):
        return True
    names = {name for name, origin in imported.items() if origin not in handler.others}
    if not names or any(isinstance(node, ast.Name) and node.id in names for node in nodes):
        return bool(names)
    here, wanted = file.module.rpartition(".")[2], "|".join(sorted(names))
    passed_on = re.compile(rf"\b{here}\b.*\b(?:{wanted})\b".encode(), re.DOTALL)
    return any(passed_on.search(other.data) for other in files if other is not file)


def _texts(nodes: Iterable[ast.AST]) -> Iterator[str]:
    values = (node.value for node in nodes if isinstance(node, ast.Constant))
    return (value for value in values if isinstance(value, str))


def _imported(nodes: Iterable[ast.AST], handler: _Handler) -> Iterator[tuple[str, str]]:
    """The names that imports of the handler module, and of what is in it, bind, each with what it is called there."""
    dotted = f"{handler.folder}.{handler.name}"
    for node in nodes:
        if isinstance(node, ast.Import):
            found = [alias for alias in node.names if alias.name.endswith(dotted)]
            yield from ((alias.asname or alias.name.partition(".")[0], dotted) for alias in found)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            is_inner = origin.endswith(dotted)
            is_whole = origin.endswith(handler.folder)
            found = [alias for alias in node.names if is_inner or (is_whole and alias.name == handler.name)]
            yield from ((alias.asname or alias.name, alias.name) for alias in found)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
