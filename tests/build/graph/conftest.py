"""Graphs of small sources."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent

import pytest

from workflow_build.discover import discover
from workflow_build.graph.build import graphs_of
from workflow_build.graph.model import Graph
from workflow_build.graph.names import names_of
from workflow_build.graph.outline import outline
from workflow_build.model import Config
from workflow_build.resolve import resolve
from workflow_build.scan import scan

STEPS = """
from workflow_runtime import step

@step
async def charge(*args): ...

@step
async def ship(*args): ...

@step
async def mail(*args): ...

@step
def label(*args): ...
"""
HEADER = """
import asyncio
from workflow_runtime import sleep, start, workflow
from shop.steps import charge, label, mail, ship
"""


@pytest.fixture
def graphs(project: Callable[..., Config]) -> Callable[..., tuple[Graph, ...]]:
    """The graphs of a project of files; ``shop.steps`` has the steps charge, ship, mail and, not async, label."""

    def read(files: dict[str, str | bytes]) -> tuple[Graph, ...]:
        config = project({"shop/__init__.py": "", "shop/steps.py": STEPS, **files})
        sources = scan(config)
        functions = discover(sources)
        return graphs_of(resolve(sources, functions, config), names_of(sources, functions))

    return read


@pytest.fixture
def graph(graphs: Callable[..., tuple[Graph, ...]]) -> Callable[..., Graph]:
    """The graph of the workflow in ``source``; the names of the runtime, asyncio and the steps are imported already."""

    def read(source: str, **files: str) -> Graph:
        others: dict[str, str | bytes] = {f"shop/{name}.py": text for name, text in files.items()}
        return graphs({"shop/flows.py": HEADER + dedent(source), **others})[0]

    return read


@pytest.fixture
def lines(graph: Callable[..., Graph]) -> Callable[..., list[str]]:
    """The outline of the workflow in ``source``, two blanks for each level, without its first line."""

    def read(source: str, **files: str) -> list[str]:
        return outline_of(graph(source, **files))

    return read


def outline_of(graph: Graph) -> list[str]:
    """The lines of the text format with blanks for their guides."""
    found = []
    for line in outline(graph)[1:]:
        depth = len(line.guide) // 3 - 1
        found.append("  " * depth + str(line)[len(line.guide) :])
    return found
