"""One module, cut."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import libcst as cst

from workflow_build.cut.blanks import expression, lines_of
from workflow_build.cut.functions import Line, MarkedFunctions, rewritten
from workflow_build.cut.imports import pruned
from workflow_build.model import Function, KeptStatement

_PLAIN = cst.Module([])


@dataclass(frozen=True, slots=True)
class _Place:
    """A statement, or several joined by ``;``, and where it stands."""

    node: Line
    """Without the comments and blank lines above it."""
    index: int
    """The index of the first of the statements."""
    count: int
    start: int
    """The first of its lines in the module, from 0."""
    end: int
    """The line after the last."""


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
        is_whole = len(kept) == place.count and all(statement.names is None for statement in kept)
        if is_whole and not any(self.marks[place.index]):
            return self.lines[place.start : place.end]
        if kept not in self._rewritten:
            self._check(place)
            nodes = self._changed(place, {statement.index: statement for statement in kept})
            self._rewritten[kept] = _code(*nodes)
        return self._rewritten[kept]

    def _check(self, place: _Place) -> None:
        """What is rewritten must come out on the lines that it stands on."""
        for line, code in zip(self.lines[place.start : place.end], _code(place.node), strict=False):
            if line.lstrip("\f") != code:
                raise ValueError(f"line {place.start + 1} and those after it are joined or indented in an unusual way")

    def _changed(self, place: _Place, kept: Mapping[int, KeptStatement]) -> Sequence[Line]:
        node, marks = place.node, self.marks[place.index]
        if isinstance(node, cst.SimpleStatementLine):
            body = [_small(small, kept.get(place.index + number)) for number, small in enumerate(node.body)]
            return [node.with_changes(body=body)]
        if isinstance(node, cst.FunctionDef):
            return rewritten(node, marks[0])
        changed = node.visit(MarkedFunctions(marks))
        assert isinstance(changed, cst.BaseCompoundStatement)
        return [changed]


def cutter(text: str, tree: ast.Module, marks: Sequence[Sequence[Function | None]]) -> Cutter:
    """The module with source ``text`` and syntax ``tree``. What libcst can not read is a ``ParserSyntaxError``.

    What it would not give back as it was is a ``ValueError`` from ``cut``, if it must be rewritten.
    """
    lines = text.split("\n")
    places = []
    index = 0
    for node in cst.parse_module(text).body:
        count = len(node.body) if isinstance(node, cst.SimpleStatementLine) else 1
        start, last = _first_line(tree.body[index], lines), tree.body[index + count - 1]
        places.append(_Place(node.with_changes(leading_lines=[]), index, count, start, last.end_lineno or last.lineno))
        index += count
    return Cutter(lines, places, marks)


def _first_line(node: ast.stmt, lines: Sequence[str]) -> int:
    """The line on which ``node`` begins, from 0; with its decorators, whose places leave out what is before the expression."""
    decorators: Sequence[ast.expr] = getattr(node, "decorator_list", ())
    if not decorators:
        return node.lineno - 1
    first = decorators[0].lineno - 1
    while not lines[first].lstrip().startswith("@"):
        first -= 1
    return first


def _code(*nodes: Line) -> Sequence[str]:
    return "".join(_PLAIN.code_for_node(node) for node in nodes).rstrip("\n").split("\n")


def _small(node: cst.BaseSmallStatement, kept: KeptStatement | None) -> cst.BaseSmallStatement:
    """One of the statements on a line; those that go leave an empty string, since the line must stay valid."""
    if kept is None:
        alone = node.with_changes(semicolon=cst.MaybeSentinel.DEFAULT)
        return cst.Expr(expression('""', lines_of(alone)), semicolon=node.semicolon)
    if kept.names is not None and isinstance(node, cst.Import | cst.ImportFrom):
        return pruned(node, kept.names)
    return node
