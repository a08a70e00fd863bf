"""What is known at one place of the code while it is followed, and what following needs of its parts."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from workflow_build.graph.items import Arm, Item
from workflow_build.graph.model import NodeKind
from workflow_build.graph.names import Names
from workflow_build.graph.values import Definition, Value
from workflow_build.syntax.bindings import Bindings


@dataclass(slots=True)
class Frame:
    """One function, or the top level of a module, while it is followed."""

    module: str
    bindings: Bindings
    """The names that are its own."""
    stack: tuple[int, ...] = ()
    """The functions on the way here, by identity of their syntax."""
    outer: Frame | None = None
    values: dict[str, Value] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    returned: list[Value | None] = field(default_factory=list)
    yielded: list[Value | None] = field(default_factory=list)
    repeats: tuple[str, ...] = ()
    """For what the code at hand is repeated, outermost first."""
    end: ast.stmt | None = None
    """The last statement of the function."""
    is_root: bool = False
    """Whether it is the workflow itself."""

    @contextmanager
    def apart(self) -> Iterator[list[Item]]:
        """What happens inside of the block goes into a list of its own."""
        before, self.items = self.items, []
        try:
            yield self.items
        finally:
            self.items = before

    def emit(self, kind: NodeKind, label: str, node: ast.expr | ast.stmt, tracer: Tracer, **more: object) -> None:
        """Something happens here."""
        self.items.append(tracer.item(self, kind, label, node, **more))


@dataclass(frozen=True, slots=True)
class Given:
    """The arguments of a call, each with the expression that it comes from."""

    positional: tuple[tuple[Value | None, ast.expr], ...] = ()
    named: Mapping[str, tuple[Value | None, ast.expr]] = field(default_factory=dict)

    def argument(self, index: int, name: str) -> tuple[Value | None, ast.expr | None]:
        """The argument in that place or of that name."""
        if index < len(self.positional):
            return self.positional[index]
        return self.named.get(name, (None, None))

    def everything(self) -> Iterator[tuple[Value | None, ast.expr]]:
        """All of them."""
        yield from self.positional
        yield from self.named.values()


class Tracer(Protocol):
    """Follows code. Its parts stand in modules of their own and reach each other through this."""

    names: Names
    evaluating: set[tuple[str, int, int]]
    """The constants that are being looked at, so that none is looked at for its own sake."""
    calls_left: int
    """How many more calls of the project's functions are followed."""

    def number(self) -> int:
        """A number that no other task has."""

    def item(self, frame: Frame, kind: NodeKind, label: str, node: ast.expr | ast.stmt, **more: object) -> Item:
        """Something that happens at ``node``."""

    def named(self, frame: Frame, name: str) -> Value | None:
        """What the name stands for."""

    def value(self, frame: Frame, node: ast.expr | None) -> Value | None:
        """What the expression stands for; what happens while it is evaluated is added to the frame's items."""

    def bind(self, frame: Frame, target: ast.expr, value: Value | None) -> None:
        """Assign ``value`` to ``target``."""

    def awaited(self, frame: Frame, value: Value | None, node: ast.expr) -> Value | None:
        """Wait for ``value`` at ``node``, and what that gives."""

    def applied(
        self,
        frame: Frame,
        function: Value | None,
        given: Given,
        node: ast.expr,
    ) -> Value | None:
        """Call ``function``."""

    def attribute(self, frame: Frame, value: Value | None, name: str) -> Value | None:
        """An attribute of ``value``."""

    def loose(self, frame: Frame, value: Value | None, node: ast.expr | ast.stmt) -> None:
        """``value`` goes where it can not be followed."""

    def run(self, frame: Frame, body: list[ast.stmt]) -> None:
        """Follow statements."""

    def entered(
        self, frame: Frame, definition: Definition, given: Given, node: ast.expr | ast.stmt
    ) -> tuple[tuple[Item, ...], Value | None]:
        """What happens in a call of the project's function at ``node``, as one item if anything, and what it returns."""

    def task(self, frame: Frame, value: Value | None, node: ast.expr) -> Value | None:
        """Start ``value`` beside what follows; gives the task."""

    def tidied(self, items: list[Item]) -> tuple[Item, ...]:
        """The items with tasks and joins put together where that can be seen."""


def arm(tracer: Tracer, label: str, items: list[Item]) -> Arm:
    """An arm with what was collected for it."""
    return Arm(label, tracer.tidied(items))
