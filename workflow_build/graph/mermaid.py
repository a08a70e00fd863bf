"""A workflow's graph as a Mermaid flowchart."""

from __future__ import annotations

from workflow_build.graph.model import Edge, EdgeKind, Graph, Node, NodeKind
from workflow_build.graph.phrases import sentence

SHAPES = {
    NodeKind.START: ("([", "])"),
    NodeKind.END: ("([", "])"),
    NodeKind.BRANCH: ("{", "}"),
    NodeKind.LOOP: ("{{", "}}"),
    NodeKind.PARALLEL: ("[[", "]]"),
    NodeKind.RACE: ("[[", "]]"),
    NodeKind.JOIN: ("[[", "]]"),
    NodeKind.SLEEP: ("(", ")"),
    NodeKind.HOOK: ("(", ")"),
    NodeKind.WEBHOOK: ("(", ")"),
    NodeKind.RETURN: ("([", "])"),
    NodeKind.RAISE: ("([", "])"),
    NodeKind.OPAQUE: ("[/", "/]"),
}
ARROWS = {EdgeKind.BACK: "-.->", EdgeKind.PARALLEL: "==>"}
PLAIN = frozenset(" ,.()=+/")
"""What is no letter or digit and means nothing in a label."""


def mermaid(graph: Graph) -> str:
    """The text of the flowchart. Whatever a label says can not break out of it."""
    names = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    lines = ["flowchart TD"]
    lines += [f"    {names[node.id]}{_shape(node)}" for node in graph.nodes]
    lines += [f"    {names[edge.source]} {_arrow(edge)} {names[edge.target]}" for edge in graph.edges]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """The text with everything but letters, digits and harmless marks as character references."""
    flat = "".join(char if char.isprintable() else " " for char in text)
    return "".join(_reference(char, first=index == 0) for index, char in enumerate(flat)) or " "


def _reference(char: str, *, first: bool) -> str:
    if char.isalpha() or (not first and (char.isdigit() or char in PLAIN)):
        return char
    return f"#{ord(char)};"


def _shape(node: Node) -> str:
    left, right = SHAPES.get(node.kind, ("[", "]"))
    return f'{left}"{escaped(sentence(node))}"{right}'


def _arrow(edge: Edge) -> str:
    arrow = ARROWS.get(edge.kind, "-->")
    return f'{arrow}|"{escaped(edge.label)}"|' if edge.label else arrow
