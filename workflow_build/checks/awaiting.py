"""Steps that are called and never awaited."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from workflow_build.checks.code import Code
from workflow_build.checks.variables import uses, variable
from workflow_build.model import Diagnostic, Function, FunctionKind
from workflow_build.rules.calls import UNAWAITED_STEP

DROPPED = "the call is not awaited, so nothing runs"
RETURNED = "its call is returned without being awaited"
USED = "its call is used as if it were the result"
UNUSED = "what the call gives is never used, so nothing runs"

TAKING_ANYTHING = frozenset(
    f"builtins.{name}"
    for name in (
        "abs",
        "bool",
        "bytes",
        "float",
        "int",
        "len",
        "max",
        "min",
        "print",
        "range",
        "repr",
        "round",
        "str",
        "sum",
    )
)
"""Functions that do something with a coroutine, or fail with one, but never await it."""

OF_COROUTINES = frozenset({"close", "send", "throw", "cr_await", "cr_code", "cr_frame", "cr_running", "__await__"})


def unawaited_steps(code: Code) -> Iterator[Diagnostic]:
    """Calls of steps whose coroutine certainly gets to no ``await``."""
    for node in code.each(ast.Call):
        if code.around(node):
            step = code.function(node.func)
            if step and step.kind is FunctionKind.STEP and (problem := problem_of(code, node)):
                fix = _fix(code, node, step)
                yield UNAWAITED_STEP.at(code.place(node), name=step.qualname, problem=problem, fix=fix)


def _fix(code: Code, node: ast.Call, step: Function) -> str:
    if step.is_async:
        return f"await {code.text(node)}"
    given = [code.text(argument) for argument in node.args]
    given += [
        f"{word.arg}={code.text(word.value)}" if word.arg else f"**{code.text(word.value)}" for word in node.keywords
    ]
    function = code.text(node.func)
    call = ", ".join([function, *given])
    return f"await asyncio.to_thread({call if len(call) <= 60 else f'{function}, …'})"


def problem_of(code: Code, node: ast.expr) -> str:
    """Why the coroutine that ``node`` gives is not awaited; empty when it may be."""
    parent = code.parents.get(node)
    match parent:
        case ast.Expr():
            return DROPPED
        case ast.Return() if _is_workflow(code, node):
            return RETURNED
        case (
            ast.Assign(targets=[ast.Name(id=name)])
            | ast.AnnAssign(target=ast.Name(id=name))
            | ast.NamedExpr(target=ast.Name(id=name))
        ):
            return _of_variable(code, node, name)
        case ast.Tuple() | ast.List() | ast.Set() | ast.Dict() | ast.Starred():
            return _of_container(code, parent)
        case ast.ListComp(elt=element) | ast.SetComp(elt=element) if element is node:
            return _of_container(code, parent)
        case ast.IfExp() if node is not parent.test:
            return problem_of(code, parent)
        case ast.Call() if node is not parent.func:
            return USED if _takes_values(code, parent.func) else ""
        case ast.keyword() if isinstance(call := code.parents.get(parent), ast.Call):
            return USED if _takes_values(code, call.func) else ""
    return USED if _needs_result(parent, node) else ""


def _of_container(code: Code, node: ast.expr) -> str:
    """A list of coroutines may be gathered; it is lost only when it is dropped or returned at once."""
    problem = (
        problem_of(code, node)
        if not isinstance(code.parents.get(node), ast.Assign | ast.AnnAssign | ast.NamedExpr)
        else ""
    )
    return problem if problem in (DROPPED, RETURNED) else ""


def _of_variable(code: Code, node: ast.expr, name: str) -> str:
    """A variable that is bound once: what is done with it everywhere."""
    function = code.around(node)
    if function is None or isinstance(function, ast.Lambda) or variable(function, name) is None:
        return ""
    problems = [_use(code, use) for use in uses(function, name)]
    if not problems:
        return UNUSED
    return next(iter(problems)) if all(problems) else ""


def _use(code: Code, node: ast.Name) -> str:
    parent = code.parents.get(node)
    if isinstance(parent, ast.Assign | ast.AnnAssign | ast.NamedExpr):
        return ""
    return problem_of(code, node)


def _is_workflow(code: Code, node: ast.expr) -> bool:
    function = code.around(node)
    found = code.marked(function) if function else None
    return found is not None and found.kind is FunctionKind.WORKFLOW


def _takes_values(code: Code, function: ast.expr) -> bool:
    """Whether a call of ``function`` wants results and no coroutines: steps do, and a few builtins."""
    called = code.function(function)
    if called is not None:
        return called.kind is FunctionKind.STEP
    return code.outside(function) in TAKING_ANYTHING


def _needs_result(parent: ast.AST | None, node: ast.expr) -> bool:
    """Whether the expression or statement around ``node`` would fail with, or mistake, a coroutine."""
    match parent:
        case ast.Attribute(attr=name):
            return name not in OF_COROUTINES
        case ast.BinOp() | ast.UnaryOp() | ast.FormattedValue() | ast.YieldFrom() | ast.Assert():
            return True
        case ast.Subscript(value=value):
            return value is node
        case ast.Compare(ops=ops):
            return not all(isinstance(op, ast.Is | ast.IsNot) for op in ops)
        case ast.If(test=test) | ast.While(test=test) | ast.IfExp(test=test):
            return test is node
        case ast.For(iter=iterated) | ast.comprehension(iter=iterated):
            return iterated is node
    return False
