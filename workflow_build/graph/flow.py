"""Follow statements, and the bodies of functions."""

from __future__ import annotations

import ast

from workflow_build.graph.blocks import BLOCKS
from workflow_build.graph.frame import Frame, Given, Tracer
from workflow_build.graph.items import Arm, Item, does_something
from workflow_build.graph.lookup import typed
from workflow_build.graph.model import NodeKind
from workflow_build.graph.names import known_name
from workflow_build.graph.values import (
    Class,
    Coroutine,
    Definition,
    Either,
    Group,
    Handle,
    Instance,
    Outside,
    Several,
    Task,
    Value,
    either,
    elements,
    one_of,
)
from workflow_build.syntax.bindings import Bindings, arguments_of, bindings_of

WORTH_FOLLOWING = (Definition, Coroutine, Task, Several, Either, Handle, Group, Instance)


def run(tracer: Tracer, frame: Frame, body: list[ast.stmt]) -> None:
    """Follow statements one after the other, as far as the next is reached at all."""
    for node in body:
        block = BLOCKS.get(type(node))
        if block:
            block(tracer, frame, node)
        else:
            _statement(tracer, frame, node)
        if isinstance(node, ast.Return | ast.Raise | ast.Break | ast.Continue) or _goes_on_as_new(tracer, frame, node):
            return


def _statement(tracer: Tracer, frame: Frame, node: ast.stmt) -> None:
    match node:
        case ast.Expr(value=inner) if _goes_on_as_new(tracer, frame, node):
            text = tracer.names.text(frame.module, inner)
            frame.emit(NodeKind.RETURN if frame.is_root else NodeKind.RAISE, text, node, tracer)
        case ast.Expr(value=inner):
            value = tracer.value(frame, inner)
            if isinstance(value, Coroutine) and not isinstance(inner, ast.Await):
                tracer.loose(frame, value, inner)
        case ast.Assign(targets=targets, value=inner):
            value = tracer.value(frame, inner)
            for target in targets:
                tracer.bind(frame, target, value)
        case ast.AnnAssign(target=target, value=ast.expr() as inner):
            tracer.bind(frame, target, tracer.value(frame, inner))
        case ast.AugAssign(target=target, value=inner):
            value, before = tracer.value(frame, inner), tracer.value(frame, target)
            if isinstance(before, Several):
                before.values.extend(elements(value))
        case ast.Return():
            _return(tracer, frame, node)
        case ast.Raise(exc=raised):
            tracer.value(frame, raised)
            what = raised.func if isinstance(raised, ast.Call) else raised
            frame.emit(NodeKind.RAISE, tracer.names.text(frame.module, what) if what else "", node, tracer)
        case ast.Break():
            frame.emit(NodeKind.BREAK, "", node, tracer)
        case ast.Continue():
            frame.emit(NodeKind.CONTINUE, "", node, tracer)
        case ast.Assert(test=test):
            tracer.value(frame, test)
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            marked = tracer.names.marked(frame.module, node)
            frame.values[name] = Definition(frame.module, name, node, marked, frame)
        case ast.ClassDef(name=name):
            frame.values[name] = Class(frame.module, node, frame)


