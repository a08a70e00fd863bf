"""Follow calls: of steps, of other functions of the project, of methods, and of what libraries are known to do."""

from __future__ import annotations

import ast
from dataclasses import replace

from workflow_build.graph.frame import Frame, Given, Tracer
from workflow_build.graph.items import Arm
from workflow_build.graph.library import LIBRARY
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
    Method,
    Outside,
    Settled,
    Several,
    Task,
    Value,
    either,
    elements,
    one_of,
)
from workflow_build.model import FunctionKind
from workflow_build.syntax.bindings import Bindings

ADDING = frozenset({"append", "add", "appendleft", "insert", "put_nowait", "setdefault"})
TAKING = frozenset({"pop", "popleft", "popitem", "get", "get_nowait"})
OF_RUNS = frozenset({"cancel", "info", "status", "streams", "successor"})
"""Methods of runs that are steps of the runtime's own in workflow code."""
STARTING = frozenset({"create_task", "ensure_future"})


def call(tracer: Tracer, frame: Frame, node: ast.Call) -> Value | None:
    """What the call gives."""
    function = tracer.value(frame, node.func)
    given = _given(tracer, frame, node)
    if function is None and isinstance(node.func, ast.Attribute) and node.func.attr in STARTING and given.positional:
        value, argument = given.positional[0]
        return tracer.task(frame, value, argument) if isinstance(value, Coroutine) else None
    return tracer.applied(frame, function, given, node)


def applied(tracer: Tracer, frame: Frame, function: Value | None, given: Given, node: ast.expr) -> Value | None:
    """What calling ``function`` gives."""
    match function:
        case Definition():
            return _defined(tracer, frame, function, given, node)
        case Class():
            _let_go(tracer, frame, given)
            return Instance(function)
        case Method():
            return _method(tracer, frame, function, given, node)
        case Either(options):
            return _any_of(tracer, frame, options, given, node)
        case Outside(name) if known := LIBRARY.get(known_name(name)):
            return known(tracer, frame, given, node)
    _let_go(tracer, frame, given)
    return Outside(f"{function.name}()") if isinstance(function, Outside) else None


def _given(tracer: Tracer, frame: Frame, node: ast.Call) -> Given:
    positional: list[tuple[Value | None, ast.expr]] = []
    for argument in node.args:
        value = tracer.value(frame, argument)
        if not isinstance(argument, ast.Starred):
            positional.append((value, argument))
        elif isinstance(value, Several | Either):
            positional += [(element, argument.value) for element in elements(value)]
        else:
            positional.append((None, argument))
    named = {keyword.arg or "**": (tracer.value(frame, keyword.value), keyword.value) for keyword in node.keywords}
    return Given(tuple(positional), named)


def _defined(tracer: Tracer, frame: Frame, definition: Definition, given: Given, node: ast.expr) -> Value | None:
    marked = definition.marked
    if marked and marked.kind is FunctionKind.STEP:
        _let_go(tracer, frame, given)
        item = tracer.item(frame, NodeKind.STEP, marked.qualname, node, function=marked.id)
        return Coroutine((item,), _promised(tracer, definition))
    if marked:
        _let_go(tracer, frame, given)
        label = f"{marked.qualname}, a workflow that is called directly"
        return Coroutine((tracer.item(frame, NodeKind.OPAQUE, label, node),))
    items, found = tracer.entered(frame, definition, given, node)
    result = found or _promised(tracer, definition)
    if isinstance(definition.node, ast.AsyncFunctionDef):
        return Coroutine(items, result)
    frame.items.extend(items)
    return result


def _promised(tracer: Tracer, definition: Definition) -> Value | None:
    """What the function's own annotation says that it returns."""
    if isinstance(definition.node, ast.Lambda):
        return None
    return typed(tracer, definition.closure or Frame(definition.module, Bindings()), definition.node.returns)


def _method(tracer: Tracer, frame: Frame, method: Method, given: Given, node: ast.expr) -> Value | None:
    values = [value for value, _ in given.everything()]
    match method.of:
        case Group() as group if method.name in STARTING and given.positional:
            task = tracer.task(frame, *given.positional[0])
            group.tasks |= task.numbers if isinstance(task, Task) else frozenset()
            return task
        case Several() as several if method.name in ADDING:
            several.values.extend(_repeated(frame, value) for value in values if value is not None)
            return None
        case Several() as several if method.name in ("extend", "update"):
            several.values.extend([_repeated(frame, element) for value in values for element in elements(value)])
            return None
        case Several(elements_) as several:
            return one_of(elements_) if method.name in TAKING else several
        case Handle(NodeKind.RUN, label, function) if method.name == "result":
            return Coroutine((tracer.item(frame, NodeKind.RUN, f"result of {label}", node, function=function),))
        case Handle(NodeKind.RUN, label):
            kind = NodeKind.STEP if method.name in OF_RUNS else NodeKind.OPAQUE
            return Coroutine((tracer.item(frame, kind, f"{method.name} of {label}", node),))
        case Handle(NodeKind.HOOK, label) if method.name == "create":  # of a definition
            frame.emit(NodeKind.HOOK, label, node, tracer)
            return method.of
        case Handle(NodeKind.HOOK) if method.name == "resume":
            return Coroutine((tracer.item(frame, NodeKind.STEP, "resume_hook", node),))
        case Handle() if method.name == "conflict":
            return Coroutine((), Handle(NodeKind.RUN, "the run that has the token"))
        case Handle() if method.name == "dispose":
            return Settled()
        case Handle() as handle:
            return handle
    _let_go(tracer, frame, given)
    return None


def _repeated(frame: Frame, value: Value | None) -> Value | None:
    """What a loop puts into a list is there once for each turn."""
    if isinstance(value, Coroutine) and frame.repeats and not value.each:
        return replace(value, each=frame.repeats[-1])
    return value


def _any_of(
    tracer: Tracer, frame: Frame, options: tuple[tuple[str, Value | None], ...], given: Given, node: ast.expr
) -> Value | None:
    found, arms = [], []
    for label, option in options:
        with frame.apart() as items:
            found.append((label or _name(option), tracer.applied(frame, option, given, node)))
        arms.append(Arm(found[-1][0], tracer.tidied(items)))
    if any(arm.items for arm in arms):
        frame.emit(NodeKind.BRANCH, "one of", node, tracer, arms=tuple(arms))
    return either(found)


def _name(value: Value | None) -> str:
    return value.name if isinstance(value, Definition) else ""


def _let_go(tracer: Tracer, frame: Frame, given: Given) -> None:
    """The arguments go where they can not be followed."""
    for value, node in given.everything():
        tracer.loose(frame, value, node)
