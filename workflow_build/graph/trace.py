"""Follow the code of one workflow: the parts put together, and what they share."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from workflow_build.graph import calls, expressions, flow, lookup, waiting
from workflow_build.graph.frame import Frame, Given
from workflow_build.graph.items import Item
from workflow_build.graph.model import NodeKind
from workflow_build.graph.names import Names
from workflow_build.graph.text import shortened
from workflow_build.graph.tidy import tidied
from workflow_build.graph.values import Definition, Value

CALLS = 200
"""How many calls of the project's own functions are followed for one workflow."""


@dataclass(slots=True)
class Trace:
    """The ``Tracer`` of one workflow."""

    names: Names
    calls_left: int = CALLS
    evaluating: set[tuple[str, int, int]] = field(default_factory=set)
    _numbers: count[int] = field(default_factory=count)
    _joined: set[int] = field(default_factory=set)

    def item(self, frame: Frame, kind: NodeKind, label: str, node: ast.expr | ast.stmt, **more: Any) -> Item:
        """Something that happens at ``node``."""
        return Item(kind, shortened(label), self.names.place(frame.module, node), **more)

    def number(self) -> int:
        """A number that no other task has."""
        return next(self._numbers)

    def named(self, frame: Frame, name: str) -> Value | None:
        """What the name stands for."""
        return lookup.named(self, frame, name)

    def attribute(self, frame: Frame, value: Value | None, name: str) -> Value | None:
        """An attribute of ``value``."""
        return lookup.attribute(self, value, name)

    def value(self, frame: Frame, node: ast.expr | None) -> Value | None:
        """What the expression stands for; what happens while it is evaluated is added to the frame's items."""
        return expressions.value_of(self, frame, node)

    def bind(self, frame: Frame, target: ast.expr, value: Value | None) -> None:
        """Assign ``value`` to ``target``."""
        flow.bind(self, frame, target, value)

    def applied(self, frame: Frame, function: Value | None, given: Given, node: ast.expr) -> Value | None:
        """Call ``function``."""
        return calls.applied(self, frame, function, given, node)

    def awaited(self, frame: Frame, value: Value | None, node: ast.expr) -> Value | None:
        """Wait for ``value`` at ``node``, and what that gives."""
        return waiting.awaited(self, frame, value, node)

    def task(self, frame: Frame, value: Value | None, node: ast.expr) -> Value | None:
        """Start ``value`` beside what follows; gives the task."""
        return waiting.task(self, frame, value, node)

    def loose(self, frame: Frame, value: Value | None, node: ast.expr | ast.stmt) -> None:
        """``value`` goes where it can not be followed."""
        waiting.loose(self, frame, value, node)

    def run(self, frame: Frame, body: list[ast.stmt]) -> None:
        """Follow statements."""
        flow.run(self, frame, body)

    def entered(
        self, frame: Frame, definition: Definition, given: Given, node: ast.expr | ast.stmt
    ) -> tuple[tuple[Item, ...], Value | None]:
        """What happens in a call of the project's function at ``node``, as one item if anything, and what it returns."""
        return flow.entered(self, frame, definition, given, node)

    def tidied(self, items: list[Item]) -> tuple[Item, ...]:
        """The items with tasks and joins put together where that can be seen."""
        return tidied(items, self._joined)
