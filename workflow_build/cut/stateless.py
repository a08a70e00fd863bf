"""Prove that no run can leave anything behind in a bundle's modules, so that runs may share them.

A proof, not a guess: what is not known to be harmless counts as state.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from workflow_build.model import FunctionKind, ReachedModule
from workflow_build.syntax.bindings import bindings_of
from workflow_build.syntax.imports import STAR, imports_of
from workflow_build.syntax.nodes import walk
from workflow_build.syntax.reads import chain_of

IMMUTABLE_CALLS = frozenset(
    {
        "builtins.bool",
        "builtins.bytes",
        "builtins.float",
        "builtins.frozenset",
        "builtins.int",
        "builtins.str",
        "builtins.tuple",
        "collections.namedtuple",
        "dataclasses.field",
        "datetime.timedelta",
        "decimal.Decimal",
        "enum.auto",
        "fractions.Fraction",
        "logging.getLogger",
        "pydantic.ConfigDict",
        "pydantic.Field",
        "re.compile",
        "typing.NewType",
        "typing.ParamSpec",
        "typing.TypeVar",
        "uuid.UUID",
        "workflow_runtime.define_hook",
    }
)
"""Calls whose results do not change, or are not shared by the instances of a class."""

DECORATORS = frozenset(
    {
        "abc.abstractmethod",
        "builtins.classmethod",
        "builtins.property",
        "builtins.staticmethod",
        "contextlib.asynccontextmanager",
        "contextlib.contextmanager",
        "dataclasses.dataclass",
        "enum.unique",
        "functools.total_ordering",
        "pydantic.computed_field",
        "pydantic.field_serializer",
        "pydantic.field_validator",
        "pydantic.model_serializer",
        "pydantic.model_validator",
        "typing.final",
        "typing.overload",
        "typing.override",
    }
)
"""Decorators that keep nothing."""

STATEFUL_NAMES = frozenset(
    {
        "builtins.__import__",
        "builtins.delattr",
        "builtins.eval",
        "builtins.exec",
        "builtins.globals",
        "builtins.setattr",
        "builtins.vars",
        "functools.cache",
        "functools.lru_cache",
        "functools.singledispatch",
        "functools.singledispatchmethod",
    }
)
"""Names through which modules and classes can be changed, or that keep results."""

STATEFUL_ATTRIBUTES = frozenset(
    {"__class__", "__delattr__", "__dict__", "__globals__", "__setattr__", "__subclasses__", "register"}
)
"""Attributes through which classes and functions can be changed."""

COPYING_BASES = frozenset({"pydantic.BaseModel"})
"""Base classes that give each instance its own copy of a mutable default."""


def is_stateless(module: ReachedModule, tree: ast.Module, marks: Mapping[int, FunctionKind]) -> bool:
    """Whether nothing that the kept statements of ``module`` hold can change; ``marks`` are its marked functions by line."""
    nodes = [tree.body[statement.index] for statement in module.statements]
    stubs = {tree.body[statement.index] for statement in module.statements if statement.is_stub}
    imports: dict[str, str] = {}
    for node in (part for kept in nodes for part in walk(kept)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for imported in imports_of(node, module.name, is_package=module.is_package):
                imports[imported.bound] = ".".join(filter(None, (imported.root, imported.name)))
    bound = bindings_of(nodes, module.name, is_package=module.is_package)
    proof = _Proof(imports, frozenset(bound.names), marks)
    return STAR not in imports and all(node in stubs or proof.statement(node) for node in nodes)


@dataclass(frozen=True, slots=True)
class _Proof:
    imports: Mapping[str, str]
    """The absolute names of what the module imports."""
    globals: frozenset[str]
    marks: Mapping[int, FunctionKind]

    def statement(self, node: ast.stmt) -> bool:
        """A statement at the top level."""
        match node:
            case ast.Import() | ast.ImportFrom():
                return True
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                return self._function(node)
            case ast.ClassDef():
                return self._class(node)
            case ast.Assign() | ast.AnnAssign():
                return self._assignment(node, copied=False)
            case ast.Expr(value=ast.Call(func=ast.Attribute(attr="model_rebuild"), args=[], keywords=[])):
                return True
        return type(node).__name__ == "TypeAlias"

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
        mark = self.marks.get(node.lineno)
        if mark is FunctionKind.STEP:
            return True
        defaults = [*node.args.defaults, *(default for default in node.args.kw_defaults if default)]
        plain = mark is FunctionKind.WORKFLOW or all(self._is_decorator(d) for d in node.decorator_list)
        return plain and all(map(self._immutable, defaults)) and all(map(self._harmless, _parts(node.body)))

    def _class(self, node: ast.ClassDef) -> bool:
        copied = any(self._absolute(base) in COPYING_BASES for base in node.bases)
        return (
            all(self._is_decorator(decorator) for decorator in node.decorator_list)
            and all(self._immutable(base) for base in node.bases)
            and all(self._immutable(keyword.value) for keyword in node.keywords)
            and all(self._class_statement(statement, copied=copied) for statement in node.body)
        )

    def _class_statement(self, node: ast.stmt, *, copied: bool) -> bool:
        match node:
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                return True
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                return self._function(node)
            case ast.ClassDef():
                return self._class(node)
            case ast.Assign() | ast.AnnAssign():
                return self._assignment(node, copied=copied)
        return False

    def _assignment(self, node: ast.Assign | ast.AnnAssign, *, copied: bool) -> bool:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if not all(isinstance(target, ast.Name) for target in targets):
            return False
        return node.value is None or (self._literal(node.value) if copied else self._immutable(node.value))

    def _immutable(self, node: ast.expr) -> bool:
        """Whether the value can not change: literals, types, and names of what is itself proved."""
        match node:
            case ast.Constant():
                return True
            case ast.Name() | ast.Attribute():
                return chain_of(node) is not None
            case ast.Tuple(elts=items):
                return all(map(self._immutable, items))
            case ast.UnaryOp(operand=operand):
                return self._immutable(operand)
            case ast.BinOp(left=left, right=right):
                return self._immutable(left) and self._immutable(right)
            case ast.Subscript(value=value, slice=index):
                return self._immutable(value) and self._literal(index)
            case ast.Call(func=function, args=args, keywords=keywords):
                given = [*args, *(keyword.value for keyword in keywords)]
                return self._absolute(function) in IMMUTABLE_CALLS and all(map(self._literal, given))
        return False

    def _literal(self, node: ast.expr) -> bool:
        """Whether the value is immutable, or a display of such values that is copied or only read."""
        match node:
            case ast.List(elts=items) | ast.Set(elts=items) | ast.Tuple(elts=items):
                return all(map(self._literal, items))
            case ast.Dict(keys=keys, values=values):
                return all(key is not None and self._literal(key) for key in keys) and all(map(self._literal, values))
        return self._immutable(node)

    def _harmless(self, node: ast.AST) -> bool:
        """Whether a part of a function's body changes nothing outside of the call."""
        match node:
            case ast.Global():
                return False
            case ast.Attribute(attr=name) if name in STATEFUL_ATTRIBUTES:
                return False
            case ast.Attribute(value=ast.Name(id="self"), ctx=ast.Store() | ast.Del()):
                return True
            case ast.Attribute(ctx=ast.Store() | ast.Del()):
                return False
            case ast.Subscript(value=value, ctx=ast.Store() | ast.Del()):
                return _root(value) not in self.globals
            case ast.Name(ctx=ast.Load()) | ast.Attribute():
                return self._absolute(node) not in STATEFUL_NAMES
        return True

    def _is_decorator(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Attribute) and node.attr in {"setter", "deleter"}:
            return True
        return self._absolute(node.func if isinstance(node, ast.Call) else node) in DECORATORS

    def _absolute(self, node: ast.expr) -> str:
        """The absolute name of ``node``; empty when it is none, or one of the module's own."""
        chain = chain_of(node)
        if chain is None or (chain[0] in self.globals and chain[0] not in self.imports):
            return ""
        return ".".join((self.imports.get(chain[0], f"builtins.{chain[0]}"), *chain[1:]))


def _parts(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    return (part for node in nodes for part in walk(node))


def _root(node: ast.expr) -> str | None:
    """The name at the root of ``node``; None when there is none."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None
