"""Which classes a context knows, by name. Data never makes anything be imported."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Protocol

from workflow_runtime.values.records import is_data_class


class Classes(Protocol):
    """The classes that one context (the process, or one bundle) can name and find."""

    def name_of(self, cls: type) -> str:
        """The name that stands in the data, as in ``shop.models.Order``."""

    def find(self, name: str) -> type | None:
        """The class of that name, None when it is unknown. Never imports anything."""


class _ProcessClasses:
    """The data classes and exceptions in the modules that this process has imported so far."""

    def name_of(self, cls: type) -> str:
        return f"{cls.__module__}.{cls.__qualname__}"

    def find(self, name: str) -> type | None:
        parts = name.split(".")
        for end in range(len(parts) - 1, 0, -1):
            module = sys.modules.get(".".join(parts[:end]))
            if module is not None:
                return _member(module, parts[end:])
        return None


PROCESS_CLASSES: Classes = _ProcessClasses()
"""Looks only in modules that are imported already, and gives only data classes, enums and exceptions."""


class ScriptClasses:
    """The process's classes, those of the file that it was started with by the name of the module that the file is."""

    def __init__(self, module: str) -> None:
        self._module = module

    def name_of(self, cls: type) -> str:
        """``shop.main.Order`` for what calls itself ``__main__.Order``."""
        name = PROCESS_CLASSES.name_of(cls)
        return f"{self._module}{name.removeprefix('__main__')}" if cls.__module__ == "__main__" else name

    def find(self, name: str) -> type | None:
        """The class of that name, None when it is unknown."""
        return PROCESS_CLASSES.find(name)


def _member(module: ModuleType, path: list[str]) -> type | None:
    found: object = module
    for part in path:
        # vars() and not getattr: a module's own __getattr__ may import lazily, and data must not set that off.
        found = vars(found).get(part) if isinstance(found, (ModuleType, type)) else None
    if isinstance(found, type) and (issubclass(found, Exception) or is_data_class(found)):
        return found
    return None