def _goes_on_as_new(tracer: Tracer, frame: Frame, node: ast.stmt) -> bool:
    """Whether the statement calls ``continue_as_new``, which never comes back."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return False
    if not isinstance(node.value.func, ast.Name | ast.Attribute):
        return False
    called = tracer.value(frame, node.value.func)
    return isinstance(called, Outside) and known_name(called.name) == "workflow_runtime.continue_as_new"


def _return(tracer: Tracer, frame: Frame, node: ast.Return) -> None:
    value = tracer.value(frame, node.value)
    frame.returned.append(value)
    if frame.is_root:
        plain = node.value if not isinstance(node.value, ast.Await) else None
        if plain and isinstance(value, Coroutine):
            tracer.loose(frame, value, node)
        frame.emit(NodeKind.RETURN, tracer.names.text(frame.module, plain) if plain else "", node, tracer)
    elif node is not frame.end:
        frame.emit(NodeKind.RETURN, "", node, tracer)


def bind(tracer: Tracer, frame: Frame, target: ast.expr, value: Value | None) -> None:
    """Assign ``value`` to ``target``."""
    match target:
        case ast.Name(id=name):
            if value is None:
                frame.values.pop(name, None)
            else:
                frame.values[name] = value
        case ast.Starred(value=inner):
            bind(tracer, frame, inner, value if isinstance(value, Several) else Several([value]))
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            plain = not any(isinstance(part, ast.Starred) for part in parts)
            values = value.values if isinstance(value, Several) else None
            matching = values is not None and plain and len(values) == len(parts)
            for number, part in enumerate(parts):
                one = values[number] if values and matching else one_of(elements(value))
                bind(tracer, frame, part, Several(elements(value)) if isinstance(part, ast.Starred) else one)
        case ast.Subscript(value=inner) if isinstance(several := tracer.value(frame, inner), Several):
            several.values.append(value)
        case ast.Subscript() | ast.Attribute():
            tracer.loose(frame, value if isinstance(value, Coroutine | Definition) else None, target)


def entered(
    tracer: Tracer, frame: Frame, definition: Definition, given: Given, node: ast.expr | ast.stmt
) -> tuple[tuple[Item, ...], Value | None]:
    """What happens in a call of the project's function at ``node``, as one item if anything, and what it returns."""
    function = definition.node
    if id(function) in frame.stack:
        return (tracer.item(frame, NodeKind.CALL, f"{definition.name}, again", node),), None
    if not _worth_following(tracer, definition, given):
        return (), None
    if tracer.calls_left <= 0:
        return (tracer.item(frame, NodeKind.OPAQUE, f"{definition.name}, not followed any further", node),), None
    tracer.calls_left -= 1
    inner = frame_of(tracer, definition, (*frame.stack, id(function)))
    _take_arguments(tracer, inner, definition, given)
    if isinstance(function, ast.Lambda):
        inner.returned.append(tracer.value(inner, function.body))
    else:
        inner.end = function.body[-1]
        tracer.run(inner, function.body)
    items = tracer.tidied(inner.items)
    result = Several(inner.yielded) if inner.yielded else either([("", value) for value in inner.returned])
    if not does_something(items):
        return (), result
    return (tracer.item(frame, NodeKind.CALL, definition.name, node, arms=(Arm("", items),)),), result


def frame_of(tracer: Tracer, definition: Definition, stack: tuple[int, ...]) -> Frame:
    """A frame for the function's body, with what the annotations of its parameters say."""
    node, module = definition.node, definition.module
    body: list[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else list(node.body)
    is_package = tracer.names.syntax(module).parsed.file.is_package
    bindings = bindings_of(body, module, is_package=is_package)
    bindings.names |= {argument.arg for argument in arguments_of(node.args)}
    frame = Frame(module, bindings, stack, definition.closure)
    for argument in arguments_of(node.args):
        instance = typed(tracer, definition.closure or Frame(module, Bindings()), argument.annotation)
        if instance:
            frame.values[argument.arg] = instance
    return frame


def _worth_following(tracer: Tracer, definition: Definition, given: Given) -> bool:
    """Whether a call may make anything happen. Coroutines always may; plain functions seldom do."""
    if isinstance(definition.node, ast.AsyncFunctionDef | ast.Lambda) or definition.closure:
        return True
    if any(isinstance(value, WORTH_FOLLOWING) for value, _ in given.everything()):
        return True
    return tracer.names.leads_somewhere(definition.module, definition.node)


def _take_arguments(tracer: Tracer, frame: Frame, definition: Definition, given: Given) -> None:
    arguments = definition.node.args
    names = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    values = [value for value, _ in given.positional]
    if definition.bound is not None:
        values.insert(0, definition.bound)
    for name, value in zip(names, values, strict=False):
        if value is not None:
            frame.values[name] = value
    if arguments.vararg:
        frame.values[arguments.vararg.arg] = Several(values[len(names) :])
    known = {argument.arg for argument in arguments_of(arguments)}
    for name, (value, _) in given.named.items():
        if name in known and value is not None:
            frame.values[name] = value
