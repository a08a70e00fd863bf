"""Makes a bundle ready to run: executes its modules with their own builtins and imports.

The modules never take the place of the user's real ones. They stand in ``sys.modules`` under a prefix of their own,
because pydantic, dataclasses and typing look a class's module up there to evaluate its annotations.
"""

from __future__ import annotations
import __future__

import builtins
import json
import sys
import threading
import traceback
from collections.abc import Callable, Collection, Coroutine
from functools import lru_cache
from operator import attrgetter
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from workflow_runtime.bundles import Bundle, BundleModule
from workflow_runtime.errors import WorkflowError
from workflow_runtime.events import Json
from workflow_runtime.sandbox.imports import Importer
from workflow_runtime.sandbox.naming import prefix_of
from workflow_runtime.sandbox.placeholder import placeholder
from workflow_runtime.sandbox.saying import live_print
from workflow_runtime.sandbox.stubs import step_stub
from workflow_runtime.values import PROCESS_CLASSES

_shared: dict[tuple[Bundle, Path], SandboxProgram] = {}
_sharing = threading.Lock()
_standing: dict[str, SandboxProgram] = {}
"""Whose modules stand in ``sys.modules`` under a prefix."""


class BundleClasses:
    """The classes that a bundle's code knows: its own by their user's names, and the runtime's."""

    def __init__(self, prefix: str, names: Collection[str], load: Callable[[str], Any]) -> None:
        self._prefix = f"{prefix}."
        self._names = names
        self._load = load

    def name_of(self, cls: type) -> str:
        """The class's name as the user's code has it."""
        return PROCESS_CLASSES.name_of(cls).removeprefix(self._prefix)

    def find(self, name: str) -> type | None:
        """The bundle's class of that name, if it has one, or the runtime's own."""
        if name.startswith("workflow_runtime."):
            return PROCESS_CLASSES.find(name)
        module_name, _, qualname = name.rpartition(".")
        while module_name:
            if module_name in self._names:
                # It may be there for annotations alone, so that nothing has imported it yet.
                found: Any = self._load(module_name)
                for part in qualname.split("."):
                    found = getattr(found, part, None)
                return found if isinstance(found, type) else None
            module_name, _, last = module_name.rpartition(".")
            qualname = f"{last}.{qualname}"
        return None


class SandboxProgram:
    """One execution of a bundle's modules: a ``Program`` for the machine."""

    def __init__(self, bundle: Bundle, root: Path, run_id: str = "", *, shared: bool) -> None:
        self._prefix = prefix_of(bundle.hash, run_id)
        self._shared = shared
        self._paths = {str(root / module.path): module.path for module in bundle.modules}
        self._modules: dict[str, ModuleType] = {}
        self._package = ModuleType(self._prefix)
        self.take_place()
        packages = {module.name: module.is_package for module in bundle.modules}
        importer = Importer(packages, bundle.pure, self._modules, self._execute, self._prefix)
        self.classes = BundleClasses(self._prefix, packages, importer.load)
        self._code: dict[str, CodeType] = {}
        self._builtins = _builtins(importer, self.classes)
        _, module_name, qualname = bundle.workflow.split("//")
        try:
            for module in bundle.modules:
                self._code[module.name] = _compiled(module, str(root / module.path))
            self._entry: Callable[..., Coroutine[Any, Any, object]] = attrgetter(qualname)(importer.load(module_name))
        except Exception as error:
            self.release()
            raise WorkflowError(
                f"the workflow code of {bundle.workflow} can not be loaded: {self._place_of(error)}{type(error).__name__}: {error}"
            ) from error

    @property
    def entry(self) -> Callable[..., Coroutine[Any, Any, object]]:
        """The workflow function."""
        return self._entry

    def describe(self, filename: str, line: int) -> str | None:
        """``shop/orders.py:12`` for a line of the bundle's code, else None."""
        path = self._paths.get(filename)
        return f"{path}:{line}" if path else None

    def _place_of(self, error: Exception) -> str:
        lines = traceback.walk_tb(error.__traceback__)
        places = [self.describe(frame.f_code.co_filename, line) for frame, line in lines]
        return next((f"{place}: " for place in reversed(places) if place), "")

    def readable(self, error: Json) -> Json:
        """The encoded error without the prefix of the bundle's modules."""
        return json.loads(json.dumps(error).replace(f"{self._prefix}.", ""))

    def take_place(self) -> None:
        """Have the modules of this execution, and of no other of the same run, stand in ``sys.modules``."""
        standing = _standing.get(self._prefix)
        if standing is not self:
            if standing is not None:
                standing._leave()
            _standing[self._prefix] = self
            sys.modules[self._prefix] = self._package
            sys.modules.update((f"{self._prefix}.{name}", module) for name, module in self._modules.items())

    def release(self) -> None:
        """Take the modules of this one run out of ``sys.modules`` again."""
        if not self._shared and _standing.get(self._prefix) is self:
            self._leave()

    def _leave(self) -> None:
        del _standing[self._prefix]
        sys.modules.pop(self._prefix, None)
        for name in self._modules:
            sys.modules.pop(f"{self._prefix}.{name}", None)

    def _execute(self, name: str, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = self._builtins
        code = self._code.get(name)
        if code is not None:
            module.__dict__["__file__"] = code.co_filename
            exec(code, module.__dict__)  # noqa: S102 - running the user's own compiled code is what this is for


def load_program(bundle: Bundle, root: Path, run_id: str = "") -> SandboxProgram:
    """The bundle, ready to run ``run_id``.

    Its modules are executed once per process when nothing in them can change, else once per call.
    """
    if not bundle.stateless:
        return SandboxProgram(bundle, root, run_id, shared=False)
    with _sharing:
        key = (bundle, root)
        if key not in _shared:
            _shared[key] = SandboxProgram(bundle, root, shared=True)
        return _shared[key]


@lru_cache(maxsize=4096)
def _compiled(module: BundleModule, filename: str) -> CodeType:
    # Annotations stay text: most of them name what the bundle does not hold, and nobody evaluates those.
    flags = __future__.annotations.compiler_flag
    code: CodeType = compile(module.source, filename, "exec", flags=flags, dont_inherit=True)
    return code


def _builtins(importer: Importer, classes: BundleClasses) -> dict[str, Any]:
    names = dict(vars(builtins))
    names["__import__"] = importer
    names["__workflow_step__"] = lambda step, *how, **captured: step_stub(step, classes, *how, **captured)
    names["print"] = live_print
    for name in ("open", "input", "breakpoint"):
        names[name] = placeholder(f"{name}()")
    return names
