"""``import`` as workflow code has it: the bundle's own modules, pure ones, deterministic stand-ins, and placeholders
for the rest.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Collection, Mapping
from types import ModuleType
from typing import Any

from workflow_runtime.sandbox.placeholder import placeholder
from workflow_runtime.sandbox.purity import PURE_NAMES, is_pure
from workflow_runtime.sandbox.replacements import replacements


class Importer:
    """The ``__import__`` of one execution of a bundle."""

    def __init__(
        self,
        bundled: Mapping[str, bool],
        pure: Collection[str],
        modules: dict[str, ModuleType],
        execute: Callable[[str, ModuleType], None],
        prefix: str,
    ) -> None:
        self._bundled = bundled
        self._pure = pure
        self._modules = modules
        self._execute = execute
        self._prefix = prefix
        self._packages = {name.rpartition(".")[0] for name in _with_parents(bundled)}

    def __call__(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Collection[str] = (),
        level: int = 0,
    ) -> Any:
        """What the import statement calls; see ``builtins.__import__``."""
        full = _absolute(name, globals or {}, level)
        if not fromlist:
            self.load(full)
            return self.load(full.partition(".")[0])
        module = self.load(full)
        for item in fromlist:
            if self._is_bundled(f"{full}.{item}") and not hasattr(module, item):
                setattr(module, item, self.load(f"{full}.{item}"))
        return module

    def load(self, name: str) -> Any:
        """The module ``name``, executed first if it is the bundle's and was not yet."""
        if self._is_bundled(name):
            return self._modules.get(name) or self._load_bundled(name)
        if name in replacements():
            return replacements()[name]
        if name.partition(".")[0] == "workflow_runtime" or is_pure(name, self._pure):
            return importlib.import_module(name)
        module = placeholder(name)
        for pure in PURE_NAMES:
            owner, _, attribute = pure.rpartition(".")
            if owner == name:
                setattr(module, attribute, getattr(importlib.import_module(name), attribute))
        return module

    def _is_bundled(self, name: str) -> bool:
        return name in self._bundled or name in self._packages

    def _load_bundled(self, name: str) -> ModuleType:
        parent, _, child = name.rpartition(".")
        if parent:
            self.load(parent)
        module = ModuleType(f"{self._prefix}.{name}")
        is_package = self._bundled.get(name, True)
        module.__package__ = name if is_package else parent
        if is_package:
            module.__path__ = []
        self._modules[name] = sys.modules[module.__name__] = module
        self._execute(name, module)
        if parent:
            setattr(self._modules[parent], child, module)
        return module


def _with_parents(names: Collection[str]) -> set[str]:
    found = set()
    for name in names:
        while name:
            found.add(name)
            name = name.rpartition(".")[0]
    return found


def _absolute(name: str, namespace: Mapping[str, Any], level: int) -> str:
    if level == 0:
        return name
    package = str(namespace.get("__package__") or "")
    for _ in range(level - 1):
        package = package.rpartition(".")[0]
    return f"{package}.{name}".strip(".")
