"""Put tasks and the places that wait for them together, where one sequence has both."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from workflow_build.graph.items import Arm, Item
from workflow_build.graph.model import NodeKind


@dataclass(frozen=True, slots=True)
class _Window:
    """The part of a sequence from the first of some tasks to the join of all of them."""

    first: int
    last: int
    tasks: frozenset[int]


def tidied(items: Iterable[Item], joined: set[int]) -> tuple[Item, ...]:
    """The items, each join made one item with the tasks that it waits for. ``joined`` gets to know what is waited for."""
    sequence = [single for item in items for single in _as_tasks(_as_join(item))]
    position = 0
    while position < len(sequence):
        item = sequence[position]
        if item.kind is NodeKind.JOIN:
            waiting = replace(item, tasks=item.tasks - joined)
            window = _window(sequence, position, waiting, joined)
            if not waiting.tasks:
                sequence[position : position + 1] = []
                continue
            if window:
                sequence[window.first : window.last + 1] = _together(sequence, window, waiting)
                joined |= window.tasks
                position = window.first
                continue
            sequence[position] = waiting
        position += 1
    return tuple(sequence)


def _window(sequence: list[Item], position: int, join: Item, joined: set[int]) -> _Window | None:
    """Where the join's tasks begin; None when that is not all in this sequence. Joins right behind it count as part of it."""
    tasks, last = join.tasks, position
    while not join.race and last + 1 < len(sequence) and sequence[last + 1].kind is NodeKind.JOIN:
        if sequence[last + 1].race:
            break
        last += 1
        tasks |= sequence[last].tasks - joined
    begins = [i for i in range(position) if sequence[i].kind is NodeKind.TASK and sequence[i].tasks & tasks]
    known = frozenset().union(*(sequence[i].tasks for i in begins))
    if not begins or not tasks <= known:
        return None
    inside = sequence[begins[0] : position]
    if any(item.kind is NodeKind.TASK and not item.tasks & tasks for item in inside):
        return None
    return _Window(begins[0], last, tasks)


def _together(sequence: list[Item], window: _Window, join: Item) -> list[Item]:
    inside = sequence[window.first : window.last + 1]
    arms = [arm for item in inside if item.kind is NodeKind.TASK for arm in item.arms]
    beside = tuple(item for item in inside if item.kind not in (NodeKind.TASK, NodeKind.JOIN))
    if join.label == "await" and len(arms) == 1 and not arms[0].label and not beside:
        return list(arms[0].items)
    if beside:
        arms.append(Arm("", beside))
    kind = NodeKind.RACE if join.race else NodeKind.PARALLEL
    label = "tasks" if join.label == "await" else join.label
    return [Item(kind, label, join.place, arms=tuple(arms))]


def _as_join(item: Item) -> Item:
    """A loop that does nothing but wait for tasks, as one join."""
    inside = item.arms[0].items if item.kind is NodeKind.LOOP else ()
    if not inside or len(item.arms) > 1 or any(one.kind is not NodeKind.JOIN or one.race for one in inside):
        return item
    return replace(inside[0], tasks=frozenset().union(*(one.tasks for one in inside)))


def _as_tasks(item: Item) -> list[Item]:
    """A loop or branch that does nothing but start tasks, as tasks that say so themselves."""
    inside = [one for arm in item.arms for one in arm.items]
    if not inside or any(one.kind is not NodeKind.TASK for one in inside):
        return [item]
    if item.kind is NodeKind.LOOP and len(item.arms) == 1:
        return [replace(task, arms=(_each(task.arms[0], item.label),)) for task in inside]
    if item.kind is NodeKind.BRANCH and all(len(arm.items) <= 1 for arm in item.arms):
        arms = tuple(
            replace(arm, items=tuple(one for task in arm.items for one in task.arms[0].items)) for arm in item.arms
        )
        tasks = frozenset().union(*(task.tasks for task in inside))
        return [Item(NodeKind.TASK, "task", item.place, arms=(Arm("", (replace(item, arms=arms),)),), tasks=tasks)]
    return [item]


def _each(arm: Arm, loop: str) -> Arm:
    """``each line in order.lines`` for what ``for line in order.lines`` starts."""
    label = f"each {loop.removeprefix('async ').removeprefix('for ')}" if "for " in loop else f"each turn {loop}"
    return replace(arm, label=f"{label}, {arm.label}" if arm.label else label)
