"""What is known of asyncio, of the runtime's own functions and of a few builtins, by name."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import replace

from workflow_build.graph.frame import Frame, Given, Tracer
from workflow_build.graph.items import Arm
from workflow_build.graph.model import NodeKind
from workflow_build.graph.text import shortened
from workflow_build.graph.values import (
    Coroutine,
    Definition,
    Group,
    Handle,
    Settled,
    Several,
    Value,
    elements,
    tasks_in,
)

Known = Callable[[Tracer, Frame, Given, ast.expr], Value | None]


def _gather(tracer: Tracer, frame: Frame, given: Given, node: ast.expr) -> Value | None:
    result = Several([value.result if isinstance(value, Coroutine) else None for value, _ in given.positional])
    return _joined(tracer, frame, list(given.positional), node, "gather", result)


def _wait(tracer: Tracer, frame: Frame, given: Given, node: ast.expr) -> Value | None:
    awaitables, source = given.argument(0, "fs")
    _, until = given.named.get("return_when", (None, None))
    when = tracer.names.text(frame.module, until) if until else ""
    race = when.endswith("FIRST_COMPLETED")
    label = "wait until one fails" if when.endswith("FIRST_EXCEPTION") else "wait"
    if "timeout" in given.named:
        label += f" at most {_seconds(tracer, frame, given.named['timeout'][1])}"
    label += " for the first" if race else ""
    parts = [(element, source or node) for element in elements(awaitables)] or [(None, source or node)]
    with frame.apart() as items:
        tasks = [tracer.task(frame, value, part) for value, part in parts]
        numbers = frozenset().union(*map(tasks_in, tasks))
        frame.emit(NodeKind.JOIN, label, node, tracer, tasks=numbers, race=race)
    left = Several(list(tasks))
    return Coroutine(tuple(items), Several([left, left]))


def _as_completed(tracer: Tracer, frame: Frame, given: Given, node: ast.expr) -> Value | None:
    awaitables, source = given.argument(0, "fs")
    parts = [(element, source or node) for element in elements(awaitables)] or [(None, source or node)]
    joined = _joined(tracer, frame, parts, node, "as_completed", None)
    tracer.awaited(frame, joined, node)
    return Several([Settled()])


def _joined(
    tracer: Tracer,
    frame: Frame,
    parts: list[tuple[Value | None, ast.expr]],
    node: ast.expr,
    label: str,
    result: Value | None,
) -> Coroutine:
    with frame.apart() as items:
        tasks = [tracer.task(frame, value, part) for value, part in parts]
        numbers = frozenset().union(*map(tasks_in, tasks))
        frame.emit(NodeKind.JOIN, label, node, tracer, tasks=numbers)
    return Coroutine(tuple(items), result)


def _create_task(tracer: Tracer, frame: Frame, given: Given, node: ast.expr) -> Value | None:
    value, source = given.argument(0, "coro")
    return tracer.task(frame, value, source or node)


def _wait_for(tracer: Tracer, frame: Frame, given: Given, node: ast.expr) -> Value | None:
    value, source = given.argument(0, "fut")
    _, limit = given.argument(1, "timeout")
    with frame.apart() as items:
        result = tracer.awaited(frame, value, source or node)
    label = _seconds(tracer, frame, limit) if limit else ""
    inside = Arm("", tracer.tidied(items))
    return Coroutine((tracer.item(frame, NodeKind.TIMEOUT, label, node, arms=(inside,)),), result)


def _timeout(tracer: Tracer, frame: Frame, given: Given, node: ast.expr) -> Value | None:
    _, limit = given.argument(0, "delay")
    return Coroutine((), limit=_seconds(tracer, frame, limit) if limit else "no limit")


def _sleep(tracer: Tracer, frame: Frame, given: Given, node: ast.expr) -> Value | None:
    _, length = given.positional[0] if given.positional else next(iter(given.named.values()), (None, None))
    label = _seconds(tracer, frame, length) if length else ""
    return Coroutine((tracer.item(frame, NodeKind.SLEEP, label, node),))


def _hook(tracer: Tracer, frame: Frame, given: Given, node: ast.expr) -> Value | None:
    what = next((tracer.names.text(frame.module, source) for _, source in given.positional), "")
    frame.emit(NodeKind.HOOK, what, node, tracer)
    return Handle(NodeKind.HOOK, what)


def _define_hook(tracer: Tracer, frame: Frame, given: Given, node: ast.expr) -> Value | None:
    return Handle(NodeKind.HOOK, next((tracer.names.text(frame.module, source) for _, source in given.positional), ""))


def _webhook(tracer: Tracer, frame: Frame, given: Given, node: ast.expr) -> Value | None:
    frame.emit(NodeKind.WEBHOOK, "", node, tracer)
    return Handle(NodeKind.WEBHOOK, "")


def _start(tracer: Tracer, frame: Frame, given: Given, node: ast.expr) -> Value | None:
    value, source = given.argument(0, "workflow")
    marked = value.marked if isinstance(value, Definition) else None
    label = marked.qualname if marked else tracer.names.text(frame.module, source) if source else ""
    function = marked.id if marked else None
    for other, part in given.positional[1:]:
        tracer.loose(frame, other, part)
    item = tracer.item(frame, NodeKind.RUN, label, node, function=function)
    return Coroutine((item,), Handle(NodeKind.RUN, label, function))


def _get_run(tracer: Tracer, frame: Frame, given: Given, node: ast.expr) -> Value | None:
    _, source = given.argument(0, "run_id")
    return Handle(NodeKind.RUN, tracer.names.text(frame.module, source) if source else "a run")


def _resume_hook(tracer: Tracer, frame: Frame, given: Given, node: ast.expr) -> Value | None:
    return Coroutine((tracer.item(frame, NodeKind.STEP, "resume_hook", node),), Handle(NodeKind.RUN, "the hook's run"))


def _built_in(name: str) -> Known:
    """A step of the runtime's own."""

    def known(tracer: Tracer, frame: Frame, given: Given, node: ast.expr) -> Value | None:
        return Coroutine((tracer.item(frame, NodeKind.STEP, name, node),))

    return known


