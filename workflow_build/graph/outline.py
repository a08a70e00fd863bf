"""A workflow's graph as an indented text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workflow_build.graph.model import Graph, Node, NodeKind
from workflow_build.graph.phrases import phrase


@dataclass(frozen=True, slots=True)
class Line:
    """One line, in the parts that a terminal shows in colours of their own."""

    guide: str
    word: str
    text: str
    place: str
    kind: NodeKind

    def __str__(self) -> str:
        return (self.guide + " ".join(filter(None, (self.word, self.text)))).rstrip()


@dataclass(frozen=True, slots=True)
class _Entry:
    word: str
    text: str
    node: Node
    inside: tuple[_Entry, ...] = ()


def outline(graph: Graph) -> tuple[Line, ...]:
    """The lines: the workflow first, then what it does, in order."""
    start = graph.inside()[0]
    rest = tuple(node for node in graph.inside() if node.kind not in (NodeKind.START, NodeKind.END))
    first = Line("", "workflow", start.label, f"{start.location.path}:{start.location.line}", start.kind)
    return (first, *_lines(_entries(graph, rest), ""))


def _lines(entries: tuple[_Entry, ...], guide: str) -> Iterator[Line]:
    for entry in entries:
        last = entry is entries[-1]
        place = f":{entry.node.location.line}" if entry.word or not entry.inside else ""
        yield Line(guide + ("└─ " if last else "├─ "), entry.word, _flat(entry.text), place, entry.node.kind)
        yield from _lines(entry.inside, guide + ("   " if last else "│  "))


def _entries(graph: Graph, nodes: tuple[Node, ...]) -> tuple[_Entry, ...]:
    return tuple(entry for node in nodes for entry in _entry(graph, node))


def _entry(graph: Graph, node: Node) -> Iterator[_Entry]:
    arms = [_entries(graph, graph.inside(node, index)) for index in range(len(node.arms))]
    match node.kind:
        case NodeKind.BRANCH:
            yield from _branch(node, arms)
        case NodeKind.PARALLEL | NodeKind.RACE | NodeKind.TASK | NodeKind.OPAQUE:
            inside = [_labelled(node, label, arm) for label, arm in zip(node.arms, arms, strict=True)]
            yield _Entry(*phrase(node), node, tuple(one for entries in inside for one in entries))
        case NodeKind.LOOP:
            yield _Entry("", node.label, node, arms[0])
            if len(arms) > 1:
                yield _Entry("", "else, after the last turn", node, arms[1])
        case _:
            yield _Entry(*phrase(node), node, tuple(one for arm in arms for one in arm))


def _branch(node: Node, arms: list[tuple[_Entry, ...]]) -> Iterator[_Entry]:
    """``if``, ``else if`` and ``else`` stand side by side, the cases of a ``match`` inside of it."""
    labels = list(node.arms)
    if node.label == "try":
        labels[0] = "try"
    elif node.label == "if":
        labels = [
            label if label == "else" else f"{'if' if n == 0 else 'else if'} {label}" for n, label in enumerate(labels)
        ]
    shown = [(label, arm) for label, arm in zip(labels, arms, strict=True) if arm or label != "else"]
    entries = [_Entry("", label, node, arm or (_nothing(node),)) for label, arm in shown]
    if node.label in ("if", "try"):
        yield from entries
    else:
        yield _Entry("", node.label, node, tuple(entries))


def _nothing(node: Node) -> _Entry:
    return _Entry("", "go on", node)


def _labelled(node: Node, label: str, arm: tuple[_Entry, ...]) -> tuple[_Entry, ...]:
    if len(arm) <= 1 and not label:
        return arm
    return (_Entry("", label or "in turn", node, arm),)


def _flat(text: str) -> str:
    """The text without what would move a terminal's cursor."""
    return "".join(char if char.isprintable() else "�" for char in text)
