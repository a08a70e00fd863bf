"""Follow statements that have blocks: branches, loops, ``try``, ``with``."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from workflow_build.graph.expressions import each_turn, repeated, yielded
from workflow_build.graph.frame import Frame, Given, Tracer
from workflow_build.graph.items import Arm, Role, does_something, leaves
from workflow_build.graph.model import NodeKind
from workflow_build.graph.values import (
    Coroutine,
    Definition,
    Group,
    Handle,
    Instance,
    Outside,
    Value,
    either,
    one_of,
)
from workflow_build.syntax.nodes import walk

LEAVING = (ast.Return, ast.Raise, ast.Break, ast.Continue)
QUIET = frozenset(f"asyncio.{name}()" for name in ("Lock", "Semaphore", "BoundedSemaphore", "Condition", "Barrier"))
"""What an ``async with`` waits for without the workflow being suspended."""


class _Variables:
    """What the variables of a frame hold after one of several blocks."""

    def __init__(self, frame: Frame) -> None:
        self.frame, self.before = frame, dict(frame.values)
        self.after: list[dict[str, Value]] = []

    @contextmanager
    def block(self, body: Sequence[ast.stmt]) -> Iterator[None]:
        """One of the blocks; the next begins with what the first began with."""
        self.frame.values = dict(self.before)
        yield
        if not (body and isinstance(body[-1], LEAVING)):
            self.after.append(self.frame.values)

    def merge(self) -> None:
        """Go on after any of the blocks."""
        merged: dict[str, Value] = {}
        for name in dict.fromkeys(name for values in self.after for name in values):
            value = either([("", values.get(name)) for values in self.after])
            if value is not None:
                merged[name] = value
        self.frame.values = merged


def _if(tracer: Tracer, frame: Frame, node: ast.If) -> None:
    tracer.value(frame, node.test)
    variables, arms = _Variables(frame), []
    current, rest = node, node.orelse
    while True:
        label = tracer.names.text(frame.module, current.test)
        arms.append(_arm(tracer, frame, variables, label, current.body))
        rest = current.orelse
        if len(rest) != 1 or not isinstance(rest[0], ast.If) or _awaits(rest[0].test):
            break
        current = rest[0]
    arms.append(_arm(tracer, frame, variables, "else", rest))
    variables.merge()
    if any(one.items for one in arms):
        frame.emit(NodeKind.BRANCH, "if", node, tracer, arms=tuple(arms))


def _match(tracer: Tracer, frame: Frame, node: ast.Match) -> None:
    tracer.value(frame, node.subject)
    variables, arms = _Variables(frame), []
    for case in node.cases:
        text = tracer.names.text(frame.module, case.pattern)
        guard = f" if {tracer.names.text(frame.module, case.guard)}" if case.guard else ""
        arms.append(_arm(tracer, frame, variables, f"case {text}{guard}", case.body))
    last = node.cases[-1]
    if last.guard or not (isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None):
        arms.append(_arm(tracer, frame, variables, "else", []))
    variables.merge()
    if any(one.items for one in arms):
        label = f"match {tracer.names.text(frame.module, node.subject)}"
        frame.emit(NodeKind.BRANCH, label, node, tracer, arms=tuple(arms))


def _arm(
    tracer: Tracer, frame: Frame, variables: _Variables, label: str, body: list[ast.stmt], role: Role = Role.BODY
) -> Arm:
    with variables.block(body), frame.apart() as items:
        tracer.run(frame, body)
    return Arm(label, tracer.tidied(items), role)


def _for(tracer: Tracer, frame: Frame, node: ast.For | ast.AsyncFor) -> None:
    source = tracer.value(frame, node.iter)
    label = repeated(tracer, frame, node.target, node.iter)
    with _turn(frame, label) as items:
        if isinstance(node, ast.AsyncFor):
            each_turn(tracer, frame, source, node.iter)
        tracer.bind(frame, node.target, one_of(yielded(source)))
        tracer.run(frame, node.body)
    word = "async for" if isinstance(node, ast.AsyncFor) else "for"
    _loop(tracer, frame, node, f"{word} {label}", items)


def _while(tracer: Tracer, frame: Frame, node: ast.While) -> None:
    label = f"while {tracer.names.text(frame.module, node.test)}"
    endless = isinstance(node.test, ast.Constant) and bool(node.test.value)
    with _turn(frame, label) as items:
        tracer.value(frame, node.test)
        tracer.run(frame, node.body)
    _loop(tracer, frame, node, label, items, endless=endless)


@contextmanager
def _turn(frame: Frame, label: str) -> Iterator[list[Any]]:
    before, frame.repeats = frame.repeats, (*frame.repeats, label)
    with frame.apart() as items:
        yield items
    frame.repeats = before


def _loop(
    tracer: Tracer, frame: Frame, node: ast.For | ast.AsyncFor | ast.While, label: str, items: list[Any], **more: bool
) -> None:
    with frame.apart() as after:
        tracer.run(frame, node.orelse)
    if not (does_something(items) or leaves(items)):
        frame.items.extend(after)
        return
    arms = [Arm("", tracer.tidied(items))]
    if after:
        arms.append(Arm("else", tracer.tidied(after), Role.ELSE))
    frame.emit(NodeKind.LOOP, label, node, tracer, arms=tuple(arms), **more)


def _try(tracer: Tracer, frame: Frame, node: ast.Try) -> None:
    with frame.apart() as body:
        tracer.run(frame, [*node.body, *node.orelse])
    variables = _Variables(frame)
    variables.after.append(frame.values)
    handlers = [
        _arm(tracer, frame, variables, _caught(tracer, frame, handler), handler.body, Role.HANDLER)
        for handler in node.handlers
    ]
    variables.merge()
    with frame.apart() as last:
        tracer.run(frame, node.finalbody)
    if not (last or any(handler.items for handler in handlers) or (handlers and body)):
        frame.items.extend(body)
        return
    arms = [Arm("", tracer.tidied(body)), *handlers]
    if last:
        arms.append(Arm("finally", tracer.tidied(last), Role.FINALLY))
    frame.emit(NodeKind.BRANCH, "try", node, tracer, arms=tuple(arms))


def _caught(tracer: Tracer, frame: Frame, handler: ast.ExceptHandler) -> str:
    return f"except {tracer.names.text(frame.module, handler.type)}" if handler.type else "except"


def _with(tracer: Tracer, frame: Frame, node: ast.With | ast.AsyncWith) -> None:
    _managed(tracer, frame, node, list(node.items))


def _managed(tracer: Tracer, frame: Frame, node: ast.With | ast.AsyncWith, items: list[ast.withitem]) -> None:
    """The block inside of the first of ``items``, which is inside of the others."""
    if not items:
        tracer.run(frame, node.body)
        return
    first, *rest = items
    manager = tracer.value(frame, first.context_expr)
    if isinstance(manager, Coroutine) and manager.limit:
        with frame.apart() as inside:
            _managed(tracer, frame, node, rest)
        if inside:
            body = Arm("", tracer.tidied(inside))
            frame.emit(NodeKind.TIMEOUT, manager.limit, first.context_expr, tracer, arms=(body,))
        return
    entered = _enter(tracer, frame, node, manager, first.context_expr)
    if first.optional_vars:
        tracer.bind(frame, first.optional_vars, entered)
    _managed(tracer, frame, node, rest)
    if isinstance(manager, Group):
        place = first.context_expr
        frame.emit(NodeKind.JOIN, "TaskGroup", place, tracer, tasks=frozenset(manager.tasks))
    elif isinstance(manager, Instance):
        _special(tracer, frame, node, manager, "exit", first.context_expr)


def _enter(
    tracer: Tracer, frame: Frame, node: ast.With | ast.AsyncWith, manager: Value | None, place: ast.expr
) -> Value | None:
    match manager:
        case Group() | Handle():
            return manager
        case Instance():
            return _special(tracer, frame, node, manager, "enter", place) or manager
        case Coroutine():
            return tracer.awaited(frame, manager, place)
        case Outside(name) if name in QUIET:
            return None
    if isinstance(node, ast.AsyncWith):
        text = tracer.names.text(frame.module, place)
        frame.emit(NodeKind.OPAQUE, f"async with {text}", place, tracer)
    return None


def _special(
    tracer: Tracer, frame: Frame, node: ast.With | ast.AsyncWith, manager: Instance, what: str, place: ast.expr
) -> Value | None:
    """Call ``__aenter__`` and the like, if the class has it."""
    is_async = isinstance(node, ast.AsyncWith)
    method = tracer.attribute(frame, manager, f"__{'a' if is_async else ''}{what}__")
    if not isinstance(method, Definition):
        return None
    result = tracer.applied(frame, method, Given(), place)
    return tracer.awaited(frame, result, place) if isinstance(result, Coroutine) else result


def _awaits(node: ast.expr) -> bool:
    return any(isinstance(part, ast.Await) for part in walk(node))


Block = Callable[[Tracer, Frame, Any], None]
BLOCKS: dict[type[ast.stmt], Block] = {
    ast.If: _if,
    ast.Match: _match,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.With: _with,
    ast.AsyncWith: _with,
}
