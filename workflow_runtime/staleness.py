"""Whether the user's workflow code has changed since it was compiled, told from the bundles alone."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator

from workflow_runtime.bundles import BundleModule
from workflow_runtime.project import Project


def changed_sources(project: Project) -> tuple[str, ...]:
    """The paths of files whose workflow code is not what the current bundles hold, sorted.

    Kept lines stand in a bundle where they stand in the user's file. A file that is not there, as in a deployment of
    compiled code, is not reported.
    """
    found: set[str] = set()
    for bundle_hash in project.workflows.values():
        for module in project.bundles[bundle_hash]().modules:
            try:
                text = (project.root / module.path).read_text("utf-8-sig") if module.source else ""
            except (OSError, UnicodeDecodeError):
                continue
            if _differs(module, text):
                found.add(module.path)
    return tuple(sorted(found))


def _differs(module: BundleModule, text: str) -> bool:
    lines = text.split("\n")
    kept = enumerate(module.source.split("\n"), 1)
    other = {number for number, line in kept if line.strip() and lines[number - 1 : number] != [line]}
    return bool(other) and not other <= set(_rewritten(module.source))


def _rewritten(source: str) -> Iterator[int]:
    """The lines that the compiler may write otherwise than the user did: imports, decorators, and what is left of functions as stubs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(source)
    for node in ast.walk(tree):
        match node:
            case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant(value="")):
                yield from range(node.lineno, _after(node))
            case ast.Assign(value=ast.Call(func=ast.Call(func=ast.Name(id="__workflow_step__")))):
                yield from range(node.lineno, _after(node))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                yield from range(first, _after(node) if _is_stub(node) else node.lineno)


def _is_stub(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    match node.body:
        case [ast.Expr(value=ast.Constant(value=value))]:
            return value is ...
    return False


def _after(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) + 1
