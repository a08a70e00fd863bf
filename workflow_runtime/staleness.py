"""Whether the user's workflow code has changed since it was compiled, told from the bundles alone."""

from __future__ import annotations

from workflow_runtime.bundles import BundleModule
from workflow_runtime.project import Project

_REWRITTEN = ("__workflow_step__", "import ", "...")
"""Marks of lines that the compiler writes otherwise than the user did: they tell nothing."""


def changed_sources(project: Project) -> tuple[str, ...]:
    """The paths of files whose workflow code is not what the current bundles hold, sorted.

    Kept lines stand in a bundle where they stand in the user's file. A file that is not there, as in a deployment of
    compiled code, is not reported.
    """
    found: set[str] = set()
    for bundle_hash in project.workflows.values():
        for module in project.bundles[bundle_hash]().modules:
            try:
                text = (project.root / module.path).read_text("utf-8") if module.source else ""
            except (OSError, UnicodeDecodeError):
                continue
            if _differs(module, text):
                found.add(module.path)
    return tuple(sorted(found))


def _differs(module: BundleModule, text: str) -> bool:
    lines = text.splitlines()
    for number, kept in enumerate(module.source.splitlines()):
        if kept.strip() and not any(mark in kept for mark in _REWRITTEN) and (lines[number : number + 1] != [kept]):
            return True
    return False
