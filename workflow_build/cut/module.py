"""One module, cut."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from workflow_build.cut.plain import plain_function, plain_import
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
    nodes: Sequence[ast.stmt]
    places: Sequence[_Place]
    marks: Sequence[Sequence[Function | None]]
    """For each top-level statement the marks of the functions in it, in order; none where none is marked."""
    _plain: dict[tuple[KeptStatement, ...], Sequence[str] | None] = field(default_factory=dict)
    _rewritten: dict[tuple[KeptStatement, ...], Sequence[str]] = field(default_factory=dict)

    def cut(self, statements: Sequence[KeptStatement]) -> str:
        """The text with nothing but ``statements``, each on its own lines, and marked functions rewritten."""
        result = [""] * len(self.lines)
        for place, kept in self._kept(statements):
            lines = self._plainly(place, kept)
            if lines is None:
                lines = self._rewrite(place, kept)
            result[place.start : place.start + len(lines)] = lines
        text = "\n".join(result).rstrip("\n")
        return text + "\n" if text else ""

    def is_plain(self, statements: Sequence[KeptStatement]) -> bool:
        """Whether cutting it like that takes no second parser, and so next to no time."""
        return all(self._plainly(place, kept) is not None for place, kept in self._kept(statements))

    def _kept(self, statements: Sequence[KeptStatement]) -> Iterator[tuple[_Place, tuple[KeptStatement, ...]]]:
        """The places of which something is kept, with that."""
        kept = {statement.index: statement for statement in statements}
        for place in self.places:
            here = tuple([kept[i] for i in range(place.index, place.index + place.count) if i in kept])
            if here:
                yield place, here

    def _plainly(self, place: _Place, kept: tuple[KeptStatement, ...]) -> Sequence[str] | None:
        """The lines of what is copied, or rewritten as text; None when it takes more than that."""
        is_whole = len(kept) == place.count and all(one.names is None and not one.is_stub for one in kept)
        if is_whole and not any(self.marks[place.index]):
            return self.lines[place.start : place.end]
        if is_whole and place.definition is not None and self._is_workflow_alone(place):
            return [""] * (place.definition - place.start) + [*self.lines[place.definition : place.end]]
        if place.count > 1:
            return None
        if kept not in self._plain:
            self._plain[kept] = self._as_text(place, kept[0])
        return self._plain[kept]

    def _is_workflow_alone(self, place: _Place) -> bool:
        """Whether nothing is rewritten but the decorators of a workflow, for which nothing has to be parsed again."""
        first, *inner = self.marks[place.index]
        return first is not None and first.kind is FunctionKind.WORKFLOW and not any(inner)

    def _as_text(self, place: _Place, kept: KeptStatement) -> Sequence[str] | None:
        node, lines = self.nodes[place.index], self.lines[place.start : place.end]
        if isinstance(node, ast.Import | ast.ImportFrom):
            return plain_import(node, kept.names or (), lines)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            return plain_function(node, self.marks[place.index][0], lines, is_stub=kept.is_stub)
        return None

    def _rewrite(self, place: _Place, kept: tuple[KeptStatement, ...]) -> Sequence[str]:
        from workflow_build.cut.statement import (
            rewritten_statement,
        )  # libcst takes longer to load than most builds take

        if kept not in self._rewritten:
            here = {statement.index - place.index: statement for statement in kept}
            lines = self.lines[place.start : place.end]
            self._rewritten[kept] = rewritten_statement(lines, place.start + 1, here, self.marks[place.index])
        return self._rewritten[kept]


def cutter(text: str, tree: ast.Module, marks: Sequence[Sequence[Function | None]]) -> Cutter:
    """The module with source ``text`` and syntax ``tree``.

    Only what must be rewritten, and is not in the usual form, is read by libcst, which takes ten times as long as reading it with ``ast``.
    What libcst can not read, or would not give back as it was, is a ``ValueError`` from ``cut``.
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
    return Cutter(lines, tree.body, places, marks)


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
