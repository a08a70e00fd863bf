"""The modules of the project, analysed when they are first asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from workflow_build.model import Diagnostic, Function, FunctionKind, Functions, SourceFile, Sources
from workflow_build.syntax.module import ModuleSyntax, analyse
from workflow_build.syntax.source import Parsed, parse, too_deep


@dataclass(slots=True)
class ProjectModules:
    """Looks modules up by name. A file that can not be read counts as an empty module and leaves a diagnostic."""

    files: dict[str, SourceFile]
    folders: dict[str, str]
    """Packages without ``__init__.py``, with their path."""
    functions: dict[str, dict[int, Function]]
    """The marked functions by path and line."""
    diagnostics: dict[str, Diagnostic] = field(default_factory=dict)
    """By path."""
    _analysed: dict[str, ModuleSyntax | None] = field(default_factory=dict)

    def __contains__(self, module: str) -> bool:
        return module in self.files or module in self.folders

    def syntax(self, module: str) -> ModuleSyntax | None:
        """The module's analysis; None when it has no source that can be read."""
        if module not in self._analysed:
            file = self.files.get(module)
            self._analysed[module] = self._analyse(file) if file else None
        return self._analysed[module]

    def function(self, module: str, line: int) -> Function | None:
        """The marked function whose ``def`` is on that line."""
        file = self.files.get(module)
        return self.functions.get(file.path, {}).get(line) if file else None

    def _analyse(self, file: SourceFile) -> ModuleSyntax | None:
        parsed = parse(file)
        if isinstance(parsed, Parsed):
            marks: dict[int, FunctionKind] = {
                line: function.kind for line, function in self.functions.get(file.path, {}).items()
            }
            try:
                return analyse(parsed, marks)
            except RecursionError:
                parsed = too_deep(file)
        self.diagnostics[file.path] = parsed
        return None


def project_modules(sources: Sources, functions: Functions) -> ProjectModules:
    """The modules of ``sources``. Of two files with one module name, the package or else the first by path is taken."""
    files: dict[str, SourceFile] = {}
    for file in sorted(sources.files, key=lambda file: (not file.is_package, file.path)):
        files.setdefault(file.module, file)
    by_path: dict[str, dict[int, Function]] = {}
    for function in functions.functions:
        by_path.setdefault(function.location.path, {})[function.location.line] = function
    return ProjectModules(files, _folders(files.values()), by_path)


def _folders(files: Iterable[SourceFile]) -> dict[str, str]:
    found: dict[str, str] = {}
    packages = {file.module for file in files}
    for file in sorted(files, key=lambda file: file.path):
        folder = PurePosixPath(file.path).parent.parent if file.is_package else PurePosixPath(file.path).parent
        name = file.module.rpartition(".")[0]
        while name:
            if name not in packages:
                found.setdefault(name, folder.as_posix())
            name, folder = name.rpartition(".")[0], folder.parent
    return found
