"""Describe: what people and tools may want to know of a program beside what it runs on. Read from the source alone."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter

from workflow_build import discover, resolve, scan
from workflow_build.classes import SerializableClass, serializable_classes
from workflow_build.graph.build import graphs_of
from workflow_build.graph.model import Graph
from workflow_build.graph.names import Names, names_of
from workflow_build.graph.text import function_text
from workflow_build.ignores import ignores_of
from workflow_build.model import Config, Diagnostic, Function, Functions, Program, Sources


@dataclass(frozen=True, slots=True)
class Description:
    """The graphs of all workflows, the classes that cross boundaries, and what each function's text hashes to."""

    graphs: Mapping[str, Graph] = field(default_factory=dict)
    """By the workflow's id."""
    classes: tuple[SerializableClass, ...] = ()
    """Sorted by module and name."""
    hashes: Mapping[str, str] = field(default_factory=dict)
    """By the function's id: 16 hexadecimal digits of the SHA-256 of its own source text, decorators included."""


@dataclass(frozen=True, slots=True)
class Survey:
    """The graphs of a project as it stands on disk, with what was found on the way."""

    graphs: tuple[Graph, ...]
    diagnostics: tuple[Diagnostic, ...]


def describe(sources: Sources, functions: Functions, program: Program) -> Description:
    """All that is told of the program in the manifest."""
    names = names_of(sources, functions)
    graphs = {graph.workflow: graph for graph in graphs_of(program, names)}
    return Description(graphs, serializable_classes(functions, names), _hashes(functions, names))


def survey(config: Config) -> Survey:
    """Read the project and follow its workflows. Runs none of its code and writes nothing."""
    sources = scan.scan(config)
    functions = discover.discover(sources)
    program = resolve.resolve(sources, functions, config)
    found = (*sources.diagnostics, *functions.diagnostics, *program.diagnostics)
    findings, _ = ignores_of(sources).applied(found)
    return Survey(graphs_of(program, names_of(sources, functions)), tuple(findings))


def _hashes(functions: Functions, names: Names) -> dict[str, str]:
    marked = functions.functions
    hashes = names.lookup.modules.recall_each(str, "text", marked, attrgetter("id"), partial(_hash, names=names))
    return {one.id: found for one, found in zip(marked, hashes, strict=True)}


def _hash(function: Function, names: Names) -> str:
    nodes = names.definitions(function)
    texts = [function_text(names.syntax(function.module).parsed.lines, node) for node in nodes]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:16]
