"""A graph as JSON: what the manifest has and what ``workflow-build graph --format json`` prints."""

from __future__ import annotations

from workflow_build.graph.model import Graph, Node
from workflow_build.model import Location


def graph_json(graph: Graph) -> dict[str, object]:
    """A graph as the manifest has it. What a node does not have is left out."""
    edges = [
        {"source": edge.source, "target": edge.target, "kind": edge.kind.value, **_given(label=edge.label)}
        for edge in graph.edges
    ]
    return {"nodes": [_node(node) for node in graph.nodes], "edges": edges}


def _node(node: Node) -> dict[str, object]:
    return {
        "id": node.id,
        "kind": node.kind.value,
        "label": node.label,
        "location": place_json(node.location),
        **_given(function=node.function, parent=node.parent, arm=node.arm, arms=list(node.arms)),
    }


def _given(**values: object) -> dict[str, object]:
    return {name: value for name, value in values.items() if value not in (None, "", [])}


def place_json(location: Location) -> dict[str, object]:
    """Where something stands in the source."""
    return {"path": location.path, "line": location.line, "column": location.column}