def _to_thread(tracer: Tracer, frame: Frame, given: Given, node: ast.expr) -> Value | None:
    if not given.positional:
        return None
    function, _ = given.positional[0]
    with frame.apart() as items:
        result = tracer.applied(frame, function, Given(given.positional[1:], given.named), node)
        known = isinstance(function, Definition)
        tracer.awaited(frame, result if isinstance(result, Coroutine) or not known else Settled(), node)
    return Coroutine(tuple(items))


def _first(tracer: Tracer, frame: Frame, given: Given, node: ast.expr) -> Value | None:
    """What only passes its first argument on, with the others bound to it or not."""
    for value, source in given.positional[1:]:
        tracer.loose(frame, value, source)
    return given.positional[0][0] if given.positional else Several([])


def _map(tracer: Tracer, frame: Frame, given: Given, node: ast.expr) -> Value | None:
    if not given.positional:
        return None
    (function, _), *sources = given.positional
    result = tracer.applied(frame, function, Given(), node)
    each = "of " + ", ".join(tracer.names.text(frame.module, source) for _, source in sources)
    return Several([replace(result, each=each) if isinstance(result, Coroutine) else result])


def _group(tracer: Tracer, frame: Frame, given: Given, node: ast.expr) -> Value | None:
    return Group()


def _nothing(tracer: Tracer, frame: Frame, given: Given, node: ast.expr) -> Value | None:
    return Settled()


def _seconds(tracer: Tracer, frame: Frame, node: ast.expr) -> str:
    """``2 days`` for ``"2 days"``, ``5 s`` for ``5``, else the source text."""
    match node:
        case ast.Constant(value=str(text)):
            return shortened(" ".join(text.split()))
        case ast.Constant(value=bool() | None):
            return repr(node.value)
        case ast.Constant(value=int() | float()):
            return f"{node.value!r} s"
    return tracer.names.text(frame.module, node)


LIBRARY: dict[str, Known] = {
    "asyncio.gather": _gather,
    "asyncio.wait": _wait,
    "asyncio.as_completed": _as_completed,
    "asyncio.create_task": _create_task,
    "asyncio.ensure_future": _create_task,
    "create_task": _create_task,
    "asyncio.shield": _first,
    "asyncio.wait_for": _wait_for,
    "asyncio.timeout": _timeout,
    "asyncio.timeout_at": _timeout,
    "asyncio.sleep": _sleep,
    "asyncio.to_thread": _to_thread,
    "asyncio.TaskGroup": _group,
    "workflow_runtime.sleep": _sleep,
    "workflow_runtime.create_hook": _hook,
    "workflow_runtime.create_webhook": _webhook,
    "workflow_runtime.define_hook": _define_hook,
    "workflow_runtime.resume_hook": _resume_hook,
    "workflow_runtime.get_run": _get_run,
    **{f"workflow_runtime.{name}": _built_in(name) for name in ("get_hook", "list_runs", "cancel_runs")},
    "workflow_runtime.set_attributes": _nothing,
    "workflow_runtime.start": _start,
    "functools.partial": _first,
    "builtins.list": _first,
    "builtins.tuple": _first,
    "builtins.set": _first,
    "builtins.frozenset": _first,
    "builtins.dict": _first,
    "builtins.iter": _first,
    "builtins.reversed": _first,
    "builtins.sorted": _first,
    "builtins.map": _map,
}
