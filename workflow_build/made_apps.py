"""Which apps a module makes, at its top level or in a factory, told from its source."""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass

from workflow_build.adapters.base import Adapter
from workflow_build.model import SourceFile
from workflow_build.syntax.importing import importing_lines

FACTORIES = ("create_app", "make_app")
"""What functions are called that make an app."""


@dataclass(frozen=True, slots=True)
class AppKind:
    """A kind of app, as it can be told from others in a file's bytes, and then in its tree."""

    classes: tuple[bytes, ...]
    """What its app is made by."""
    tops: tuple[bytes, ...]
    """The top-level names of the packages that the classes are from."""

    @staticmethod
    def of(adapter: Adapter) -> AppKind:
        """The kind of app of an adapter's framework."""
        tops = dict.fromkeys(name.partition(".")[0] for name in adapter.packages)
        return AppKind(tuple(map(str.encode, adapter.app_classes)), tuple(map(str.encode, tops)))

    def is_in(self, data: bytes, imports: bytes) -> bool:
        """Whether one of the packages is imported and one of the classes named."""
        return any(map(imports.__contains__, self.tops)) and any(map(data.__contains__, self.classes))


def apps_of(file: SourceFile, kinds: Sequence[AppKind]) -> list[tuple[int, list[str]]]:
    """The numbers of the kinds of app that the file makes, with their names."""
    imports = importing_lines(file)
    told = [(number, kind) for number, kind in enumerate(kinds) if kind.is_in(file.data, imports)]
    if not told:
        return []
    try:
        tree = ast.parse(file.data)
    except (SyntaxError, ValueError):
        return []  # the stages that parse this file report it
    made = ((number, _apps_made(tree, kind)) for number, kind in told)
    return [(number, names) for number, names in made if names]


def _apps_made(tree: ast.Module, kind: AppKind) -> list[str]:
    """Names at the top level of a module that are assigned a call of one of the classes, and factories that make such a call."""
    makers = _makers(tree, frozenset(map(bytes.decode, kind.classes)), frozenset(map(bytes.decode, kind.tops)))
    return [name for node in tree.body for name in (*_assigned_app(node, makers), *_factory(node, makers))]


def _makers(tree: ast.Module, classes: frozenset[str], packages: frozenset[str]) -> re.Pattern[str]:
    """Fits the dotted names, as they stand in this module, of the classes that are imported from one of the packages."""
    some = "|".join(sorted(classes))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").partition(".")[0] in packages:
            names = [(alias.name, re.escape(alias.asname or alias.name)) for alias in node.names]
            found |= {name if origin in classes else rf"{name}\.(?:\w+\.)*(?:{some})" for origin, name in names}
        elif isinstance(node, ast.Import):
            held = [alias for alias in node.names if alias.name.partition(".")[0] in packages]
            heads = [re.escape(alias.asname or alias.name.partition(".")[0]) for alias in held]
            found |= {rf"{head}\.(?:\w+\.)*(?:{some})" for head in heads}
    return re.compile("|".join(sorted(found)) or r"(?!)")


def _assigned_app(node: ast.stmt, makers: re.Pattern[str]) -> list[str]:
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign):
        targets = [node.target]
    else:
        return []
    if not _makes(node.value, makers):
        return []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _factory(node: ast.stmt, makers: re.Pattern[str]) -> list[str]:
    """The name of a function that is called as factories are, needs no argument, and makes an app."""
    if not isinstance(node, ast.FunctionDef) or node.name not in FACTORIES:
        return []
    given = node.args
    needed = len(given.posonlyargs) + len(given.args) - len(given.defaults)
    if needed or None in given.kw_defaults:
        return []
    return [node.name] if any(_makes(inner, makers) for inner in ast.walk(node)) else []


def _makes(node: ast.AST | None, makers: re.Pattern[str]) -> bool:
    return isinstance(node, ast.Call) and makers.fullmatch(ast.unparse(node.func)) is not None
