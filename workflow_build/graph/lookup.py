"""What names and attributes stand for: variables, definitions and constants of the project, and what is outside of it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from workflow_build.graph.frame import Frame, Tracer
from workflow_build.graph.model import NodeKind
from workflow_build.graph.names import Bound, Unfinished, known_name
from workflow_build.graph.values import (
    Class,
    Definition,
    Either,
    Group,
    Handle,
    Instance,
    Method,
    Module,
    Outside,
    Several,
    Task,
    Value,
    either,
)
from workflow_build.reach.lookup import External
from workflow_build.syntax.bindings import Bindings
from workflow_build.syntax.imports import Import
from workflow_build.syntax.nodes import children

BASES = 10
"""How far up a method is looked for."""
HANDLES = {
    "workflow_runtime.Run": NodeKind.RUN,
    "workflow_runtime.Hook": NodeKind.HOOK,
    "workflow_runtime.Webhook": NodeKind.WEBHOOK,
}
"""The classes of the runtime whose objects one waits on."""


def named(tracer: Tracer, frame: Frame, name: str) -> Value | None:
    """What ``name`` stands for, as seen from the code of ``frame``."""
    scope: Frame | None = frame
    while scope is not None:
        if name in scope.values:
            return scope.values[name]
        if name in scope.bindings.imports:
            found = (_global(tracer, frame.module, imported) for imported in scope.bindings.imports[name])
            return next((value for value in found if value), None)
        if name in scope.bindings.elsewhere:
            break
        if name in scope.bindings.names:
            return None
        scope = scope.outer
    return _global(tracer, frame.module, name)


def attribute(tracer: Tracer, value: Value | None, name: str) -> Value | None:
    """What ``value.name`` stands for."""
    match value:
        case Instance(of):
            return _member(tracer, of, name, value)
        case Class():
            return _member(tracer, value, name, None)
        case Module(module):
            return _global(tracer, module, name, inside=False)
        case Outside(base):
            return Outside(f"{base}.{name}")
        case Several() | Handle() | Group() | Task():
            return Method(value, name)
        case Either(options):
            return either([(label, attribute(tracer, option, name)) for label, option in options])
    return None


def typed(tracer: Tracer, frame: Frame, annotation: ast.expr | None) -> Instance | Handle | None:
    """An object of the project's class that ``annotation`` names, if it names one and nothing else; or a run, or a hook."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        try:
            annotation = ast.parse(annotation.value.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
    of = annotation.slice if isinstance(annotation, ast.Subscript) else None
    name = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    if not isinstance(name, ast.Name | ast.Attribute):
        return None
    match tracer.value(frame, name):
        case Outside(outside) if kind := HANDLES.get(known_name(outside)):
            what = "a run" if kind is NodeKind.RUN else ""
            return Handle(kind, tracer.names.text(frame.module, of) if of and not what else what)
        case Class() as value if of is None:
            return Instance(value)
    return None


def _global(tracer: Tracer, module: str, root: str | Import, *, inside: bool = True) -> Value | None:
    found = tracer.names.find(module, root, inside=inside)
    match found:
        case External(name):
            return Outside(name)
        case Unfinished(name):
            return Module(name)
        case Bound():
            options = [
                (f"as in line {place}", value)
                for index in found.statements
                for place, value in _defined(tracer, found, tracer.names.statement(found.module, index))
            ]
            ids = [one.marked.id if isinstance(one, Definition) and one.marked else None for _, one in options]
            return either([option for n, option in enumerate(options) if ids[n] is None or ids.index(ids[n]) == n])
    return None


def _defined(tracer: Tracer, found: Bound, node: ast.stmt) -> Iterator[tuple[int, Value | None]]:
    """What the statement gives to the name, in each of its blocks."""
    module = found.module
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if name in found.names:
            yield node.lineno, Definition(module, name, node, tracer.names.marked(module, node))
        case ast.ClassDef(name=name) if name in found.names:
            yield node.lineno, Class(module, node)
        case ast.Assign(targets=targets, value=value) if _names(targets) & found.names:
            yield node.lineno, _constant(tracer, module, value)
        case ast.AnnAssign(target=target, value=ast.expr() as value) if _names([target]) & found.names:
            yield node.lineno, _constant(tracer, module, value)
        case ast.If() | ast.Try() | ast.With() | ast.ExceptHandler():
            for child in children(node):
                if isinstance(child, ast.stmt | ast.ExceptHandler):
                    yield from _defined(tracer, found, child)  # type: ignore[arg-type]  # a handler has blocks as well


def _constant(tracer: Tracer, module: str, node: ast.expr) -> Value | None:
    """What is written at the top level of a module. What would happen there is not part of any workflow."""
    key = module, node.lineno, node.col_offset
    if key in tracer.evaluating:
        return None
    tracer.evaluating.add(key)
    try:
        return tracer.value(Frame(module, Bindings()), node)
    finally:
        tracer.evaluating.discard(key)


def _names(targets: list[ast.expr]) -> set[str]:
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _member(tracer: Tracer, of: Class, name: str, instance: Instance | None, depth: int = 0) -> Value | None:
    """A method, or a field whose type is a class of the project."""
    frame = of.closure or Frame(of.module, Bindings())
    for node in of.node.body:
        match node:
            case ast.FunctionDef(name=found) | ast.AsyncFunctionDef(name=found) if found == name:
                return _method(tracer, of, node, instance)
            case ast.AnnAssign(target=target, annotation=annotation) if name in _names([target]):
                return typed(tracer, frame, annotation)
            case ast.Assign(targets=targets) if name in _names(targets) and _is_enum(tracer, of, frame):
                return Instance(of)
    for base in of.node.bases if depth < BASES else ():
        parent = tracer.value(frame, base)
        if isinstance(parent, Class) and (found_above := _member(tracer, parent, name, instance, depth + 1)):
            return found_above
    return None


def _method(
    tracer: Tracer, of: Class, node: ast.FunctionDef | ast.AsyncFunctionDef, instance: Instance | None
) -> Value | None:
    wrappers = {one.id for one in node.decorator_list if isinstance(one, ast.Name)}
    if "property" in wrappers:
        return typed(tracer, Frame(of.module, Bindings()), node.returns)
    bound = None if "staticmethod" in wrappers else of if "classmethod" in wrappers else instance
    marked = tracer.names.marked(of.module, node)
    return Definition(of.module, f"{of.node.name}.{node.name}", node, marked, of.closure, bound)


def _is_enum(tracer: Tracer, of: Class, frame: Frame) -> bool:
    bases = [tracer.value(frame, base) for base in of.node.bases]
    return any(isinstance(base, Outside) and base.name.startswith("enum.") for base in bases)
