"""What workflow code changes though it belongs to a module."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from workflow_build.checks.code import Code
from workflow_build.checks.trails import Definition
from workflow_build.model import Diagnostic
from workflow_build.reach.lookup import External, Whole
from workflow_build.rules.replay import STATE_CHANGED
from workflow_build.syntax.nodes import walk
from workflow_build.syntax.reads import chain_of

CONTAINERS = frozenset(
    {
        "builtins.bytearray",
        "builtins.dict",
        "builtins.list",
        "builtins.set",
        "collections.Counter",
        "collections.OrderedDict",
        "collections.defaultdict",
        "collections.deque",
    }
)
CHANGING = frozenset(
    "add append appendleft clear difference_update discard extend extendleft insert intersection_update pop popitem popleft "
    "remove reverse setdefault sort symmetric_difference_update update".split()
)
"""Methods of those that change them."""

AT_CREATION = frozenset({"__init_subclass__", "__set_name__"})
"""Methods that run when a class is made."""


def state_changes(code: Code) -> Iterator[Diagnostic]:
    """Where functions of workflow code rebind or change something at the top level of a module of the project."""
    for node in code.each(ast.Subscript, ast.Attribute, ast.Call, *([ast.Name] if ast.Global in code.nodes else [])):
        for changed, target in _changed(code, node):
            function = code.around(node)
            if function is not None and not _only_loads(code, function):
                name, module = changed
                workflow = code.workflow.qualname if code.workflow else ""
                path = " → ".join((*(code.trail or (workflow, "…")), name))
                yield STATE_CHANGED.at(code.place(target), workflow=workflow, name=name, module=module, path=path)


def _only_loads(code: Code, function: Definition | ast.Lambda) -> bool:
    """Whether the function only fills what belongs to its module, as a decorator that registers does: each replay has the same of it."""
    running, node = code.running, code.node
    if getattr(function, "name", "") in AT_CREATION:
        return True
    if running is None or not isinstance(node, Definition):
        return False
    if function is node:
        return running.only_loads(code.module, code.index)
    is_given_back = function in node.body and any(_returns(part, function) for part in node.body)
    return is_given_back and running.only_decorates(code.module, code.index)


def _returns(node: ast.stmt, function: Definition | ast.Lambda) -> bool:
    match node:
        case ast.Return(value=ast.Name(id=name)):
            return name == getattr(function, "name", "")
    return False


def _changed(code: Code, node: ast.AST) -> Iterator[tuple[tuple[str, str], ast.expr]]:
    """What ``node`` changes, as name and module, and where."""
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) if _is_global(code, node, name):
            yield (name, code.module), node
        case ast.Subscript(value=held, ctx=ast.Store() | ast.Del()):
            while isinstance(held, ast.Subscript):
                held = held.value
            if owner := _container(code, held, chain_of(held) or ()):
                yield owner, held
        case ast.Attribute(ctx=ast.Store() | ast.Del()):
            if owner := _owner(code, node):
                yield owner, node
        case ast.Call(func=ast.Attribute(attr=method) as function) if method in CHANGING:
            if owner := _container(code, function, (chain_of(function) or ())[:-1]):
                yield owner, function


def _is_global(code: Code, node: ast.Name, name: str) -> bool:
    function = code.around(node)
    if function is None or isinstance(function, ast.Lambda):
        return False
    return any(isinstance(inner, ast.Global) and name in inner.names for inner in walk(function))


def _owner(code: Code, target: ast.Attribute) -> tuple[str, str] | None:
    """The attribute that is set, and the module of the project at whose top level its object is bound."""
    whole = next((step.module for step in code.leads(target) if isinstance(step, Whole)), None)
    defined = code.definition(target)
    module = whole or (defined[0].name if defined else None)
    return (code.text(target), module) if module else None


def _container(code: Code, node: ast.expr, chain: tuple[str, ...]) -> tuple[str, str] | None:
    """The list, dict or set called ``chain``, and its module, when ``node`` leads to where it is made."""
    defined = code.definition(node)
    if defined is None or not chain:
        return None
    syntax, index = defined
    match syntax.parsed.tree.body[index]:
        case (
            ast.Assign(targets=[ast.Name(id=bound)], value=value)
            | ast.AnnAssign(target=ast.Name(id=bound), value=ast.expr() as value)
        ) if chain[-1] == bound or len(chain) == 1:
            return (".".join(chain), syntax.name) if _makes_container(code, value, syntax.name) else None
    return None


def _makes_container(code: Code, value: ast.expr, module: str) -> bool:
    if isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp):
        return True
    chain = chain_of(value.func) if isinstance(value, ast.Call) else None
    leads = code.lookup.name(module, chain[0], chain[1:]) if chain else ()
    return any(isinstance(step, External) and step.name in CONTAINERS for step in leads)
