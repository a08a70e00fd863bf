"""From the tree of what happens to nodes and edges."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from workflow_build.graph.items import Item, Role
from workflow_build.graph.model import Edge, EdgeKind, Graph, Node, NodeKind
from workflow_build.model import Function, Location


@dataclass(frozen=True, slots=True)
class _End:
    """A node from which an edge goes on to whatever comes next."""

    node: str
    kind: EdgeKind = EdgeKind.NEXT
    label: str = ""


@dataclass(slots=True)
class _Ways:
    """Where jumps go that leave the code at hand."""

    returns: list[_End] = field(default_factory=list)
    raises: list[_End] = field(default_factory=list)
    breaks: list[_End] = field(default_factory=list)
    continues: list[_End] = field(default_factory=list)


@dataclass(slots=True)
class _Wiring:
    nodes: list[Node] = field(default_factory=list)
    edges: dict[Edge, None] = field(default_factory=dict)
    used: Counter[str] = field(default_factory=Counter)
    open: dict[int, list[_End]] = field(default_factory=dict)
    """For each task that nothing joins where it is started, its ends."""
    joins: list[tuple[str, frozenset[int]]] = field(default_factory=list)


def wired(function: Function, items: Iterable[Item]) -> Graph:
    """The graph of a workflow that does ``items``."""
    wiring, ways = _Wiring(), _Ways()
    place = function.location
    start = _add(wiring, NodeKind.START, function.qualname, place)
    ends = _sequence(wiring, tuple(items), [_End(start)], ways, None, None)
    final = _add(wiring, NodeKind.END, "end", place)
    _connect(wiring, [*ends, *ways.returns, *ways.raises], final)
    for join, tasks in wiring.joins:
        for task in sorted(tasks):
            for end in wiring.open.get(task, ()):
                _edge(wiring, end, join, EdgeKind.PARALLEL)
    return Graph(function.id, tuple(wiring.nodes), tuple(wiring.edges))


def _sequence(
    wiring: _Wiring, items: tuple[Item, ...], ends: list[_End], ways: _Ways, parent: str | None, arm: int | None
) -> list[_End]:
    for item in items:
        ends = _item(wiring, item, ends, ways, parent, arm)
    return ends


def _item(
    wiring: _Wiring, item: Item, ends: list[_End], ways: _Ways, parent: str | None, arm: int | None
) -> list[_End]:
    labels = tuple(one.label for one in item.arms)
    node = _add(wiring, item.kind, item.label, item.place, item.function, parent, arm, labels)
    _connect(wiring, ends, node)
    match item.kind:
        case NodeKind.RETURN:
            ways.returns.append(_End(node))
        case NodeKind.RAISE:
            ways.raises.append(_End(node))
        case NodeKind.BREAK:
            ways.breaks.append(_End(node))
        case NodeKind.CONTINUE:
            ways.continues.append(_End(node))
        case NodeKind.BRANCH if item.label == "try":
            return _try(wiring, item, node, ways)
        case NodeKind.BRANCH:
            return _branch(wiring, item, node, ways)
        case NodeKind.LOOP:
            return _loop(wiring, item, node, ways)
        case NodeKind.PARALLEL | NodeKind.RACE:
            return _parallel(wiring, item, node, ways)
        case NodeKind.TASK:
            ends = _arm(wiring, item, 0, node, [_End(node, EdgeKind.PARALLEL, labels[0])], ways)
            wiring.open.update(dict.fromkeys(item.tasks, ends))
            return [_End(node)]
        case NodeKind.CALL:
            inner = _Ways([], ways.raises, [], [])
            return [*_body(wiring, item, node, inner), *inner.returns]
        case NodeKind.OPAQUE if item.arms:
            inner = _Ways([], ways.raises, [], [])
            starts = [_End(node)]
            ends = [end for index in range(len(labels)) for end in _arm(wiring, item, index, node, starts, inner)]
            return [*starts, *ends, *inner.returns]
        case NodeKind.JOIN:
            wiring.joins.append((node, item.tasks))
            return [_End(node)]
        case _:
            return _body(wiring, item, node, ways)
    return []


def _body(wiring: _Wiring, item: Item, node: str, ways: _Ways) -> list[_End]:
    """What has at most one arm, and ends where that ends."""
    return _arm(wiring, item, 0, node, [_End(node)], ways) if item.arms else [_End(node)]


def _arm(wiring: _Wiring, item: Item, index: int, node: str, ends: list[_End], ways: _Ways) -> list[_End]:
    return _sequence(wiring, item.arms[index].items, ends, ways, node, index)


def _branch(wiring: _Wiring, item: Item, node: str, ways: _Ways) -> list[_End]:
    found: list[_End] = []
    for index, arm in enumerate(item.arms):
        found += _arm(wiring, item, index, node, [_End(node, EdgeKind.BRANCH, arm.label)], ways)
    return found


def _loop(wiring: _Wiring, item: Item, node: str, ways: _Ways) -> list[_End]:
    inner = _Ways(ways.returns, ways.raises, [], [])
    ends = _arm(wiring, item, 0, node, [_End(node, EdgeKind.LOOP)], inner)
    for end in [*ends, *inner.continues]:
        _edge(wiring, end, node, EdgeKind.BACK)
    found = [] if item.endless else [_End(node, EdgeKind.NEXT, "done")]
    if len(item.arms) > 1:
        found = _arm(wiring, item, 1, node, found, ways)
    return [*found, *inner.breaks]


def _parallel(wiring: _Wiring, item: Item, node: str, ways: _Ways) -> list[_End]:
    found: list[_End] = []
    for index, arm in enumerate(item.arms):
        found += _arm(wiring, item, index, node, [_End(node, EdgeKind.PARALLEL, arm.label)], ways)
    label = "first done" if item.kind is NodeKind.RACE else "all done"
    join = _add(wiring, NodeKind.JOIN, label, item.place, parent=node)
    for end in found:
        _edge(wiring, end, join, EdgeKind.PARALLEL)
    return [_End(join)]


def _try(wiring: _Wiring, item: Item, node: str, ways: _Ways) -> list[_End]:
    """What is raised goes to the handlers; whatever leaves goes through ``finally``."""
    roles = [arm.role for arm in item.arms]
    last = roles.index(Role.FINALLY) if Role.FINALLY in roles else None
    inside = _Ways() if last is not None else ways
    caught = _Ways(inside.returns, [], inside.breaks, inside.continues) if Role.HANDLER in roles else inside
    ends = _arm(wiring, item, 0, node, [_End(node)], caught)
    for index, arm in enumerate(item.arms):
        if arm.role == Role.HANDLER:
            entries = [_End(node, EdgeKind.BRANCH, arm.label)]
            entries += [_End(end.node, EdgeKind.BRANCH, arm.label) for end in caught.raises]
            ends += _arm(wiring, item, index, node, entries, inside)
    if last is None:
        return ends
    leaving = [*inside.returns, *inside.raises, *inside.breaks, *inside.continues]
    done = _arm(wiring, item, last, node, [*ends, *leaving], ways)
    for mine, outer in (
        (inside.returns, ways.returns),
        (inside.raises, ways.raises),
        (inside.breaks, ways.breaks),
        (inside.continues, ways.continues),
    ):
        outer.extend(done if mine else ())
    return done if ends else []


def _connect(wiring: _Wiring, ends: Iterable[_End], node: str) -> None:
    for end in ends:
        _edge(wiring, end, node, end.kind)


def _edge(wiring: _Wiring, end: _End, target: str, kind: EdgeKind) -> None:
    """An edge of that kind. Of an arm with nothing in it, how it begins says more than how it ends, unless that is going back."""
    if kind is not EdgeKind.BACK and end.kind is not EdgeKind.NEXT:
        kind = end.kind
    wiring.edges[Edge(end.node, target, kind, end.label)] = None


def _add(
    wiring: _Wiring,
    kind: NodeKind,
    label: str,
    place: Location,
    function: str | None = None,
    parent: str | None = None,
    arm: int | None = None,
    arms: tuple[str, ...] = (),
) -> str:
    name = function.rpartition("//")[2] if function else label if kind is NodeKind.CALL else ""
    base = "-".join(filter(None, (kind.value, re.sub(r"\W+", "-", name).strip("-"))))
    wiring.used[base] += 1
    id_ = base if wiring.used[base] == 1 else f"{base}-{wiring.used[base]}"
    wiring.nodes.append(Node(id_, kind, label, place, function, parent, arm, arms))
    return id_
