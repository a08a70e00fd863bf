"""What code does with what the runtime gives it: coroutines that nobody awaits, hooks and streams where they do not work."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from workflow_build.checks.arguments import START
from workflow_build.checks.awaiting import problem_of
from workflow_build.checks.code import Code
from workflow_build.checks.variables import Variable, variable
from workflow_build.model import Diagnostic
from workflow_build.rules.runtime import HOOK_DROPPED, ONLY_IN_WORKFLOWS, STREAM_IN_WORKFLOW, UNAWAITED_CALL

RUNTIME = "workflow_runtime"
AWAITED = frozenset(
    f"{RUNTIME}.{name}"
    for name in ("cancel_runs", "get_hook", "list_runs", "resume_hook", "set_attributes", "sleep", "start")
)
OF_RUNS = frozenset({"cancel", "info", "result", "status", "streams", "successor"})
"""Methods of runs that are async."""
OF_STREAMS = frozenset({"close", "close_sync", "flush", "read", "write", "write_sync"})
"""Methods of streams that workflow code has no use for."""
OPENING = f"{RUNTIME}.create_hook"
"""A webhook may be there for its answer alone."""
DO_IT_THERE = "do it in the workflow, and give the step what it needs of it"
ONLY_THERE = {
    f"{RUNTIME}.create_hook": DO_IT_THERE,
    f"{RUNTIME}.create_webhook": DO_IT_THERE,
    f"{RUNTIME}.continue_as_new": DO_IT_THERE,
    f"{RUNTIME}.get_workflow_metadata": "a step has get_step_metadata(), and can be given the rest as an argument",
    f"{RUNTIME}.sleep": "use asyncio.sleep, or raise RetryableError(retry_after=…) to be run again later",
}
"""Functions that raise elsewhere, and what to do."""


def unawaited_calls(code: Code) -> Iterator[Diagnostic]:
    """Calls whose coroutine certainly gets to no ``await``."""
    for node in code.each(ast.Call):
        if code.around(node) and _is_coroutine(code, node) and (problem := problem_of(code, node)):
            name, call = code.text(node.func), code.text(node)
            yield UNAWAITED_CALL.at(code.place(node), name=name, problem=problem, call=call)


def streams_used(code: Code) -> Iterator[Diagnostic]:
    """Streams that workflow code itself writes to or reads."""
    if code.workflow is None:
        return
    for node in code.each(ast.Call):
        match node.func:
            case ast.Attribute(value=value, attr=name) if name in OF_STREAMS and _is_stream(code, value):
                yield _stream(code, node, code.workflow.qualname)
            case ast.Attribute(value=value, attr="stream") if _is_run(code, value):
                yield _stream(code, node, code.workflow.qualname)


def misplaced_calls(code: Code) -> Iterator[Diagnostic]:
    """What only workflow code can do, in a step or while a module is loaded."""
    for node in code.each(ast.Call):
        name = code.outside(node.func)
        if name in ONLY_THERE and (place := _elsewhere(code, node)):
            advice = ONLY_THERE[name] if place != LOADING else "call it in the workflow; define_hook() may stand here"
            yield ONLY_IN_WORKFLOWS.at(code.place(node), name=code.text(node.func), place=place, advice=advice)


def dropped_hooks(code: Code) -> Iterator[Diagnostic]:
    """Hooks that are opened in a statement of their own."""
    for node in code.each(ast.Expr):
        if isinstance(node.value, ast.Call) and code.around(node) and code.outside(node.value.func) == OPENING:
            name, call = code.text(node.value.func), code.text(node.value)
            yield HOOK_DROPPED.at(code.place(node.value), name=name, call=call)


LOADING = "while the module is loaded"


def _elsewhere(code: Code, node: ast.AST) -> str:
    """Where the call is, if that is certainly no workflow code."""
    function = code.around(node)
    if function is None:
        return LOADING
    while function is not None:
        if code.is_step(function):
            return "in a step"
        function = code.around(function)
    return ""


def _stream(code: Code, node: ast.Call, workflow: str) -> Diagnostic:
    path = " → ".join(code.trail) or workflow
    return STREAM_IN_WORKFLOW.at(code.place(node), workflow=workflow, name=code.text(node.func), path=path)


def _is_coroutine(code: Code, node: ast.Call) -> bool:
    match node.func:
        case ast.Call(func=made):
            return code.outside(made) == f"{START}.options"
        case ast.Attribute(value=value, attr=name) if name in OF_RUNS and _is_run(code, value):
            return True
    return code.outside(node.func) in AWAITED


def _is_run(code: Code, node: ast.expr) -> bool:
    """Whether it is certainly a run, by what it was given or annotated with."""
    match node:
        case ast.Call(func=function):
            return code.outside(function) == f"{RUNTIME}.get_run"
        case ast.Await(value=ast.Call() as call):
            started = call.func.func if isinstance(call.func, ast.Call) else call.func
            return code.outside(started) in (START, f"{START}.options")
        case ast.Name():
            found = _variable(code, node)
            if found is None:
                return False
            return _is_of(code, found, f"{RUNTIME}.Run") or (found.value is not None and _is_run(code, found.value))
    return False


def _is_stream(code: Code, node: ast.expr) -> bool:
    match node:
        case ast.Call(func=function):
            return code.outside(function) == f"{RUNTIME}.get_writable"
        case ast.Name():
            found = _variable(code, node)
            if found is None:
                return False
            return _is_of(code, found, f"{RUNTIME}.Stream") or (
                found.value is not None and _is_stream(code, found.value)
            )
    return False


def _variable(code: Code, node: ast.Name) -> Variable | None:
    function = code.around(node)
    return variable(function, node.id) if function else None


def _is_of(code: Code, found: Variable, cls: str) -> bool:
    hint = found.annotation.value if isinstance(found.annotation, ast.Subscript) else found.annotation
    return hint is not None and code.outside(hint) == cls
