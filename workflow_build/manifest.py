"""The manifest: all about a build as one JSON object. ``manifest.schema.json`` says what each part means."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version

from workflow_build.cache.memory import Memory
from workflow_build.classes import SerializableClass
from workflow_build.describe import Description
from workflow_build.graph.as_json import graph_json, place_json
from workflow_build.graph.model import Graph
from workflow_build.model import BuiltWorkflow, Bundles, Config, Function, Functions

VERSION = 1
"""Of the manifest's format. It changes when what was valid is no longer."""

TELLING = frozenset({"hash", "location"})
"""Keys of what is only told: where functions stand, and what their own text is. It changes with each edit, and no run depends on it."""

INSIDE_A_LIST = 4
"""How far in the entries of a list stand."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What ``manifest.json`` holds."""

    text: str
    build: str
    """The hash of everything else in it that a run could depend on."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the manifest in both of its forms, so that what has not changed is not put into words again."""

    plain: str
    """On one line, keys sorted, without what is only told: what is hashed."""
    pretty: str
    """As it is written."""


def manifest(
    config: Config,
    functions: Functions,
    bundles: Bundles,
    description: Description,
    files: Sequence[str],
    memory: Memory,
) -> Manifest:
    """All of a build. Equal input gives equal text."""

    def entry(function: Function, more: object, content: Callable[[], dict[str, object]]) -> _Part:
        source = function, description.hashes.get(function.id), more
        return memory.derive("manifest", function.id, source, lambda: _part(content(), INSIDE_A_LIST))

    workflows = (
        entry(
            built.function,
            (built.hash, built.steps, _graph(built, description)),
            partial(_workflow, built, description),
        )
        for built in sorted(bundles.workflows, key=lambda built: built.function.id)
    )
    parts = {
        "version": _part(VERSION),
        "tool": _part(f"workflow-build {own_version()}"),
        "targets": _part(list(config.targets)),
        "workflows": _listed(workflows),
        "steps": _listed(entry(step, None, partial(_step, step, description)) for step in functions.steps),
        "classes": _listed(_part(_class(found), INSIDE_A_LIST) for found in description.classes),
        "files": _part(list(files)),
    }
    plain = ",".join(f'"{name}":{parts[name].plain}' for name in sorted(parts))
    build = hashlib.sha256(f"{{{plain}}}".encode()).hexdigest()[:16]
    pretty = "".join(f',\n  "{name}": {part.pretty}' for name, part in parts.items())
    return Manifest(f'{{\n  "build": "{build}"{pretty}\n}}\n', build)


def says_the_same(before: str, after: str) -> bool:
    """Whether two manifests differ in nothing, or only in what is told of functions whose text was edited or moved."""
    try:
        return bool(_that_matters(json.loads(before)) == _that_matters(json.loads(after)))
    except (ValueError, RecursionError):
        return False


def _that_matters(content: object) -> object:
    if isinstance(content, dict):
        return {key: _that_matters(item) for key, item in content.items() if key not in TELLING}
    return [_that_matters(item) for item in content] if isinstance(content, list) else content


def _part(content: object, indent: int = 2) -> _Part:
    """``indent`` is how far in the part stands."""
    pretty = json.dumps(content, indent=2).replace("\n", "\n" + " " * indent)
    return _Part(json.dumps(_that_matters(content), sort_keys=True, separators=(",", ":")), pretty)


def _listed(items: Iterable[_Part]) -> _Part:
    parts = list(items)
    if not parts:
        return _part([])
    pretty = ",\n    ".join(part.pretty for part in parts)
    return _Part(f"[{','.join(part.plain for part in parts)}]", f"[\n    {pretty}\n  ]")


def _step(step: Function, description: Description) -> dict[str, object]:
    options = {**step.options, **({"retry": step.retry} if step.retry else {})}
    return {**_function(step, description), "options": _plain(options)}


def _graph(built: BuiltWorkflow, description: Description) -> Graph:
    return description.graphs.get(built.function.id, Graph(built.function.id))


def _workflow(built: BuiltWorkflow, description: Description) -> dict[str, object]:
    return {
        **_function(built.function, description),
        **({"options": _plain(built.function.options)} if built.function.options else {}),
        "bundle": built.hash,
        "steps": list(built.steps),
        "graph": graph_json(_graph(built, description)),
    }


@cache
def own_version() -> str:
    """The version of this tool."""
    return version("workflow-build")


def _function(function: Function, description: Description) -> dict[str, object]:
    return {
        "id": function.id,
        "module": function.module,
        "qualname": function.qualname,
        "location": place_json(function.location),
        "hash": description.hashes.get(function.id),
    }


def _class(found: SerializableClass) -> dict[str, object]:
    return {
        "module": found.module,
        "qualname": found.qualname,
        "kind": found.kind,
        "location": place_json(found.location),
    }


def _plain(value: object) -> object:
    """A literal as JSON has it; what JSON lacks as its source text, the same in every process."""
    if value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(repr(item) for item in value)
    return repr(value)
