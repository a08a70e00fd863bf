"""A run's graph: what the compiler saw of the workflow, with what became of each part of it in this run.

An event does not say from which place a step was called, so calls are laid along the graph in their order. Where one step is called at several
places that is a good guess, and the node says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from workflow_runtime.seeing.payloads import shortened
from workflow_runtime.seeing.rows import Row, RowKind, RunView, State
from workflow_runtime.web.lines import state_of
from workflow_runtime.web.manifests import workflow_entry
from workflow_runtime.web.showing import duration
from workflow_runtime.worlds.base import RunStatus

_SIDE_BY_SIDE = frozenset({"parallel", "race", "branch"})
_WORDS = {
    "run": "start",
    "parallel": "all of",
    "race": "first of",
    "task": "beside",
    "timeout": "at most",
    "call": "in",
    "opaque": "?",
}
_SILENT = frozenset({"start", "end", "branch", "loop", "join", "step"})
_NODES = 400
_ORDER = (State.FAILED, State.RUNNING, State.WAITING, State.QUEUED, State.STARTED, State.CANCELLED, State.COMPLETED)


@dataclass(slots=True)
class Node:
    """A node with what stands in its arms, and what happened there."""

    id: str
    kind: str
    label: str
    function: str
    place: str
    arms: list[Arm] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    shared: bool = False
    """Whether the same is called elsewhere too."""
    reached: bool = False

    @property
    def word(self) -> str:
        """What kind it is, in a word; empty where the label says it."""
        if self.kind == "run" and self.label.startswith("result of "):
            return "await"
        return "" if self.kind in _SILENT else _WORDS.get(self.kind, self.kind)

    @property
    def state(self) -> str:
        """That of its rows that matters most; empty when nothing happened there."""
        for state in _ORDER:
            for row in self.rows:
                if row.state is state:
                    return state_of(row)
        return "completed" if self.rows else ""

    @property
    def key(self) -> str:
        """The row that stands for it: the one whose state it has."""
        return next((row.id for row in self.rows if state_of(row) == self.state), "")

    @property
    def is_wide(self) -> bool:
        """Whether its arms stand side by side."""
        return self.kind in _SIDE_BY_SIDE

    @property
    def facts(self) -> str:
        """How often, how long, how many attempts."""
        took = [row.ended - (row.started or row.created) for row in self.rows if row.ended is not None]
        attempts = sum(len(row.attempts) for row in self.rows)
        failed = sum(row.state is State.FAILED for row in self.rows)
        parts = [f"{len(self.rows):,} calls" if len(self.rows) > 1 else ""]
        parts.append(f"{attempts:,} attempts" if attempts > len(self.rows) else "")
        parts.append(f"{failed:,} failed" if failed and len(self.rows) > 1 else "")
        parts.append(_took(took))
        return " · ".join(part for part in parts if part)


@dataclass(slots=True)
class Arm:
    """One way on from a node."""

    label: str
    nodes: list[Node] = field(default_factory=list)
    taken: bool = False
    """Whether the run went this way, though there is nothing in it."""

    @property
    def reached(self) -> bool:
        """Whether anything in it happened."""
        return self.taken or any(node.reached for node in self.nodes)


def _took(seconds: Sequence[float]) -> str:
    if not seconds:
        return ""
    return duration(seconds[0]) if len(seconds) == 1 else f"median {duration(median(seconds))}"


def graph_page(view: RunView) -> dict[str, Any]:
    """What the template of the graph shows; no nodes when no manifest here has the workflow."""
    entry = workflow_entry(view.info.workflow)
    graph = entry.get("graph") if entry else None
    if not isinstance(graph, dict):
        return {"nodes": [], "unseen": [], "other_build": False, "id": view.id}
    top, flat = _nodes(graph.get("nodes", ()))
    unseen = _lay(view.rows, flat)
    _reach(top, view)
    other = bool(entry) and entry is not None and entry.get("bundle") != view.info.bundle
    return {"nodes": top, "unseen": unseen[:50], "other_build": other, "id": view.id}


def _nodes(data: Iterable[Any]) -> tuple[list[Node], list[Node]]:
    """The nodes that stand in nothing, and all, in the order of the source."""
    top: list[Node] = []
    flat: list[Node] = []
    by_id: dict[str, Node] = {}
    calls: dict[str, int] = {}
    for one in list(data)[:_NODES]:
        node = _node(one)
        calls[node.function] = calls.get(node.function, 0) + (node.kind == "step")
        by_id[node.id] = node
        flat.append(node)
        parent, arm = by_id.get(one.get("parent") or ""), one.get("arm")
        if node.kind in ("join", "end"):
            continue
        if parent is None:
            top.append(node)
        elif isinstance(arm, int) and arm < len(parent.arms):
            parent.arms[arm].nodes.append(node)
    for node in flat:
        node.shared = calls.get(node.function, 0) > 1 and node.kind == "step"
    return top, flat


def _node(one: Mapping[str, Any]) -> Node:
    location = one.get("location") or {}
    node = Node(
        str(one.get("id", "")),
        str(one.get("kind", "")),
        shortened(str(one.get("label", "")), 80),
        str(one.get("function") or ""),
        shortened(f"{location.get('path', '')}:{location.get('line', '')}", 200),
    )
    node.arms = [Arm(shortened(str(label), 60)) for label in one.get("arms") or ()]
    return node


def _lay(rows: Iterable[Row], flat: Sequence[Node]) -> list[Row]:
    """Give each row to the next node that it fits, from the last one on; those that fit none are left over."""
    at = 0
    unseen: list[Row] = []
    for row in rows:
        if row.kind is RowKind.ATTRIBUTES:
            continue
        found = next(_fitting(row, flat, at), None)
        if found is None:
            unseen.append(row)
            continue
        at = found
        flat[at].rows.append(row)
        if row.kind is RowKind.CHILD and row.state is not State.STARTED:
            _give_to_result(row, flat[at:])
    return unseen


def _give_to_result(row: Row, ahead: Iterable[Node]) -> None:
    for node in ahead:
        if node.kind == "run" and node.label.startswith("result of ") and node.function == row.function:
            node.rows.append(row)
            return


def _fitting(row: Row, flat: Sequence[Node], at: int) -> Iterator[int]:
    for index in (*range(at, len(flat)), *range(at)):
        if _fits(row, flat[index]):
            yield index


def _fits(row: Row, node: Node) -> bool:
    match row.kind:
        case RowKind.STEP:
            return node.kind == "step" and node.function == row.function
        case RowKind.WAIT:
            return node.kind in ("sleep", "timeout")
        case RowKind.HOOK | RowKind.WEBHOOK:
            return node.kind in ("hook", "webhook") and not node.label.startswith("payload of ")
        case RowKind.CHILD:
            return node.kind == "run" and node.function == row.function and not node.label.startswith("result of ")
        case RowKind.WATCH:
            return node.kind == "run" and node.label.startswith("result of ")
    return False


def _reach(nodes: Sequence[Node], view: RunView) -> None:
    """Mark what the run came by: what has rows, what holds such, and where it ended."""
    for node in nodes:
        for arm in node.arms:
            _reach(arm.nodes, view)
        node.reached = bool(node.rows) or any(arm.reached for arm in node.arms) or node.kind == "start"
    passed = False
    for node in reversed(nodes):
        if node.kind == "branch" and passed and not node.reached:
            _take_empty_arm(node)
        passed = passed or node.reached
    if view.status is RunStatus.COMPLETED:
        ends = [node for node in nodes if node.kind == "return"]
        if ends and any(node.reached for node in nodes):
            ends[-1].reached = True


def _take_empty_arm(node: Node) -> None:
    """The run came by, and nothing is there of it: it took the way on which there is nothing, if there is one."""
    empty = [arm for arm in node.arms if not arm.nodes]
    if len(empty) == 1:
        node.reached = empty[0].taken = True
