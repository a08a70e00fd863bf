"""What it means to wait for a value, to start it beside other things, or to lose sight of it."""

from __future__ import annotations

import ast

from workflow_build.graph.frame import Frame, Given, Tracer
from workflow_build.graph.items import Arm, everything
from workflow_build.graph.model import NodeKind
from workflow_build.graph.values import (
    Coroutine,
    Definition,
    Either,
    Handle,
    Settled,
    Several,
    Task,
    Value,
    either,
)
from workflow_build.model import FunctionKind


def awaited(tracer: Tracer, frame: Frame, value: Value | None, node: ast.expr) -> Value | None:
    """Wait for ``value``: what that makes happen is added to the frame's items."""
    match value:
        case Coroutine(items, result):
            frame.items.extend(items)
            return result
        case Task(numbers):
            frame.emit(NodeKind.JOIN, "await", node, tracer, tasks=numbers)
        case Handle(kind, label):
            last = frame.items[-1] if frame.items else None
            if last is None or (last.kind, last.label, last.function) != (kind, label, None):
                frame.emit(kind, f"payload of {label}" if label else "payload", node, tracer)
        case Settled():
            return None
        case Either(options):
            return _any_of(tracer, frame, options, node)
        case _:
            frame.emit(NodeKind.OPAQUE, tracer.names.text(frame.module, node), node, tracer)
    return None


def task(tracer: Tracer, frame: Frame, value: Value | None, node: ast.expr) -> Value | None:
    """Start ``value`` beside what follows; gives the task."""
    if isinstance(value, Task):
        return value
    with frame.apart() as items:
        tracer.awaited(frame, value, node)
    if not items:
        return Task(frozenset())
    number = tracer.number()
    each = value.each if isinstance(value, Coroutine) else ""
    inside = Arm(f"each {each}" if each else "", tracer.tidied(items))
    frame.emit(NodeKind.TASK, "task", node, tracer, arms=(inside,), tasks=frozenset({number}))
    return Task(frozenset({number}))


def loose(tracer: Tracer, frame: Frame, value: Value | None, node: ast.expr | ast.stmt) -> None:
    """``value`` goes where it can not be followed: say so, if it could make anything happen."""
    match value:
        case Coroutine(items) if items:
            names = [item.label for item in items]
            steps = {item.function: item.label for item in everything(items) if item.function}
            for function, label in steps.items() or [(None, names[0])]:
                frame.emit(NodeKind.OPAQUE, f"{label}, not awaited here", node, tracer, function=function)
        case Definition(marked=marked) if marked and marked.kind is FunctionKind.STEP:
            label = f"{marked.qualname}, handed on"
            frame.emit(NodeKind.OPAQUE, label, node, tracer, function=marked.id)
        case Definition(marked=None):
            items, _ = tracer.entered(frame, value, Given(), node)
            if items:
                arms = (Arm("", items[0].arms[0].items),) if items[0].arms else ()
                frame.emit(NodeKind.OPAQUE, f"{value.name}, handed on", node, tracer, arms=arms)
        case Several(values):
            for element in values:
                loose(tracer, frame, element, node)
        case Either(options):
            for _, option in options:
                loose(tracer, frame, option, node)


def _any_of(
    tracer: Tracer, frame: Frame, options: tuple[tuple[str, Value | None], ...], node: ast.expr
) -> Value | None:
    results, arms = [], []
    for label, option in options:
        with frame.apart() as items:
            results.append((label, awaited(tracer, frame, option, node)))
        arms.append(Arm(label, tracer.tidied(items)))
    if any(arm.items for arm in arms):
        frame.emit(NodeKind.BRANCH, "if" if arms[-1].label == "else" else "one of", node, tracer, arms=tuple(arms))
    return either(results)
