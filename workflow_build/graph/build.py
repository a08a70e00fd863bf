"""The graphs of a program: each workflow's code followed, and wired up."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter

from workflow_build.cache.memory import Memory
from workflow_build.graph.flow import frame_of
from workflow_build.graph.items import Arm, Item, everything
from workflow_build.graph.model import Graph, NodeKind
from workflow_build.graph.names import Names
from workflow_build.graph.trace import Trace
from workflow_build.graph.values import Definition
from workflow_build.graph.wire import wired
from workflow_build.model import Function, Program, WorkflowClosure

UNSEEN = "steps within reach that nothing is seen to call"


def graphs_of(program: Program, names: Names) -> tuple[Graph, ...]:
    """The graph of each workflow of ``program``, in its order. Each step that a workflow reaches is in its graph, or in that of a
    workflow that it starts."""
    modules = names.lookup.modules
    workflows = [closure.function for closure in program.workflows]
    found = modules.recall_each(
        Followed, "followed", workflows, attrgetter("id"), lambda one: _followed(one, names.afresh())
    )
    followed = {one.id: what for one, what in zip(workflows, found, strict=True)}
    return tuple(_graph(closure, followed, modules.memory) for closure in program.workflows)


@dataclass(frozen=True, slots=True)
class Followed:
    """What a workflow does."""

    items: tuple[Item, ...]
    functions: tuple[str, ...]
    """The ids that the items name, sorted."""


def _graph(closure: WorkflowClosure, followed: Mapping[str, Followed], memory: Memory) -> Graph:
    seen = _named(closure.function.id, followed)
    steps = tuple(step for step in closure.steps if step.id not in seen)
    items = followed[closure.function.id].items
    source = closure.function, steps, items
    return memory.derive(
        "graph", closure.function.id, source, lambda: wired(closure.function, _complete(closure.function, steps, items))
    )


def _complete(workflow: Function, unseen: tuple[Function, ...], items: tuple[Item, ...]) -> tuple[Item, ...]:
    """What the workflow does, and the steps that were not seen on the way."""
    place = workflow.location
    missing = [Item(NodeKind.OPAQUE, step.qualname, place, step.id) for step in unseen]
    if not missing:
        return items
    arms = tuple(Arm("", (item,)) for item in missing)
    return (Item(NodeKind.OPAQUE, UNSEEN, place, arms=arms), *items)


def _named(workflow: str, followed: Mapping[str, Followed]) -> set[str]:
    """The functions that the workflow's items name, and those of the workflows that it starts."""
    seen: set[str] = set()
    waiting = [workflow]
    while waiting:
        found = followed.get(waiting.pop())
        fresh = [function for function in found.functions if function not in seen] if found else []
        seen.update(fresh)
        waiting += fresh
    return seen


def _followed(function: Function, names: Names) -> Followed:
    items = _items(function, names)
    return Followed(items, tuple(sorted({item.function for item in everything(items) if item.function})))


def _items(function: Function, names: Names) -> tuple[Item, ...]:
    """What the workflow does; one arm for each of its definitions, if it has several."""
    try:
        trace = Trace(names)
        bodies = [(node.lineno, _body(trace, function, node)) for node in names.definitions(function)]
    except RecursionError:
        return (Item(NodeKind.OPAQUE, "nested too deeply to be followed", function.location),)
    if len(bodies) < 2:
        return bodies[0][1] if bodies else ()
    arms = tuple(Arm(f"as in line {line}", items) for line, items in bodies)
    return (Item(NodeKind.BRANCH, "one of", function.location, arms=arms),)


def _body(trace: Trace, function: Function, node: ast.FunctionDef | ast.AsyncFunctionDef) -> tuple[Item, ...]:
    frame = frame_of(trace, Definition(function.module, function.qualname, node, function), (id(node),))
    frame.is_root = True
    trace.run(frame, node.body)
    return trace.tidied(frame.items)
