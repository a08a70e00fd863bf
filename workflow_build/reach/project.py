"""The modules of the project, analysed when they are first asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TypeVar

from workflow_build.cache.memory import Memory, Recorder
from workflow_build.model import Diagnostic, Function, FunctionKind, Functions, SourceFile, Sources
from workflow_build.syntax.module import ModuleSyntax, analyse
from workflow_build.syntax.source import Parsed, parse, too_deep

S = TypeVar("S")
T = TypeVar("T")

INSIDE = ".*"
"""Stands in a question for the names of all modules of a package."""


@dataclass(slots=True)
class ProjectModules:
    """Looks modules up by name. A file that can not be read counts as an empty module and leaves a diagnostic."""

    _files: Mapping[str, SourceFile]
    _folders: Mapping[str, str]
    """Packages without ``__init__.py``, with their path."""
    _functions: Mapping[str, Mapping[int, Function]]
    """The marked functions by path and line."""
    memory: Memory
    _analysed: dict[str, ModuleSyntax | None] = field(default_factory=dict)
    _problems: dict[str, Diagnostic] = field(default_factory=dict)
    """What is wrong with modules that can not be read."""
    _met: set[str] = field(default_factory=set)
    """Those of the unreadable modules that the result which is being worked out wanted to read."""
    _answers: dict[str, str] = field(default_factory=dict)
    _recorder: Recorder = field(init=False)

    def __post_init__(self) -> None:
        before = self.memory.answers()
        changed = frozenset(question for question, answer in before.items() if self._answer(question) != answer)
        self._recorder = Recorder(self.memory, self._answer, changed=changed)
        self.memory.note(self._answers)

    def __contains__(self, module: str) -> bool:
        self._recorder.asked.add(module)
        return module in self._files or module in self._folders

    def file(self, module: str) -> SourceFile | None:
        """The module's file, if it has one."""
        self._recorder.asked.add(module)
        return self._files.get(module)

    def folder(self, module: str) -> str | None:
        """The folder of a package without ``__init__.py``."""
        self._recorder.asked.add(module)
        return self._folders.get(module)

    def inside(self, package: str) -> list[str]:
        """The modules with a file that are directly in the package."""
        self._recorder.asked.add(f"{package}{INSIDE}")
        return self._inside(package)

    def syntax(self, module: str) -> ModuleSyntax | None:
        """The module's analysis; None when it has no source that can be read."""
        self._recorder.asked.add(module)
        if module not in self._analysed:
            file = self._files.get(module)
            self._analysed[module] = self._analyse(file) if file else None
        if module in self._problems:
            self._met.add(module)
        return self._analysed[module]

    def function(self, module: str, line: int) -> Function | None:
        """The marked function whose ``def`` is on that line."""
        self._recorder.asked.add(module)
        file = self._files.get(module)
        return self._functions.get(file.path, {}).get(line) if file else None

    def marked_lines(self, module: str) -> Collection[int]:
        """The lines of the marked functions in the module."""
        self._recorder.asked.add(module)
        file = self._files.get(module)
        return self._functions.get(file.path, {}).keys() if file else ()

    def unreadable(self) -> tuple[Diagnostic, ...]:
        """What is wrong with the modules that the result which is being worked out wanted to read and could not."""
        return tuple(self._problems[module] for module in sorted(self._met))

    def recall_each(
        self, kind: type[T], what: str, items: Sequence[S], key: Callable[[S], str], make: Callable[[S], T]
    ) -> list[T]:
        """``recall`` for each of many items, by their keys."""

        def made(item: S) -> T:
            self._met = set()
            return make(item)

        return self._recorder.recall_each(kind, what, items, key, made)

    def recall(self, kind: type[T], what: str, key: str, make: Callable[[], T]) -> T:
        """What ``make`` gives; not made again, in later builds too, while all modules that it asked about are as they were.

        ``make`` must ask these modules for all that it wants to know of the project's source.
        """

        def made() -> T:
            self._met = set()
            return make()

        return self._recorder.recall(kind, what, key, made)

    def _answer(self, question: str) -> str:
        """What a module is now, and what is marked in it."""
        if question not in self._answers:
            self._answers[question] = self._answered(question)
        return self._answers[question]

    def _answered(self, question: str) -> str:
        if question.endswith(INSIDE):
            return " ".join(self._inside(question.removesuffix(INSIDE)))
        file = self._files.get(question)
        if file is None:
            return self._folders.get(question, "")
        marks = self._functions.get(file.path)
        return f"{file.digest} {file.path} {_digest(tuple(marks.values()), file) if marks else ''}"

    def _inside(self, package: str) -> list[str]:
        return sorted(name for name in self._files if name.rpartition(".")[0] == package)

    def _analyse(self, file: SourceFile) -> ModuleSyntax | None:
        parsed = parse(file)
        if isinstance(parsed, Parsed):
            marks: dict[int, FunctionKind] = {
                line: function.kind for line, function in self._functions.get(file.path, {}).items()
            }
            known = file.results.get("syntax")
            if isinstance(known, _Analysed) and known.marks == marks:
                return known.syntax
            try:
                known = file.results["syntax"] = _Analysed(marks, analyse(parsed, marks))
            except RecursionError:
                parsed = too_deep(file)
            else:
                return known.syntax
        self._problems[file.module] = parsed
        return None


def project_modules(sources: Sources, functions: Functions) -> ProjectModules:
    """The modules of ``sources``. Of two files with one module name, the package or else the first by path is taken.

    All stages of a build are given the same modules, so that each is analysed once.
    """
    known = sources.results.get("modules")
    if not isinstance(known, _Known) or known.functions is not functions:
        known = sources.results["modules"] = _Known(functions, _project_modules(sources, functions))
    return known.modules


@dataclass(frozen=True, slots=True)
class _Known:
    functions: Functions
    modules: ProjectModules


def _project_modules(sources: Sources, functions: Functions) -> ProjectModules:
    packages = (file for file in sources.files if file.is_package)
    files = {file.module: file for file in reversed((*packages, *sources.files))}
    by_path: dict[str, dict[int, Function]] = {}
    for function in functions.functions:
        by_path.setdefault(function.location.path, {}).update(dict.fromkeys(function.lines, function))
    return ProjectModules(files, _folders(sources.files), by_path, sources.memory)


def _digest(functions: tuple[Function, ...], file: SourceFile) -> str:
    """Tells what is marked in the file."""
    known = file.facts.get("marks")
    if not isinstance(known, _Marks) or known.functions != functions:
        text = hashlib.sha256(repr(functions).encode(errors="surrogateescape")).hexdigest()[:16]
        known = file.facts["marks"] = _Marks(functions, text)
    return known.digest


@dataclass(frozen=True, slots=True)
class _Analysed:
    marks: Mapping[int, FunctionKind]
    syntax: ModuleSyntax


@dataclass(frozen=True, slots=True)
class _Marks:
    functions: tuple[Function, ...]
    digest: str


def _folders(files: Sequence[SourceFile]) -> dict[str, str]:
    """Packages without ``__init__.py``; of several folders for one, that of the first file."""
    found: dict[str, str] = {}
    packages = {file.module for file in files}
    seen: set[str] = set()
    for file in files:
        name = file.module.rpartition(".")[0]
        if name in seen:
            continue
        seen.add(name)
        folder = PurePosixPath(file.path).parent.parent if file.is_package else PurePosixPath(file.path).parent
        while name:
            if name not in packages:
                found.setdefault(name, folder.as_posix())
            name, folder = name.rpartition(".")[0], folder.parent
    return found
