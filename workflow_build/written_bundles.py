"""The bundles in an output folder, read without running what is there."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

from workflow_build.errors import BuildError
from workflow_runtime.bundles import Bundle, BundleModule


def read_bundle(out: Path, bundle_hash: str) -> Bundle:
    """The bundle with that hash. Raises ``BuildError`` when it is not there, or is not as it was written."""
    path = out / "bundles" / f"b_{bundle_hash}.py"
    try:
        bundle = _bundle(ast.parse(path.read_bytes()))
    except OSError as error:
        raise BuildError(f"{path} can not be read: {error.strerror or error}") from error
    except (SyntaxError, ValueError, TypeError, RecursionError) as error:
        raise BuildError(f"{path} is not as workflow-build wrote it: {error}; restore it, or remove it") from error
    if bundle.hash != bundle_hash:
        raise BuildError(f"{path} was altered: its content is that of bundle {bundle.hash}; restore it, or remove it")
    return bundle


def _bundle(tree: ast.Module) -> Bundle:
    """What ``BUNDLE = Bundle(…)`` would make."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="BUNDLE")], value=ast.Call(keywords=keywords)):
                parts = {word.arg: word.value for word in keywords if word.arg}
                modules = parts.pop("modules", None)
                if not isinstance(modules, ast.Tuple):
                    break
                return Bundle(modules=tuple(map(_module, modules.elts)), **_literals(parts))
    raise ValueError("it has no BUNDLE")


def _module(node: ast.expr) -> BundleModule:
    if not isinstance(node, ast.Call):
        raise TypeError("a module of it is none")
    return BundleModule(**_literals({word.arg: word.value for word in node.keywords if word.arg}))


def _literals(parts: dict[str, ast.expr]) -> dict[str, Any]:
    return {name: ast.literal_eval(node) for name, node in parts.items()}
