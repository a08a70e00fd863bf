"""What the functions and classes of a module change of the module's own names, and which statements set that off while the module is loaded.

``@register("a")`` above a function fills a table, ``add(1)`` appends to a list, and a class with ``__init_subclass__`` notes its subclasses:
a bundle that keeps the table needs the statements that fill it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence

from workflow_build.syntax.bindings import arguments_of, bindings_of
from workflow_build.syntax.nodes import children, walk

Definition = ast.FunctionDef | ast.AsyncFunctionDef

CHANGING = frozenset(
    "add append appendleft clear difference_update discard extend extendleft insert intersection_update pop popitem popleft "
    "register remove reverse setdefault sort symmetric_difference_update update".split()
)
"""Methods that change what they are called on, as those of lists, dicts and sets do, and of functions with ``singledispatch``."""

CHANGING_FIRST = frozenset(
    "delattr heapify heappop heappush heappushpop heapreplace insort insort_left insort_right setattr setitem shuffle".split()
)
"""Functions that change their first argument, by the last part of their name."""


def altered(tree: ast.Module, indexes: Iterable[int]) -> dict[int, frozenset[str]]:
    """For each of these functions and classes, by its index, the names of the module that it changes itself when it runs."""
    own = ((index, node) for index in indexes if isinstance(node := tree.body[index], Definition | ast.ClassDef))
    found = ((index, frozenset(_changed_by(node, frozenset()))) for index, node in own)
    return {index: names for index, names in found if names}


def effects_of(tree: ast.Module, altering: Mapping[int, frozenset[str]]) -> dict[str, frozenset[str]]:
    """For each function and class the names that calling it, or subclassing it, may change, through others too."""
    if not altering:
        return {}
    own = {node.name: index for index, node in enumerate(tree.body) if isinstance(node, Definition | ast.ClassDef)}
    found = {name: set(altering.get(index, ())) for name, index in own.items()}
    calls = {name: set(_called_by(tree.body[index])) & own.keys() for name, index in own.items()}
    is_growing = True
    while is_growing:
        is_growing = False
        for name, called in calls.items():
            more = {inner for other in called for inner in found[other]} - found[name]
            found[name] |= more
            is_growing = is_growing or bool(more)
    return {name: frozenset(changed) for name, changed in found.items() if changed}


def set_off(node: ast.stmt, effects: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """The names of the module that running the statement changes through what it calls, decorates with or subclasses."""
    for name in _called_now([node]) if effects else ():
        yield from effects.get(name, ())


def root_of(node: ast.expr) -> Iterator[str]:
    """``TABLE`` for ``TABLE["x"].lines`` and the like."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Name):
        yield node.id


def changed_first(node: ast.Call) -> Iterator[str]:
    """The first argument of a function that changes it."""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in CHANGING_FIRST and node.args:
        yield from root_of(node.args[0])


def _changed_by(node: Definition | ast.ClassDef, hidden: frozenset[str]) -> Iterator[str]:
    """The names of the module that ``node`` and the functions in it change. Those in ``hidden`` are variables of the functions around it."""
    if isinstance(node, ast.ClassDef):
        methods = [child for child in node.body if isinstance(child, Definition)]
        if any(method.name == "__init_subclass__" for method in methods) or "type" in _names(node.bases):
            yield node.name
        for method in methods:
            yield from _changed_by(method, hidden)
        return
    parts = list(_own_parts(node.body))
    declared = {name for part in parts if isinstance(part, ast.Global) for name in part.names}
    inner = [part for part in parts if isinstance(part, Definition | ast.ClassDef)]
    own = [
        name for part in parts if not isinstance(part, Definition | ast.ClassDef) for name in _changes(part, declared)
    ]
    if not own and not inner:
        return  # before what takes longer
    bound = bindings_of(node.body, "", is_package=False)
    hidden = (hidden | bound.names | {argument.arg for argument in arguments_of(node.args)}) - declared
    yield from (name for name in own if name not in hidden)
    for part in inner:
        yield from _changed_by(part, hidden)


def _own_parts(nodes: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """The nodes and all below them; functions and classes in them as a whole."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        yield node
        if not isinstance(node, Definition | ast.ClassDef):
            stack.extend(children(node))


def _changes(node: ast.AST, declared: set[str]) -> Iterator[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) if name in declared:
            yield name
        case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
            yield from root_of(node)
        case ast.Call(func=ast.Attribute(attr=method) as function) if method in CHANGING:
            yield from root_of(function)
        case ast.Call():
            yield from changed_first(node)


def _called_by(node: ast.AST) -> Iterator[str]:
    """The names of the module that are called anywhere in ``node``, now or when it is called itself."""
    for part in walk(node):
        yield from _calls(part)


def _called_now(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """The names that are called as soon as ``nodes`` run."""
    stack = list(nodes)
    while stack:
        node = stack.pop()
        yield from _calls(node)
        if isinstance(node, Definition | ast.Lambda):  # its body runs later
            defaults = [default for default in node.args.kw_defaults if default]
            stack.extend([*getattr(node, "decorator_list", []), *node.args.defaults, *defaults])
        else:
            stack.extend(children(node))


def _calls(node: ast.AST) -> Iterator[str]:
    called: list[ast.expr] = [node.func] if isinstance(node, ast.Call) else []
    called += getattr(node, "decorator_list", [])
    if isinstance(node, ast.ClassDef):
        called += [*node.bases, *(keyword.value for keyword in node.keywords if keyword.arg == "metaclass")]
    yield from _names(called)


def _names(nodes: Sequence[ast.expr]) -> set[str]:
    return {name for node in nodes for name in root_of(node)}
