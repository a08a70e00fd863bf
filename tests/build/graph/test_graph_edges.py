"""How nodes follow each other: what jumps, fails, repeats or goes on at the same time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from workflow_build.graph.model import Edge, Graph

CASES = {
    "a branch names its conditions and goes on together": (
        "if o.total > 100:\n    await charge(o)\nawait ship(o)",
        [
            "start → branch",
            "branch → step-charge (branch: o.total > 100)",
            "step-charge → step-ship",
            "branch → step-ship (branch: else)",
            "step-ship → end",
        ],
    ),
    "a loop goes back, continues and breaks": (
        "for x in o:\n    if x.bad:\n        continue\n    if x.last:\n        break\n    await ship(x)\nawait mail(o)",
        [
            "start → loop",
            "loop → branch (loop)",
            "branch → continue (branch: x.bad)",
            "branch → branch-2 (branch: else)",
            "branch-2 → break (branch: x.last)",
            "branch-2 → step-ship (branch: else)",
            "step-ship → loop (back)",
            "continue → loop (back)",
            "loop → step-mail (done)",
            "break → step-mail",
            "step-mail → end",
        ],
    ),
    "an endless loop is left by a break only": (
        "while True:\n    if await charge(o):\n        break\nawait ship(o)",
        [
            "start → loop",
            "loop → step-charge (loop)",
            "step-charge → branch",
            "branch → break (branch: await charge(o))",
            "branch → loop (back: else)",
            "break → step-ship",
            "step-ship → end",
        ],
    ),
    "gather forks and joins": (
        "await asyncio.gather(charge(o), *[ship(x) for x in o])\nawait mail(o)",
        [
            "start → parallel",
            "parallel → step-charge (parallel)",
            "parallel → step-ship (parallel: each x in o)",
            "step-charge → join (parallel)",
            "step-ship → join (parallel)",
            "join → step-mail",
            "step-mail → end",
        ],
    ),
    "a task goes on beside what follows until it is awaited": (
        "t = asyncio.create_task(ship(o))\nif o:\n    await t\nawait mail(o)",
        [
            "start → task",
            "task → step-ship (parallel)",
            "task → branch",
            "branch → join (branch: o)",
            "join → step-mail",
            "branch → step-mail (branch: else)",
            "step-mail → end",
            "step-ship → join (parallel)",
        ],
    ),
    "what is raised goes to the handlers": (
        "try:\n    await charge(o)\n    raise ValueError\nexcept ValueError:\n    await mail(o)",
        [
            "start → branch",
            "branch → step-charge",
            "step-charge → raise",
            "branch → step-mail (branch: except ValueError)",
            "raise → step-mail (branch: except ValueError)",
            "step-mail → end",
        ],
    ),
    "whatever leaves goes through finally": (
        "try:\n    await charge(o)\n    return 1\nfinally:\n    await mail(o)\nawait ship(o)",
        [
            "start → branch",
            "branch → step-charge",
            "step-charge → return",
            "return → step-mail",
            "step-mail → end",
        ],
    ),
    "a return in a helper leaves the helper": (
        "async def help():\n    if o:\n        return\n    await charge(o)\nawait help()\nawait ship(o)",
        [
            "start → call-help",
            "call-help → branch",
            "branch → return (branch: o)",
            "branch → step-charge (branch: else)",
            "step-charge → step-ship",
            "return → step-ship",
            "step-ship → end",
        ],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_edges(case: str, graph: Callable[..., Graph]) -> None:
    body, expected = CASES[case]
    code = "".join(f"    {line}\n" for line in body.splitlines())
    found = graph(f"@workflow\nasync def w(o):\n{code}")

    assert [text(edge) for edge in found.edges if not is_dead(found, edge)] == expected


def is_dead(graph: Graph, edge: Edge) -> bool:
    """Whether the edge begins in code that nothing leads to."""
    return edge.source != "start" and not any(other.target == edge.source for other in graph.edges)


def text(edge: Edge) -> str:
    """``branch → step-ship (branch: order.total > 100)``."""
    note = ": ".join(filter(None, ("" if edge.kind == "next" else edge.kind.value, edge.label)))
    return f"{edge.source} → {edge.target}" + (f" ({note})" if note else "")


def test_a_change_elsewhere_leaves_the_ids_of_other_nodes_alone(graph: Callable[..., Graph]) -> None:
    before = graph("@workflow\nasync def w(o):\n    await charge(o)\n    await ship(o)\n")
    after = graph("@workflow\nasync def w(o):\n    await mail(o)\n    await charge(o)\n    await ship(o)\n")

    assert {node.id for node in before.nodes} < {node.id for node in after.nodes}


def test_none_of_the_projects_code_is_run(graph: Callable[..., Graph]) -> None:
    found = graph('@workflow\nasync def w(o):\n    await charge(o)\n\nraise SystemExit("was run")\n')

    assert [node.label for node in found.nodes] == ["w", "charge", "end"]
