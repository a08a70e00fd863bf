"""The project's classes whose objects cross between a workflow, its steps and its callers."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter

from workflow_build.graph.names import Bound, Names, Unfinished
from workflow_build.model import Function, Functions, Location
from workflow_build.reach.lookup import External
from workflow_build.syntax.nodes import walk
from workflow_build.syntax.reads import chain_of
from workflow_build.syntax.source import span

BASES = {
    "pydantic": "pydantic",
    "pydantic_settings": "pydantic",
    "sqlmodel": "pydantic",
    "enum": "enum",
    "msgspec": "msgspec",
}
"""What a class is, by the library of a base."""

NAMED_BASES = {
    "typing.NamedTuple": "namedtuple",
    "typing.TypedDict": "typeddict",
    "typing_extensions.TypedDict": "typeddict",
}
DECORATORS = {"dataclasses": "dataclass", "attr": "attrs", "attrs": "attrs", "pydantic": "pydantic"}
"""What a class is, by the library of a decorator."""

ALIASES = 10
"""How many names for one thing are followed."""


@dataclass(frozen=True, slots=True, order=True)
class SerializableClass:
    """A class that a signature of a workflow or step names, or a field of such a class, or that is raised there."""

    module: str
    qualname: str
    kind: str
    """dataclass, pydantic, attrs, msgspec, enum, namedtuple, typeddict or exception."""
    location: Location


def serializable_classes(functions: Functions, names: Names) -> tuple[SerializableClass, ...]:
    """All of them, sorted by module and name."""
    found = names.lookup.modules.recall_each(
        Crossing, "classes", functions.functions, attrgetter("id"), lambda one: _of(one, names.afresh())
    )
    return tuple(sorted({one for crossing in found for one in crossing.classes}))


@dataclass(frozen=True, slots=True)
class Crossing:
    """The classes whose objects cross at one function, sorted."""

    classes: tuple[SerializableClass, ...]


def _of(function: Function, names: Names) -> Crossing:
    finder = _Finder(names)
    finder.function(function)
    finder.fields()
    return Crossing(tuple(sorted(finder.found.values())))


@dataclass(slots=True)
class _Finder:
    names: Names
    found: dict[tuple[str, int], SerializableClass] = field(default_factory=dict)
    waiting: list[tuple[str, ast.ClassDef]] = field(default_factory=list)
    """Classes whose fields have not been looked at."""

    def function(self, function: Function) -> None:
        """Take the classes of a signature, and the exceptions that are raised by name."""
        for node in self.names.definitions(function):
            for annotation in _annotations(node):
                self._take(function.module, annotation)
            for raised in (part.exc for part in walk(node) if isinstance(part, ast.Raise) and part.exc):
                self._take(function.module, raised.func if isinstance(raised, ast.Call) else raised, {"exception"})

    def _take(self, module: str, annotation: ast.expr, kinds: set[str] | None = None, depth: int = 0) -> None:
        """The classes that ``annotation`` names; those that are one of ``kinds``, if that is given."""
        for chain in _chains(annotation):
            for where, node in self._statements(module, chain):
                match node:
                    case ast.ClassDef():
                        self._class(where, node, kinds)
                    case _ if (value := _aliased(node)) and depth < ALIASES:
                        self._take(where, value, kinds, depth + 1)

    def _class(self, module: str, node: ast.ClassDef, kinds: set[str] | None) -> None:
        key = module, node.lineno
        kind = self._kind(module, node)
        if key in self.found or kind is None or (kinds and kind not in kinds):
            return
        parsed = self.names.syntax(module).parsed
        place = span(parsed.file.path, parsed.lines, node)
        self.found[key] = SerializableClass(module, node.name, kind, Location(place.path, place.line, place.column))
        self.waiting.append((module, node))

    def fields(self) -> None:
        """Take the classes of the fields of all that was found, and of theirs."""
        while self.waiting:
            self._fields(*self.waiting.pop())

    def _fields(self, module: str, node: ast.ClassDef, depth: int = 0) -> None:
        """The classes of the fields, those of the project's base classes included."""
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign):
                self._take(module, statement.annotation)
        for base in node.bases if depth < ALIASES else ():
            for where, parent in self._statements(module, chain_of(base) or ()):
                if isinstance(parent, ast.ClassDef) and parent is not node:
                    self._fields(where, parent, depth + 1)

    def _kind(self, module: str, node: ast.ClassDef, depth: int = 0) -> str | None:
        """What the class is by its decorators or its bases, nearest first."""
        for decorator in node.decorator_list:
            name = self._outside(module, decorator.func if isinstance(decorator, ast.Call) else decorator)
            if kind := DECORATORS.get(name.partition(".")[0]):
                return kind
        for base in node.bases if depth < ALIASES else ():
            expression = base.value if isinstance(base, ast.Subscript) else base
            name = self._outside(module, expression)
            if kind := NAMED_BASES.get(name) or BASES.get(name.partition(".")[0]) or _exception(name):
                return kind
            for where, parent in self._statements(module, chain_of(expression) or ()):
                if not isinstance(parent, ast.ClassDef) or parent is node:
                    continue
                if kind := self._kind(where, parent, depth + 1):
                    return kind
        return None

    def _outside(self, module: str, node: ast.expr) -> str:
        """The absolute name of what is from outside of the project; empty for anything else."""
        chain = chain_of(node)
        found = self._find(module, chain) if chain else None
        return found.name if isinstance(found, External) else ""

    def _statements(self, module: str, chain: tuple[str, ...]) -> Iterator[tuple[str, ast.stmt]]:
        found = self._find(module, chain) if chain else None
        if isinstance(found, Bound):
            for index in found.statements:
                statement = self.names.statement(found.module, index)
                nodes = walk(statement) if isinstance(statement, ast.If | ast.Try) else [statement]
                for node in nodes:
                    if not isinstance(node, ast.ClassDef) or node.name in found.names:
                        yield from [(found.module, node)] if isinstance(node, ast.stmt) else []

    def _find(self, module: str, chain: tuple[str, ...]) -> Bound | External | None:
        """Where the dotted name leads; nowhere when attributes of a class or a value are left."""
        found = self.names.find(module, chain[0])
        for number, name in enumerate(chain[1:], 1):
            if isinstance(found, External):
                return External(".".join((found.name, *chain[number:])), found.module)
            found = self.names.find(found.module, name, inside=False) if isinstance(found, Unfinished) else None
        return None if isinstance(found, Unfinished) else found


