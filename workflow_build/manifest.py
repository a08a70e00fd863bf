"""The manifest: all about a build as one JSON object. ``manifest.schema.json`` says what each part means."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from workflow_build.classes import SerializableClass
from workflow_build.describe import Description
from workflow_build.graph.as_json import graph_json, place_json
from workflow_build.graph.model import Graph
from workflow_build.model import BuiltWorkflow, Bundles, Config, Function, Functions

VERSION = 1
"""Of the manifest's format. It changes when what was valid is no longer."""


def manifest(
    config: Config, functions: Functions, bundles: Bundles, description: Description, files: Sequence[str]
) -> dict[str, object]:
    """The content of ``manifest.json``. ``build`` is the hash of everything else in it."""
    content: dict[str, object] = {
        "version": VERSION,
        "tool": f"workflow-build {version('workflow-build')}",
        "targets": list(config.targets),
        "workflows": [
            _workflow(built, description) for built in sorted(bundles.workflows, key=lambda built: built.function.id)
        ],
        "steps": [{**_function(step, description), "options": _plain(step.options)} for step in functions.steps],
        "classes": [_class(found) for found in description.classes],
        "files": list(files),
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return {"build": hashlib.sha256(text.encode()).hexdigest()[:16], **content}


def _workflow(built: BuiltWorkflow, description: Description) -> dict[str, object]:
    graph = description.graphs.get(built.function.id, Graph(built.function.id))
    return {
        **_function(built.function, description),
        "bundle": built.bundle.hash,
        "steps": list(built.steps),
        "graph": graph_json(graph),
    }


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
