"""The graphs of whole projects: nothing that the resolver sees is missing, and nothing is said to be unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

from workflow_build.config import Flags, load
from workflow_build.describe import survey
from workflow_build.discover import discover
from workflow_build.graph.build import UNSEEN, graphs_of
from workflow_build.graph.model import Graph
from workflow_build.graph.names import names_of
from workflow_build.graph.render import choose, rendered
from workflow_build.model import Program
from workflow_build.resolve import resolve
from workflow_build.scan import scan

REPOSITORY = Path(__file__).parents[3]
GOLDEN = REPOSITORY / "tests" / "build" / "golden"
PROJECTS = sorted([*GOLDEN.glob("*/project"), *(path.parent for path in REPOSITORY.glob("fixtures/*/pyproject.toml"))])


@pytest.fixture(scope="module", params=PROJECTS, ids=lambda path: path.relative_to(REPOSITORY).as_posix())
def read(request: pytest.FixtureRequest) -> tuple[Program, tuple[Graph, ...]]:
    config = load(request.param, Flags())
    sources = scan(config)
    functions = discover(sources)
    program = resolve(sources, functions, config)
    return program, graphs_of(program, names_of(sources, functions))


def test_every_step_that_the_resolver_reports_is_in_the_graph(read: tuple[Program, tuple[Graph, ...]]) -> None:
    program, graphs = read
    seen = {graph.workflow: {node.function for node in graph.nodes} for graph in graphs}

    assert list(seen) == [closure.function.id for closure in program.workflows]
    for closure in program.workflows:
        started = [seen.get(function or "", set()) for function in seen[closure.function.id]]
        reached = set().union(seen[closure.function.id], *started)
        assert {step.id for step in closure.steps} <= reached


def test_only_methods_may_be_within_reach_and_not_called(read: tuple[Program, tuple[Graph, ...]]) -> None:
    """Whoever reaches a class reaches all of its steps."""
    _, graphs = read
    unseen = [
        inner.label
        for graph in graphs
        for node in graph.nodes
        if node.label == UNSEEN
        for inner in graph.nodes
        if inner.parent == node.id
    ]

    assert not [label for label in unseen if "." not in label]


def test_the_docs_show_what_the_command_draws() -> None:
    """Mended by ``workflow-build graph fixtures/fastapi_shop checkout``, with ``--format svg --output docs/images/checkout.svg``."""
    found = choose(survey(load(REPOSITORY / "fixtures" / "fastapi_shop", Flags())).graphs, "checkout", single=True)

    assert (REPOSITORY / "docs" / "images" / "checkout.svg").read_text("utf-8") == rendered(found, "svg")
    assert rendered(found, "text") in (REPOSITORY / "docs" / "graph.md").read_text("utf-8")