def _aliased(node: ast.stmt) -> ast.expr | None:
    """What a name is given: by an assignment or, from Python 3.12 on, a ``type`` statement."""
    is_alias = isinstance(node, ast.Assign | ast.AnnAssign) or type(node).__name__ == "TypeAlias"
    value = getattr(node, "value", None) if is_alias else None
    return value if isinstance(value, ast.expr) else None


def _annotations(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.expr]:
    arguments = node.args
    parameters = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    yield from (one.annotation for one in parameters if one and one.annotation)
    if node.returns:
        yield node.returns


def _chains(annotation: ast.expr) -> Iterator[tuple[str, ...]]:
    """The dotted names in an annotation, also where it is written as a string."""
    for node in walk(annotation):
        if isinstance(node, ast.Name | ast.Attribute) and (chain := chain_of(node)):
            yield chain
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            try:
                inner = ast.parse(node.value.strip(), mode="eval").body
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                continue
            yield from _chains(inner)


def _exception(name: str) -> str | None:
    """The builtin exceptions, and the runtime's own."""
    module, _, last = name.rpartition(".")
    known = module == "builtins" and (last.endswith(("Error", "Exception", "Exit", "Interrupt", "Group", "Iteration")))
    return "exception" if known or (module.startswith("workflow_runtime") and last.endswith("Error")) else None
