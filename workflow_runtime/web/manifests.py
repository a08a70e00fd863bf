"""What the build wrote of the workflows: graphs, parameters, how often a step is retried. All of it may be missing."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from workflow_runtime.bundles import Bundle
from workflow_runtime.errors import WorkflowError
from workflow_runtime.project import load_bundle, registered_projects

Entry = Mapping[str, Any]
_FOLDERS = ("*/_workflow/manifest.json", "src/*/_workflow/manifest.json", "_workflow/manifest.json")


def workflow_entry(workflow: str) -> Entry | None:
    """What the manifest says of the workflow with that id; None when no manifest that is here has it."""
    return next((entry for entry in _entries("workflows") if entry.get("id") == workflow), None)


def retries_of(step: str) -> int | None:
    """How often the step with that id is retried at most, where that is written down."""
    entry = next((entry for entry in _entries("steps") if entry.get("id") == step), None)
    options = entry.get("options") if entry else None
    found = options.get("max_retries", 3) if isinstance(options, dict) else None
    return found if isinstance(found, int) else None


def parameters_of(function: str, bundle_hash: str, workflow: str) -> Sequence[str]:
    """The names of the parameters of a step or workflow, as the run's bundle has them; none when it is not here."""
    try:
        bundle, _ = load_bundle(workflow, bundle_hash)
    except WorkflowError:
        return ()
    return _parameters(bundle).get(function, ())


def short_path(path: str) -> str:
    """A file's path from the folder of the project that it belongs to, or from the current one."""
    for folder in (*(project.root for project in registered_projects()), Path.cwd()):
        if path.startswith(f"{folder.as_posix()}/") and len(folder.parts) > 1:
            return path[len(folder.as_posix()) + 1 :]
    return path


@lru_cache(maxsize=64)
def _parameters(bundle: Bundle) -> Mapping[str, Sequence[str]]:
    found: dict[str, Sequence[str]] = {}
    for module in bundle.modules:
        try:
            parsed = ast.parse(module.source)
        except (SyntaxError, ValueError):
            continue
        for name, node in _functions(parsed.body, ""):
            names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
            names += [argument.arg for argument in node.args.kwonlyargs]
            for kind in ("step", "workflow"):
                found[f"{kind}//{module.name}//{name}"] = names
    return found


def _functions(body: Iterable[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node.body, f"{prefix}{node.name}.")


def _entries(what: str) -> Iterator[Entry]:
    for text in _manifests():
        entries = _parsed(text).get(what)
        yield from (one for one in (entries if isinstance(entries, list) else ()) if isinstance(one, dict))


def _manifests() -> Iterator[str]:
    """Those of the projects that this process knows; of the current folder when it knows none."""
    projects = registered_projects()
    for project in projects:
        try:
            file = resources.files(project.package).joinpath("manifest.json")
        except ImportError:  # a project that was registered by hand, as tests do
            continue
        if file.is_file():  # some packagers ship modules only
            yield file.read_text("utf-8")
    for pattern in () if projects else _FOLDERS:
        for path in sorted(Path.cwd().glob(pattern)):
            yield path.read_text("utf-8")


@lru_cache(maxsize=16)
def _parsed(text: str) -> Mapping[str, Any]:
    try:
        data = json.loads(text)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
