"""One module, cut."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import libcst as cst

from workflow_build.cut.blanks import expression, lines_of
from workflow_build.cut.functions import Line, MarkedFunctions
from workflow_build.cut.imports import pruned
from workflow_build.model import Function, FunctionKind, KeptStatement


@dataclass(frozen=True, slots=True)
class _Place:
    """A statement, or several joined by ``;``, and where it stands."""

    index: int
    """The index of the first of the statements."""
    count: int
    start: int
    """The first of its lines in the module, from 0."""
    end: int
    """The line after the last."""
    definition: int | None = None
    """The line of the ``def`` or ``async def``, from 0, if it is a function."""


@dataclass(frozen=True, slots=True)
class Cutter:
    """A module that can be cut in several ways."""

    lines: Sequence[str]
    places: Sequence[_Place]
    marks: Sequence[Sequence[Function | None]]
    """For each top-level statement the marks of the functions in it, in order."""
    _rewritten: dict[tuple[KeptStatement, ...], Sequence[str]] = field(default_factory=dict)

    def cut(self, statements: Sequence[KeptStatement]) -> str:
        """The text with nothing but ``statements``, each on its own lines, and marked functions rewritten."""
        kept = {statement.index: statement for statement in statements}
        result = [""] * len(self.lines)
        for place in self.places:
            here = tuple(kept[i] for i in range(place.index, place.index + place.count) if i in kept)
            if here:
                lines = self._lines(place, here)
                result[place.start : place.start + len(lines)] = lines
        text = "\n".join(result).rstrip("\n")
        return text + "\n" if text else ""

    def _lines(self, place: _Place, kept: tuple[KeptStatement, ...]) -> Sequence[str]:
        is_whole = len(kept) == place.count and all(one.names is None and not one.is_stub for one in kept)
        if is_whole and not any(self.marks[place.index]):
            return self.lines[place.start : place.end]
        if is_whole and place.definition is not None and self._is_workflow_alone(place):
            return [""] * (place.definition - place.start) + [*self.lines[place.definition : place.end]]
        if kept not in self._rewritten:
            module = self._parsed(place)
            node = module.body[0].with_changes(leading_lines=[])
            nodes = self._changed(place, node, {statement.index: statement for statement in kept})
            self._rewritten[kept] = _code(module, nodes)
        return self._rewritten[kept]

    def _is_workflow_alone(self, place: _Place) -> bool:
        """Whether nothing is rewritten but the decorators of a workflow, for which nothing has to be parsed again."""
        first, *inner = self.marks[place.index]
        return first is not None and first.kind is FunctionKind.WORKFLOW and not any(inner)

    def _parsed(self, place: _Place) -> cst.Module:
        """The statement as a module of its own. What is rewritten must come out on the lines that it stands on."""
        lines = self.lines[place.start : place.end]
        module = cst.parse_module("\n".join(line.lstrip("\f") for line in lines) + "\n")
        if len(module.body) != 1 or _code(module, module.body) != [line.lstrip("\f") for line in lines]:
            raise ValueError(f"line {place.start + 1} and those after it are joined or indented in an unusual way")
        return module

    def _changed(self, place: _Place, node: Line, kept: Mapping[int, KeptStatement]) -> Sequence[Line]:
        marks = self.marks[place.index]
        if isinstance(node, cst.SimpleStatementLine):
            body = [_small(small, kept.get(place.index + number)) for number, small in enumerate(node.body)]
            return [node.with_changes(body=body)]
        changed = node.visit(MarkedFunctions(marks, is_stub=kept[place.index].is_stub))
        assert not isinstance(changed, cst.RemovalSentinel)
        return [*changed] if isinstance(changed, cst.FlattenSentinel) else [changed]


def cutter(text: str, tree: ast.Module, marks: Sequence[Sequence[Function | None]]) -> Cutter:
    """The module with source ``text`` and syntax ``tree``.

    Only what must be rewritten is read by libcst, which takes ten times as long as reading it with ``ast``. What libcst can not read
    is a ``ParserSyntaxError`` from ``cut``, what it would not give back as it was a ``ValueError``.
    """
    lines = text.split("\n")
    places: list[_Place] = []
    for index, node in enumerate(tree.body):
        end = node.end_lineno or node.lineno
        if index and _is_joined(tree.body[index - 1], node, lines):
            places[-1] = replace(places[-1], count=places[-1].count + 1, end=max(end, places[-1].end))
        else:
            definition = node.lineno - 1 if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else None
            places.append(_Place(index, 1, _first_line(node, lines), end, definition))
    return Cutter(lines, places, marks)


def _is_joined(before: ast.stmt, node: ast.stmt, lines: Sequence[str]) -> bool:
    """Whether a ``;`` stands between the two, and no end of a line but one that a backslash takes back."""
    line, offset = before.end_lineno or before.lineno, before.end_col_offset or 0
    rest = lines[line - 1].encode()[offset:].decode(errors="replace")
    return node.lineno == line or rest.replace(";", "").strip() == "\\"


def _first_line(node: ast.stmt, lines: Sequence[str]) -> int:
    """The line on which ``node`` begins, from 0; with its decorators, whose places leave out what is before the expression."""
    decorators: Sequence[ast.expr] = getattr(node, "decorator_list", ())
    if not decorators:
        return node.lineno - 1
    first = decorators[0].lineno - 1
    while not lines[first].lstrip().startswith("@"):
        first -= 1
    return first


def _code(module: cst.Module, nodes: Sequence[cst.BaseStatement]) -> Sequence[str]:
    """The lines of ``nodes``, indented as ``module`` is."""
    return "".join(module.code_for_node(node) for node in nodes).rstrip("\n").split("\n")


def _small(node: cst.BaseSmallStatement, kept: KeptStatement | None) -> cst.BaseSmallStatement:
    """One of the statements on a line; those that go leave an empty string, since the line must stay valid."""
    if kept is None:
        alone = node.with_changes(semicolon=cst.MaybeSentinel.DEFAULT)
        return cst.Expr(expression('""', lines_of(alone)), semicolon=node.semicolon)
    if kept.names is not None and isinstance(node, cst.Import | cst.ImportFrom):
        return pruned(node, kept.names)
    return node
