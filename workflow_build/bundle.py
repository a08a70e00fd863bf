"""Make each workflow's bundle: the modules that it reaches, cut to what it needs of them."""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from workflow_build.cache.memory import Memory
from workflow_build.cut.module import Cutter, cutter
from workflow_build.cut.share import Done, Task, cut_all
from workflow_build.cut.stateless import is_stateless
from workflow_build.errors import BuildError
from workflow_build.model import (
    BuiltWorkflow,
    Bundles,
    Config,
    Function,
    KeptStatement,
    Program,
    ReachedModule,
    SourceFile,
    Sources,
    WorkflowClosure,
)
from workflow_build.syntax.branches import all_functions_in
from workflow_build.syntax.module import has_one
from workflow_build.syntax.source import Parsed, parse
from workflow_runtime.bundles import Bundle, BundleModule


def bundle(sources: Sources, program: Program, config: Config) -> Bundles:
    """One bundle for each workflow. A ``BuildError`` names a file that can be run but not be rewritten."""
    del config  # what it says about the workflows is in the program
    functions: dict[str, dict[int, Function]] = {}
    for function in (f for closure in program.workflows for f in (closure.function, *closure.steps)):
        functions.setdefault(function.location.path, {}).update(dict.fromkeys(function.lines, function))
    keys = {
        closure.function.id: _key(closure, program.pure, functions, sources.memory) for closure in program.workflows
    }
    fresh = [one for one in program.workflows if not sources.memory.has("bundle", keys[one.function.id])]
    project = _Project(functions, {file.path: file for file in sources.files} if fresh else {})
    project.prepare(module for closure in fresh for module in closure.modules)
    return Bundles(
        tuple(
            _remembered(one, keys[one.function.id], program.pure, project, sources.memory) for one in program.workflows
        )
    )


@dataclass(frozen=True, slots=True)
class Cut:
    """A bundle with its hash."""

    bundle: Bundle
    hash: str


def _key(
    closure: WorkflowClosure, pure: tuple[str, ...], functions: Mapping[str, Mapping[int, Function]], memory: Memory
) -> str:
    """Tells all that the bundle follows from: the closure, and what is marked in its modules."""
    marks = tuple(tuple(functions.get(module.path, {}).items()) for module in closure.modules)
    source = closure, pure, marks
    return memory.derive(
        "bundle key",
        closure.function.id,
        source,
        lambda: hashlib.sha256(repr(source).encode(errors="surrogateescape")).hexdigest(),
    )


def _remembered(
    closure: WorkflowClosure, key: str, pure: tuple[str, ...], project: _Project, memory: Memory
) -> BuiltWorkflow:
    def built() -> tuple[Cut, tuple[str, ...]]:
        modules = tuple(project.cut(module) for module in closure.modules)
        stateless = all(project.is_stateless(module) for module in closure.modules)
        bundle = Bundle(closure.function.id, stateless, pure, modules)
        return Cut(bundle, bundle.hash), ()

    found: Cut = memory.recall(Cut, "bundle", key, str, built).value
    return BuiltWorkflow(closure.function, found.bundle, tuple(step.id for step in closure.steps), found.hash)


def cut_task(task: Task) -> Done:
    """All that is asked of one file; nothing when it can not be done, since an error is raised where it is in order."""
    project = _Project({module.path: task.functions for module in task.modules})
    try:
        cut = tuple(project.cut(module) for module in task.modules)
        return Done(cut, tuple(project.is_stateless(module) for module in task.modules))
    except BuildError:
        return Done((), ())


@dataclass(frozen=True, slots=True)
class _Project:
    """The modules as they are cut, each parsed once and each cut made once, since several workflows reach them."""

    functions: Mapping[str, Mapping[int, Function]]
    """The marked functions by path and line."""
    files: Mapping[str, SourceFile] = field(default_factory=dict)
    """Those by path that may have been parsed already."""
    _trees: dict[str, ast.Module] = field(default_factory=dict)
    _cutters: dict[str, Cutter] = field(default_factory=dict)
    _modules: dict[tuple[str, tuple[KeptStatement, ...]], BundleModule] = field(default_factory=dict)
    _stateless: dict[tuple[str, tuple[KeptStatement, ...]], bool] = field(default_factory=dict)

    def prepare(self, modules: Iterable[ReachedModule]) -> None:
        """Cut those of the modules for which it takes long, in several processes if that is faster."""
        by_path: dict[str, dict[tuple[str, tuple[KeptStatement, ...]], ReachedModule]] = {}
        for module in modules:
            if module.statements and not self._is_cut_fast(module):
                by_path.setdefault(module.path, {})[module.name, module.statements] = module
        tasks = [Task(self.functions.get(path, {}), tuple(found.values())) for path, found in by_path.items()]
        for task, done in zip(tasks, cut_all(tasks, cut_task), strict=True):
            for module, cut, stateless in zip(task.modules, done.modules, done.stateless, strict=False):
                self._modules[module.name, module.statements] = cut
                self._stateless[module.name, module.statements] = stateless

    def cut(self, module: ReachedModule) -> BundleModule:
        """The module with only its kept statements."""
        key = module.name, module.statements
        if key not in self._modules:
            source = self._source(module) if module.statements else ""
            self._modules[key] = BundleModule(module.name, module.path, module.is_package, source)
        return self._modules[key]

    def is_stateless(self, module: ReachedModule) -> bool:
        """Whether nothing in the kept statements can change."""
        key = module.name, module.statements
        if key not in self._stateless:
            kinds = {line: function.kind for line, function in self.functions.get(module.path, {}).items()}
            self._stateless[key] = not module.statements or is_stateless(module, self._tree(module), kinds)
        return self._stateless[key]

    def _is_cut_fast(self, module: ReachedModule) -> bool:
        try:
            return self._cutter(module).is_plain(module.statements)
        except RecursionError:
            return False  # it is told where it is in order

    def _source(self, module: ReachedModule) -> str:
        try:
            return self._cutter(module).cut(module.statements)
        except ValueError as error:
            raise _not_rewritable(module, str(error)) from error
        except RecursionError as error:
            raise _not_rewritable(module, "it is nested too deeply") from error

    def _cutter(self, module: ReachedModule) -> Cutter:
        if module.path not in self._cutters:
            marked = self.functions.get(module.path, {})
            tree = self._tree(module)
            marks = [
                [marked.get(function.lineno) for function in all_functions_in(node)] if has_one(node, marked) else []
                for node in tree.body
            ]
            self._cutters[module.path] = cutter(module.text, tree, marks)
        return self._cutters[module.path]

    def _tree(self, module: ReachedModule) -> ast.Module:
        if module.path not in self._trees:
            file = self.files.get(module.path)
            parsed = parse(file) if file is not None else None
            if isinstance(parsed, Parsed) and parsed.text == module.text:
                self._trees[module.path] = parsed.tree
            else:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    self._trees[module.path] = ast.parse(module.text)
        return self._trees[module.path]


def _not_rewritable(module: ReachedModule, problem: str) -> BuildError:
    """The file is valid, but libcst can not give it back line by line."""
    return BuildError(f"{module.path} can not be rewritten: {problem}; write that part in a plainer way")
