"""What an import statement binds, relative imports made absolute."""

from __future__ import annotations

import ast
from dataclasses import dataclass

STAR = "*"


@dataclass(frozen=True, slots=True)
class Import:
    """One bound name of an import statement."""

    bound: str
    """The name it binds, ``*`` for a star."""
    root: str
    """The module that ``bound`` stands for, or that ``name`` is taken from. Empty when a relative import leaves the root."""
    loaded: str
    """The module that is loaded: ``a.b`` for ``import a.b``, which binds ``a``."""
    name: str | None = None
    """What is taken from the module; None when the module itself is bound."""


def imports_of(node: ast.Import | ast.ImportFrom, module: str, *, is_package: bool) -> tuple[Import, ...]:
    """The names that ``node``, in ``module``, binds."""
    if isinstance(node, ast.Import):
        return tuple(_plain(alias) for alias in node.names)
    base = node.module or ""
    if node.level:
        package = _package(module, node.level, is_package=is_package)
        base = ".".join(filter(None, (package, node.module))) if package is not None else ""
    return tuple(Import(alias.asname or alias.name, base, base, alias.name) for alias in node.names)


def _plain(alias: ast.alias) -> Import:
    if alias.asname:
        return Import(alias.asname, alias.name, alias.name)
    root = alias.name.partition(".")[0]
    return Import(root, root, alias.name)


def _package(module: str, level: int, *, is_package: bool) -> str | None:
    """The package that ``level`` dots in ``module`` mean; None above the top."""
    parts = module.split(".")
    keep = len(parts) - level + (1 if is_package else 0)
    return ".".join(parts[:keep]) if keep > 0 else None
