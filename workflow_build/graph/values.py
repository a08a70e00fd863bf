"""What an expression of workflow code may stand for, as far as that decides what happens when it is awaited or called."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from workflow_build.graph.items import Item
from workflow_build.graph.model import NodeKind
from workflow_build.model import Function

if TYPE_CHECKING:
    from workflow_build.graph.frame import Frame

Callable = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """A function of the project, as seen from somewhere."""

    module: str
    name: str
    node: Callable
    marked: Function | None = None
    closure: Frame | None = None
    """What it sees around it, for a function inside of a function."""
    bound: Instance | Class | None = None
    """What its first parameter is, for a method."""


@dataclass(frozen=True, slots=True, eq=False)
class Class:
    """A class of the project."""

    module: str
    node: ast.ClassDef
    closure: Frame | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """An object of a class of the project."""

    of: Class


@dataclass(frozen=True, slots=True)
class Module:
    """A module of the project."""

    name: str


@dataclass(frozen=True, slots=True)
class Outside:
    """A name from outside of the project, or what calling it gives: ``asyncio.Queue()``."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Coroutine:
    """What is called and not awaited yet: the items happen where that is done."""

    items: tuple[Item, ...]
    result: Value | None = None
    each: str = ""
    """Says for what there is one of these, if there are many."""
    limit: str = ""
    """For a context manager that limits time: by how much."""


@dataclass(frozen=True, slots=True)
class Task:
    """Something that goes on already."""

    numbers: frozenset[int]


@dataclass(frozen=True, slots=True, eq=False)
class Several:
    """A list, tuple, set or the values of a dict. Grows when something is put into it."""

    values: list[Value | None]


@dataclass(frozen=True, slots=True, eq=False)
class Either:
    """One of several, and when which."""

    options: tuple[tuple[str, Value | None], ...]


@dataclass(frozen=True, slots=True)
class Handle:
    """Something to wait on: a hook, a webhook, another run."""

    kind: NodeKind
    label: str
    function: str | None = None


@dataclass(slots=True, eq=False)
class Group:
    """A task group, with the numbers of its tasks."""

    tasks: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """A method of something that is not an object of the project."""

    of: Several | Handle | Group | Task
    name: str


@dataclass(frozen=True, slots=True)
class Settled:
    """Something that can be awaited without anything more happening."""


Value = (
    Definition
    | Class
    | Instance
    | Module
    | Outside
    | Coroutine
    | Task
    | Several
    | Either
    | Handle
    | Group
    | Method
    | Settled
)


def elements(value: Value | None) -> list[Value | None]:
    """What is in ``value``, if it is a collection; itself, if it is one thing that can be awaited."""
    match value:
        case Several(values):
            return values
        case Either(options):
            return [element for _, option in options for element in elements(option)]
        case Coroutine() | Task() | Handle():
            return [value]
    return []


def one_of(values: list[Value | None]) -> Value | None:
    """Some element of a collection."""
    return either([("", value) for value in values])


def either(options: list[tuple[str, Value | None]]) -> Value | None:
    """One of the options. What is not known is left out."""
    known = [(label, value) for label, value in options if value is not None]
    tasks = [value.numbers for _, value in known if isinstance(value, Task)]
    if known and len(tasks) == len(known):
        return Task(frozenset().union(*tasks))
    different: list[tuple[str, Value | None]] = []
    for label, value in known:
        if not any(value is other or value == other for _, other in different):
            different.append((label, value))
    if len(different) < 2:
        return different[0][1] if different else None
    return Either(tuple(different))


def tasks_in(value: Value | None) -> frozenset[int]:
    """The numbers of all tasks in ``value``."""
    if isinstance(value, Task):
        return value.numbers
    return frozenset().union(*(tasks_in(element) for element in elements(value)))
