"""Arguments of steps and of new runs that certainly can not be serialized."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from workflow_build.checks.code import Code
from workflow_build.checks.trails import Definition
from workflow_build.checks.variables import variable
from workflow_build.model import Diagnostic, Function, FunctionKind
from workflow_build.reach.lookup import Whole
from workflow_build.rules.calls import UNSERIALIZABLE_ARGUMENT
from workflow_build.syntax.imports import Import

START = "workflow_runtime.start"
DATA = "pass data, and make what is needed from it inside of {name}"
MADE = {
    "builtins.open": ("an open file", "pass the path, and open it in {name}"),
    "builtins.iter": ("an iterator", "pass a list"),
    "builtins.map": ("an iterator", "pass a list"),
    "builtins.filter": ("an iterator", "pass a list"),
    "builtins.zip": ("an iterator", "pass a list"),
    "builtins.object": ("a bare object", DATA),
    **{
        f"{module}.{name}": (f"{'an' if module[0] in 'aeiou' else 'a'} {module}.{name}", DATA)
        for module, names in {
            "asyncio": "Condition Event Future Lock Queue Semaphore create_task",
            "contextvars": "ContextVar",
            "io": "StringIO BytesIO TextIOWrapper",
            "logging": "getLogger",
            "queue": "Queue",
            "socket": "socket create_connection",
            "sqlite3": "connect",
            "subprocess": "Popen",
            "threading": "Condition Event Lock RLock Semaphore Thread local",
            "weakref": "ref",
        }.items()
        for name in names.split()
    },
}
"""What calls of these give, and what to pass in its place."""


def unserializable_arguments(code: Code) -> Iterator[Diagnostic]:
    """Arguments in calls of steps, and of ``start`` with a workflow, that are no data."""
    for node in code.each(ast.Call):
        if called := _called(code, node):
            name, arguments = called
            for argument in arguments:
                what, advice = _problem(code, argument)
                if what:
                    advice = advice.format(name=name.qualname)
                    yield UNSERIALIZABLE_ARGUMENT.at(code.place(argument), name=_label(name), what=what, advice=advice)


def _label(function: Function) -> str:
    return f"{function.kind} {function.qualname}"


def _called(code: Code, node: ast.Call) -> tuple[Function, list[ast.expr]] | None:
    """The step that a workflow calls, or the workflow that ``start`` is given, with the arguments for it."""
    words = [word.value for word in node.keywords if word.arg]
    arguments = [argument for argument in node.args if not isinstance(argument, ast.Starred)]
    if code.workflow is not None and (step := code.function(node.func)) and step.kind is FunctionKind.STEP:
        return step, [*arguments, *words]
    offset = {START: 1, "asyncio.to_thread": 1}.get(code.outside(node.func), 0)
    if offset and arguments and arguments[0] is node.args[0]:
        given = code.function(arguments[0])
        wanted = FunctionKind.WORKFLOW if code.outside(node.func) == START else FunctionKind.STEP
        if given and given.kind is wanted and (wanted is FunctionKind.WORKFLOW or code.workflow):
            return given, [*arguments[1:], *words]
    return None


def _problem(code: Code, node: ast.expr) -> tuple[str, str]:
    """What ``node`` is, and what to do; empty when it may be data."""
    match node:
        case ast.Lambda():
            return "a lambda", DATA
        case ast.GeneratorExp():
            return "a generator", "pass a list: `[…]` in place of `(…)`"
        case ast.Call(func=function) if (made := code.outside(function)) in MADE:
            return MADE[made]
        case ast.Name(id=name) if code.read(node) is None:
            return _of_variable(code, node, name)
        case ast.Name() | ast.Attribute() if _is_module(code, node):
            return f"the module {code.text(node)}", "import it where it is used"
        case ast.Name() | ast.Attribute():
            return _of_definition(code, node)
    return "", ""


def _of_variable(code: Code, node: ast.Name, name: str) -> tuple[str, str]:
    function = code.around(node)
    found = variable(function, name) if function else None
    if found is None:
        return "", ""
    if isinstance(found.definition, Definition):
        return f"the function {name}", DATA
    value = found.value
    if value is None or isinstance(value, ast.Name | ast.Attribute):
        return "", ""
    return _problem(code, value)


def _is_module(code: Code, node: ast.expr) -> bool:
    read = code.read(node)
    if read is None or read.attributes:
        return False
    if isinstance(read.root, Import):
        return read.root.name is None
    indexes = code.syntax.bindings.get(read.root, ())
    imports = [
        found for index in indexes for found in code.syntax.statements[index].imports if found.bound == read.root
    ]
    plain = bool(imports) and len(imports) == len(indexes) and all(found.name is None for found in imports)
    return plain or (len(code.leads(node)) == 1 and isinstance(code.leads(node)[0], Whole))


def _of_definition(code: Code, node: ast.expr) -> tuple[str, str]:
    """A function of the project, marked or not."""
    name, defined = code.defined_name(node), code.definition(node)
    if name is None or defined is None:
        return "", ""
    statement = defined[0].parsed.tree.body[defined[1]]
    return (f"the function {name[1]}", DATA) if isinstance(statement, Definition) else ("", "")
