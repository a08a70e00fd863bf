"""Which folder holds a project's modules, where the configuration does not say it."""

from __future__ import annotations

from pathlib import Path

BESIDE = frozenset({"benchmarks", "docs", "examples", "node_modules", "scripts", "test", "tests", "tools"})
"""Folders that stand beside a project's packages, and are none of them."""

TOOLS = frozenset({"conftest", "noxfile", "setup", "tasks"})
"""Modules at the top of a project that are for tools, and not for the app."""


def find_roots(project: Path) -> tuple[Path, ...]:
    """``src`` if there is Python in it, else the project itself. A namespace in ``src`` counts where no package stands beside it."""
    src = project / "src"
    if (src / "__init__.py").is_file():
        return (project,)
    return (src,) if _has_python(src) or (holds_namespace(src) and not _has_packages(project)) else (project,)


def is_namespace(src: Path) -> bool:
    """Whether ``src`` is a root for a namespace alone: another folder would be one as soon as a module stands beside it."""
    return not _has_python(src) and holds_namespace(src)


def holds_namespace(folder: Path) -> bool:
    """Whether Python stands below folders of it that have none themselves, as in namespace packages: ``acme/shop/orders.py``."""
    found = (path.relative_to(folder) for depth in ("*/*/*.py", "*/*/*/*.py") for path in folder.glob(depth))
    return any(
        all(part.isidentifier() for part in path.parts[:-1]) and not BESIDE.intersection(path.parts) for path in found
    )


def _has_packages(project: Path) -> bool:
    """Whether packages or modules stand at the top of the project, besides those that are never installed."""
    modules = {path.stem for path in project.glob("*.py")} - TOOLS
    return bool(modules or {path.parent.name for path in project.glob("*/__init__.py")} - BESIDE)


def _has_python(folder: Path) -> bool:
    return any(folder.glob("*.py")) or any(folder.glob("*/*.py"))
