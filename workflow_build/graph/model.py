"""What a workflow's graph is made of: nodes, edges, and what stands inside of what."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from workflow_build.model import Location


class NodeKind(StrEnum):
    """What happens at a node."""

    START = "start"
    END = "end"
    STEP = "step"
    SLEEP = "sleep"
    HOOK = "hook"
    WEBHOOK = "webhook"
    RUN = "run"
    """Another workflow is started, or its result awaited."""
    BRANCH = "branch"
    """One of its arms goes on: ``if``, ``match``, ``try``, a conditional expression."""
    LOOP = "loop"
    PARALLEL = "parallel"
    """All of its arms go on at once, until its join."""
    RACE = "race"
    """All of its arms go on at once, until the first of them is done."""
    TASK = "task"
    """Its arm goes on beside what follows."""
    JOIN = "join"
    """Goes on when what it joins is done."""
    TIMEOUT = "timeout"
    """A time limit for its arm."""
    CALL = "call"
    """A function of the project, followed into."""
    RETURN = "return"
    RAISE = "raise"
    BREAK = "break"
    CONTINUE = "continue"
    OPAQUE = "opaque"
    """Something happens that reading the source does not tell."""


class EdgeKind(StrEnum):
    """Why one node follows another."""

    NEXT = "next"
    BRANCH = "branch"
    """If the edge's label holds."""
    LOOP = "loop"
    """Into what repeats."""
    BACK = "back"
    """From the end of what repeats to its beginning."""
    PARALLEL = "parallel"
    """Into, or out of, what goes on at the same time as something else."""


@dataclass(frozen=True, slots=True)
class Node:
    """One thing that happens, or may."""

    id: str
    """Unique in its graph. It has the kind, the step's name, and a number where that is not unique."""
    kind: NodeKind
    label: str
    location: Location
    function: str | None = None
    """The id of the step, or of the workflow that is started."""
    parent: str | None = None
    """The node whose arm it stands in. For the join of a parallel node, that node."""
    arm: int | None = None
    """Which of the parent's arms, from 0; None for a join of the parent."""
    arms: tuple[str, ...] = ()
    """What each arm is for, as in ``order.total > 100`` or ``each line in order.lines``; may be empty texts."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One node may follow another."""

    source: str
    target: str
    kind: EdgeKind
    label: str = ""


@dataclass(frozen=True)
class Graph:
    """What one workflow may do, in the order of its source."""

    workflow: str
    """The workflow's id."""
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()

    @cached_property
    def _inside(self) -> dict[tuple[str | None, int | None], list[Node]]:
        found: dict[tuple[str | None, int | None], list[Node]] = {}
        for node in self.nodes:
            found.setdefault((node.parent, node.arm), []).append(node)
        return found

    def inside(self, parent: Node | None = None, arm: int | None = None) -> tuple[Node, ...]:
        """The nodes that stand directly in an arm of ``parent``; those that stand in nothing when no parent is given."""
        return tuple(self._inside.get((parent.id if parent else None, arm), ()))

    def join_of(self, node: Node) -> Node | None:
        """The node at which the arms of a parallel node come together."""
        return next(iter(self.inside(node)), None)
