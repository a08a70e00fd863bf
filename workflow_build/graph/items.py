"""What a workflow does as a tree, while it is put together: things that happen, with arms in which other things happen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from workflow_build.graph.model import NodeKind
from workflow_build.model import Location

JUMPS = (NodeKind.RETURN, NodeKind.RAISE, NodeKind.BREAK, NodeKind.CONTINUE)
FRAMES = (NodeKind.BRANCH, NodeKind.LOOP, NodeKind.CALL)
"""What matters only for what is inside of it."""


class Role(StrEnum):
    """What an arm is to its item."""

    BODY = "body"
    HANDLER = "handler"
    ELSE = "else"
    FINALLY = "finally"


@dataclass(frozen=True, slots=True)
class Arm:
    """One way on from an item."""

    label: str
    items: tuple[Item, ...]
    role: Role = Role.BODY


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that happens."""

    kind: NodeKind
    label: str
    place: Location
    function: str | None = None
    arms: tuple[Arm, ...] = ()
    tasks: frozenset[int] = frozenset()
    """For a task its number, for a join the numbers of the tasks that it waits for."""
    race: bool = False
    """For a join: whether the first task is enough."""
    endless: bool = False
    """For a loop: whether only a jump leaves it."""


def everything(items: Iterable[Item]) -> Iterator[Item]:
    """The items and all that is inside of them."""
    stack = list(items)
    while stack:
        item = stack.pop()
        yield item
        stack.extend(inner for arm in item.arms for inner in arm.items)


def does_something(items: Iterable[Item]) -> bool:
    """Whether there is more than choosing and jumping around."""
    return any(item.kind not in (*JUMPS, *FRAMES) for item in everything(items))


def leaves(items: Iterable[Item]) -> bool:
    """Whether there is a way out of the function."""
    return any(item.kind in (NodeKind.RETURN, NodeKind.RAISE) for item in everything(items))
