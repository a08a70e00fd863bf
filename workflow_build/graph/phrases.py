"""What a node says, in words: the same in all drawings."""

from __future__ import annotations

from workflow_build.graph.model import Node, NodeKind

WORDS = {
    NodeKind.RUN: "start",
    NodeKind.PARALLEL: "all of",
    NodeKind.RACE: "first of",
    NodeKind.TASK: "beside",
    NodeKind.TIMEOUT: "at most",
    NodeKind.CALL: "in",
    NodeKind.OPAQUE: "?",
    NodeKind.JOIN: "",
    NodeKind.BRANCH: "",
    NodeKind.LOOP: "",
    NodeKind.START: "",
    NodeKind.END: "",
}
"""The first word for each kind, where it is not the kind itself."""


def phrase(node: Node) -> tuple[str, str]:
    """A word for what kind it is, which may be empty, and what follows."""
    word, label = WORDS.get(node.kind, node.kind.value), node.label
    if node.kind is NodeKind.RUN and label.startswith("result of "):
        return "await", label
    if node.kind is NodeKind.JOIN and label == "await":
        return "await", "task"
    if node.kind in (NodeKind.PARALLEL, NodeKind.RACE, NodeKind.TASK):
        return word, f"({label.removesuffix(' for the first')})" if label not in ("tasks", "task") else ""
    return word, label


def sentence(node: Node) -> str:
    """The same in one text; never empty."""
    return " ".join(filter(None, phrase(node))) or node.kind.value
