"""Follow expressions: what happens while one is evaluated, in order, and what it then stands for."""

from __future__ import annotations

import ast
from dataclasses import replace

from workflow_build.graph.calls import call
from workflow_build.graph.frame import Frame, Tracer, arm
from workflow_build.graph.items import Arm, Item
from workflow_build.graph.model import NodeKind
from workflow_build.graph.values import Coroutine, Definition, Several, Value, either, elements, one_of
from workflow_build.syntax.bindings import Comprehension, bindings_of
from workflow_build.syntax.nodes import children


def value_of(tracer: Tracer, frame: Frame, node: ast.expr | None) -> Value | None:
    """What ``node`` stands for; None when that is not known."""
    match node:
        case ast.Name(id=name):
            return tracer.named(frame, name)
        case ast.Attribute(value=inner, attr=name):
            return tracer.attribute(frame, tracer.value(frame, inner), name)
        case ast.Call():
            return call(tracer, frame, node)
        case ast.Await(value=inner):
            return tracer.awaited(frame, tracer.value(frame, inner), inner)
        case ast.NamedExpr(target=target, value=inner):
            value = tracer.value(frame, inner)
            tracer.bind(frame, target, value)
            return value
        case ast.IfExp():
            return _choice(tracer, frame, node)
        case ast.BoolOp():
            return _short_circuit(tracer, frame, node)
        case ast.Lambda():
            return Definition(frame.module, "lambda", node, closure=frame)
        case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
            return Several(_spread(tracer, frame, parts))
        case ast.Dict(keys=keys, values=values):
            for key in keys:
                tracer.value(frame, key)
            return Several([tracer.value(frame, value) for value in values])
        case ast.ListComp() | ast.SetComp() | ast.GeneratorExp() | ast.DictComp():
            return _comprehension(tracer, frame, node)
    return _other(tracer, frame, node)


def _other(tracer: Tracer, frame: Frame, node: ast.expr | None) -> Value | None:
    match node:
        case ast.Subscript(value=inner, slice=index):
            value = tracer.value(frame, inner)
            tracer.value(frame, index)
            return one_of(elements(value)) if isinstance(value, Several) else None
        case ast.BinOp(left=left, right=right):
            values = [value for side in (left, right) for value in [tracer.value(frame, side)]]
            if all(isinstance(value, Several) for value in values):
                return Several([element for value in values for element in elements(value)])
            return None
        case ast.Yield(value=inner):
            frame.yielded.append(tracer.value(frame, inner))
            return None
        case ast.YieldFrom(value=inner):
            frame.yielded.extend(elements(tracer.value(frame, inner)))
            return None
        case ast.Starred(value=inner):
            return tracer.value(frame, inner)
        case None:
            return None
    for child in children(node):
        if isinstance(child, ast.expr):
            value = tracer.value(frame, child)
            if isinstance(value, Coroutine):
                tracer.loose(frame, value, child)
    return None


def _spread(tracer: Tracer, frame: Frame, parts: list[ast.expr]) -> list[Value | None]:
    found: list[Value | None] = []
    for part in parts:
        value = tracer.value(frame, part)
        found += elements(value) if isinstance(part, ast.Starred) else [value]
    return found


def _choice(tracer: Tracer, frame: Frame, node: ast.IfExp) -> Value | None:
    tracer.value(frame, node.test)
    label = tracer.names.text(frame.module, node.test)
    options, arms = [], []
    for text, part in ((label, node.body), ("else", node.orelse)):
        with frame.apart() as items:
            options.append((text, tracer.value(frame, part)))
        arms.append(arm(tracer, text, items))
    if any(one.items for one in arms):
        frame.emit(NodeKind.BRANCH, "if", node, tracer, arms=tuple(arms))
    return either(options)


def _short_circuit(tracer: Tracer, frame: Frame, node: ast.BoolOp) -> Value | None:
    """What stands behind ``and`` or ``or`` happens only if what stands before it says so."""
    word = "" if isinstance(node.op, ast.And) else "not "
    options: list[tuple[str, Value | None]] = []
    before = ""
    for part in node.values:
        with frame.apart() as items:
            options.append(("", tracer.value(frame, part)))
        if not before:
            frame.items.extend(items)
        elif items:
            arms = (arm(tracer, before, items), Arm("else", ()))
            frame.emit(NodeKind.BRANCH, "if", part, tracer, arms=arms)
        text = tracer.names.text(frame.module, part)
        before = f"{word}({text})" if word and " " in text else word + text
    return either(options)


def _comprehension(tracer: Tracer, frame: Frame, node: Comprehension) -> Value | None:
    """A loop, as far as something happens in it; gives what it collects."""
    first, parts = node.generators[0], [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
    label = repeated(tracer, frame, first.target, first.iter)
    source = tracer.value(frame, first.iter)
    targets = bindings_of([one.target for one in node.generators], frame.module, is_package=False)
    inner = replace(frame, bindings=targets, values={}, outer=frame, items=[], is_root=False)
    inner.repeats = (*frame.repeats, label)
    for number, generator in enumerate(node.generators):
        one = source if number == 0 else tracer.value(inner, generator.iter)
        tracer.bind(inner, generator.target, one_of(yielded(one)))
        if generator.is_async:
            each_turn(tracer, inner, one, generator.iter)
        for test in generator.ifs:
            tracer.value(inner, test)
    collected = [tracer.value(inner, part) for part in parts][-1]
    if inner.items:
        body = Arm("", tracer.tidied(inner.items))
        frame.items.append(tracer.item(frame, NodeKind.LOOP, f"for {label}", node, arms=(body,)))
    if isinstance(collected, Coroutine) and not collected.each:
        collected = replace(collected, each=label)
    return Several([collected])


def each_turn(tracer: Tracer, frame: Frame, source: Value | None, node: ast.expr) -> None:
    """What happens before each turn of an ``async for`` over ``source``."""
    kept: list[Item] = frame.items
    if not (isinstance(source, Several) and source.values):
        with frame.apart() as items:
            tracer.awaited(frame, source, node)
        kept.extend(items)


def yielded(source: Value | None) -> list[Value | None]:
    """What the turns of a loop over ``source`` get."""
    return elements(source.result if isinstance(source, Coroutine) else source)


def repeated(tracer: Tracer, frame: Frame, target: ast.expr, source: ast.expr) -> str:
    """``line in order.lines``."""
    text = tracer.names.text
    return f"{text(frame.module, target)} in {text(frame.module, source)}"
